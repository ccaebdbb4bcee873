"""Answers of a constraint set for a run that has begun."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.constraints.consistency import refuse_contradictions
from aas_plugin.constraints.pending import Pending, read_pending
from aas_plugin.constraints.sets import merge


@dataclass(frozen=True)
class Imported:
    """What an import came to.

    Attributes:
        added: how many answers are new to the run.
        asked: how many of these answer a question that waits in it.
        there: how many it had.
        taken_back: how many it had, and had taken back; they stay so.
    """

    added: int
    asked: int
    there: int
    taken_back: int


def import_answers(folder: Path, given: list[Answer], source: Path) -> Imported:
    """Add answers to the log of a run, whose lock the caller holds.

    Args:
        folder: the run's.
        given: answers of a set.
        source: where the set lies, for errors.

    Raises:
        AasError: together with those of the run they contradict each other, or the log cannot be written.
    """
    log = AnswerLog(folder / "answers.jsonl")
    here, taken = log.answers(), log.ids()
    revoked = taken - {answer.id for answer in here}
    together = merge([here, [answer for answer in given if answer.id not in revoked]])
    refuse_contradictions(together, f"{source} with {log.path}")
    new = booked([answer for answer in given if answer.id not in taken], read_pending(folder))
    log.append(new)
    back = sum(answer.id in revoked for answer in given)
    return Imported(len(new), sum(answer.cycle > 0 for answer in new), len(given) - len(new) - back, back)


def booked(answers: Iterable[Answer], pending: Iterable[Pending]) -> list[Answer]:
    """Answers by the cycle in which a run asks about them, which is 0 for those that it does not ask about.

    A question is answered once: of several answers about one pair the first takes over its cycle and kind.
    """
    waiting = {question.pair: question for question in pending}
    found = []
    for answer in answers:
        question = waiting.pop(frozenset((answer.a, answer.b)), None)
        asked = {"cycle": 0} if question is None else {"cycle": question.cycle, "kind": question.kind}
        found.append(replace(answer, **asked))
    return found
