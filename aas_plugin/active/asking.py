"""Asking the questions of one cycle: one by one, each only while its answer does not follow, none lost."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast, get_args

from aas_plugin.active.knowledge import Knowledge
from aas_plugin.active.questions import Answerer, Question
from aas_plugin.constraints.answers import Answer, AnswerLog, Decision
from aas_plugin.constraints.pending import FILE as PENDING
from aas_plugin.errors import AasError
from aas_plugin.files import remove_file, write_json_lines

DECISIONS = get_args(Decision)

BATCH = 256
"""Answers of a machine that are written at a time."""
SECONDS = 1.0
"""Longest time that an answer of a machine waits to be written."""


class Scribe:
    """Writes answers into the log: those of people one by one, those of a machine in batches.

    A batch that a kill takes away is asked again, and a machine answers it alike. Leaving the `with` block writes
    what is left, also after an error.

    Args:
        log: where they go.
        annotator: who answers.
        hashes: content hash of each image, or None.
        machine: whether answers are those of a machine.
    """

    def __init__(self, log: AnswerLog, annotator: str, hashes: Sequence[str] | None, machine: bool) -> None:
        self.log = log
        self.annotator = annotator
        self.hashes = hashes
        self.at_once = BATCH if machine else 1
        self._waiting: list[Answer] = []
        self._since = time.monotonic()

    def __enter__(self) -> Scribe:
        return self

    def __exit__(self, *_: object) -> Literal[False]:
        self.flush()
        return False

    def write(self, question: Question, decision: Decision, contradicts: tuple[str, ...] = ()) -> str:
        """Write an answer down, or put it to those that are written next; gives its id."""
        answer_id = uuid.uuid4().hex[:12]
        hashes = self.hashes
        self._waiting.append(
            Answer(
                id=answer_id,
                a=question.paths[0],
                b=question.paths[1],
                hash_a=hashes[question.u] if hashes is not None else "",
                hash_b=hashes[question.v] if hashes is not None else "",
                decision=decision,
                annotator=self.annotator,
                time=datetime.now(UTC).isoformat(timespec="seconds"),
                cycle=question.cycle,
                kind=question.kind,
                contradicts=contradicts,
                repeats=question.repeats,
                linkage=question.linkage,
                crossing=question.crossing,
            )
        )
        if len(self._waiting) >= self.at_once or time.monotonic() - self._since > SECONDS:
            self.flush()
        return answer_id

    def flush(self) -> None:
        """Write what waits.

        Raises:
            AasError: the log cannot be written.
        """
        if self._waiting:
            self.log.append(self._waiting)
        self._waiting, self._since = [], time.monotonic()


def ask(
    questions: Iterable[Question],
    answer: Answerer,
    knowledge: Knowledge,
    scribe: Scribe,
    progress: Callable[[int], None] | None = None,
) -> list[Question]:
    """Ask each question whose answer is not known by then, and take the answers in.

    A question that is asked again may be answered against what is known: that answer is marked, and holds for nothing
    before all answers are weighed.

    Args:
        questions: in the order of asking.
        answer: gives a decision, or None for "not yet".
        knowledge: what is known; it grows.
        scribe: writes the answers down.
        progress: called with the number of questions done.

    Returns:
        The questions that are left without an answer.

    Raises:
        AasError: an answer is none, or the log cannot be written.
        Contradiction: an answer denies what others entail.
    """
    pending = []
    with scribe:
        for done, question in enumerate(questions, start=1):
            if not knowledge.settles(question):
                decision = answer(question)
                if decision is None:
                    pending.append(question)
                elif decision in DECISIONS:
                    given = cast(Decision, decision)
                    denying = knowledge.denying(question, given) if question.repeats else ()
                    answer_id = scribe.write(question, given, denying)
                    knowledge.take(question, given, answer_id, marked=bool(denying))
                else:
                    raise AasError(f"the oracle answered {decision!r}; answers are {', '.join(DECISIONS)} or None")
            if progress is not None:
                progress(done)
    return [question for question in pending if not knowledge.settles(question)]


def keep_pending(folder: Path, pending: Sequence[Question], knowledge: Knowledge) -> None:
    """Leave the questions without an answer in the folder, or take their file away where there are none.

    Args:
        folder: of the answers.
        pending: the questions.
        knowledge: what is known.
    """
    path = folder / PENDING
    if pending:
        said = knowledge.said()
        rows: list[dict[str, Any]] = [
            {"a": one.paths[0], "b": one.paths[1], "kind": one.kind, "cycle": one.cycle} for one in pending
        ]
        for row, one in zip(rows, pending, strict=True):
            row |= {"repeats": one.repeats} if one.repeats else {}
            row |= {"linkage": one.linkage} if one.linkage is not None else {}
            row |= {"crossing": one.crossing} if one.crossing is not None else {}
            row |= {"doubted": True} if said.entails(one.u, one.v) is not None else {}
        write_json_lines(path, rows)
    else:
        remove_file(path)
