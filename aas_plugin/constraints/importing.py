"""Answers of a constraint set for a run that has begun."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.constraints.consistency import refuse_contradictions
from aas_plugin.constraints.listed import listed_images
from aas_plugin.constraints.located import located, sentences
from aas_plugin.constraints.matching_images import Images
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
        told: what is to be told of the set's answers, a sentence each, where images lie elsewhere or are missing.
    """

    added: int
    asked: int
    there: int
    taken_back: int
    told: tuple[str, ...] = ()


def import_answers(folder: Path, given: list[Answer], source: Path) -> Imported:
    """Add answers to the log of a run, whose lock the caller holds.

    Images are found in the run's list, where it has one already, wherever they lay when the answers were given.

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
    images = listed_images(folder)
    here_by_path = together if images is None else located(together, images).answers
    refuse_contradictions(here_by_path, f"{source} with {log.path}")
    new = booked([answer for answer in given if answer.id not in taken], read_pending(folder), images)
    log.append(new)
    back = sum(answer.id in revoked for answer in given)
    told = () if images is None else tuple(sentences(located(given, images), source))
    return Imported(len(new), sum(answer.cycle > 0 for answer in new), len(given) - len(new) - back, back, told)


def booked(answers: Iterable[Answer], pending: Iterable[Pending], images: Images | None = None) -> list[Answer]:
    """Answers by the cycle in which a run asks about them, which is 0 for those that it does not ask about.

    A question is answered once: of several answers about one pair the first takes over its cycle and kind.

    Args:
        answers: to be booked; they keep the paths that they were given by.
        pending: what the run asks.
        images: the run's list, None where only paths tell images apart.
    """
    waiting = {question.pair: question for question in pending}
    given = list(answers)
    here = given if images is None else located(given, images).answers
    found = []
    for answer, by_path in zip(given, here, strict=True):
        question = waiting.pop(frozenset((by_path.a, by_path.b)), None)
        asked = {"cycle": 0} if question is None else {"cycle": question.cycle, "kind": question.kind}
        found.append(replace(answer, **asked))
    return found
