"""People answer the questions that a run left open: what is left to ask, and what each answer entails."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from aas_plugin.constraints.answers import Answer, AnswerLog, Decision
from aas_plugin.constraints.closure import Constraints, Contradiction, describe
from aas_plugin.constraints.listed import listed_images
from aas_plugin.constraints.located import located
from aas_plugin.constraints.pending import Pending, read_pending
from aas_plugin.constraints.replay import replay
from aas_plugin.data.catalogue import content_hash
from aas_plugin.data.images import open_upright

WIDTH = 1600
GAP = 8


class Sitting:
    """One person at the questions in a folder, whose lock the caller holds.

    Args:
        folder: of a run or of an `ActiveLearner`, with the questions in `pending.jsonl`.
        photos: folder that the paths of images are relative to.
        annotator: who answers.

    Attributes:
        questions: all of the folder, in the order in which they are asked.
        answered: the questions that were answered, and not taken back, with the ids of the answers.

    Raises:
        AasError: the questions or the answers cannot be read, or the answers contradict each other.
    """

    def __init__(self, folder: Path, photos: Path, annotator: str) -> None:
        self.photos = photos
        self.annotator = annotator
        self.log = AnswerLog(folder / "answers.jsonl")
        self.questions = read_pending(folder)
        self._images = listed_images(folder)
        self.answered: list[tuple[Pending, str]] = []
        self._later: set[frozenset[str]] = set()
        self._rebuild(self.log.answers())

    def left(self) -> list[Pending]:
        """The questions that nobody answered and whose answer does not follow from others."""
        self._take_in()
        return [question for question in self.questions if not self._settled(question)]

    def next(self) -> Pending | None:
        """The first question that is left and was not put off, or None."""
        return next((question for question in self.left() if question.pair not in self._later), None)

    def put_off(self, question: Pending) -> None:
        """Leave a question for another sitting."""
        self._later.add(question.pair)

    def paths(self, question: Pending) -> tuple[Path, Path]:
        """The files of both photos."""
        return self.photos / question.a, self.photos / question.b

    def answer(self, question: Pending, decision: Decision) -> None:
        """Write an answer to the log, which is on the disk when this returns.

        An answer to a question that is asked again may contradict others, and is marked.

        Raises:
            Contradiction: the answers so far entail the opposite of a new question's; nothing is kept.
            AasError: the log cannot be written.
        """
        self._take_in()
        u, v = self._index[question.a], self._index[question.b]
        answer_id = uuid.uuid4().hex[:12]
        contradicts: tuple[str, ...] = ()
        if decision != "cannot_tell":
            try:
                # A rehearsal: what does not fit is refused before it is written.
                self._constraints.add(u, v, decision == "same", answer_id)
            except Contradiction as error:
                if not question.repeats:
                    names = list(self._index)
                    raise Contradiction(
                        f"{decision} contradicts earlier answers: {describe(error.chain, names.__getitem__)}",
                        error.chain,
                    ) from error
                contradicts = tuple(tag for *_, tag in error.chain)
        hashes = [_hash(path) for path in self.paths(question)]
        answer = Answer(
            id=answer_id,
            a=question.a,
            b=question.b,
            hash_a=hashes[0],
            hash_b=hashes[1],
            decision=decision,
            annotator=self.annotator,
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            cycle=question.cycle,
            kind=question.kind,
            contradicts=contradicts,
            repeats=question.repeats,
            linkage=question.linkage,
        )
        try:
            self.log.append([answer])
        finally:
            # From the log: that the rehearsal passed does not say that it is written.
            self._rebuild(self.log.answers())
        self.answered.append((question, answer_id))

    def take_back(self) -> Pending | None:
        """Revoke the last answer of this sitting and give its question, or None where there is none.

        Raises:
            AasError: the log cannot be written.
        """
        if not self.answered:
            return None
        question, answer_id = self.answered[-1]
        self.log.revoke(answer_id, self.annotator)
        self.answered.pop()
        return question

    def _settled(self, question: Pending) -> bool:
        u, v = self._index[question.a], self._index[question.b]
        if question.repeats:
            return question.pair in self._answered
        return (min(u, v), max(u, v)) in self._cannot_tell or self._constraints.entails(u, v) is not None

    def _take_in(self) -> None:
        """Follow the log, which others may write to as well."""
        answers = self.log.answers()
        if [answer.id for answer in answers] != self._seen:
            self._rebuild(answers)

    def _rebuild(self, answers: list[Answer]) -> None:
        if self._images is not None:
            answers = located(answers, self._images).answers
        pairs = [*((q.a, q.b) for q in self.questions), *((answer.a, answer.b) for answer in answers)]
        images = dict.fromkeys(image for pair in pairs for image in pair)
        self._index = {image: number for number, image in enumerate(images)}
        self._constraints = Constraints(len(images))
        self._cannot_tell = replay(answers, self._index, self._constraints, self.log.path).cannot_tell
        self._answered = {frozenset((answer.a, answer.b)) for answer in answers}
        self._seen = [answer.id for answer in answers]


def side_by_side(first: Path, second: Path, width: int = WIDTH) -> Image.Image:
    """Both photos upright and of the same height, a thin gap between them, at most `width` pixels wide.

    Raises:
        UnreadableImageError: one of them is missing or no image.
    """
    photos = [open_upright(path) for path in (first, second)]
    shares = [photo.width / photo.height for photo in photos]
    height = max(1, min(max(photo.height for photo in photos), int((width - GAP) / sum(shares))))
    # Rounding down, so that both together are never wider.
    sizes = [(max(1, int(share * height)), height) for share in shares]
    pair = Image.new("RGB", (sizes[0][0] + GAP + sizes[1][0], height), "white")
    for photo, size, place in zip(photos, sizes, (0, sizes[0][0] + GAP), strict=True):
        pair.paste(photo.resize(size, Image.Resampling.LANCZOS), (place, 0))
    return pair


def _hash(path: Path) -> str:
    """The content hash of a photo, blank for a lost one."""
    with suppress(OSError):
        return content_hash(path)
    return ""
