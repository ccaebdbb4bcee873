"""Answers as arrays, and which of them are in force where they deny each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aas_plugin.constraints.answers import SET_ASIDE, Answer
from aas_plugin.constraints.closure import Constraints

SIGN = {"same": 1, "different": -1, "cannot_tell": 0}


def items_of(answers: Iterable[Answer]) -> dict[str, str]:
    """The item of each answer, by id: the id of the first answer to its question, which may have been asked again."""
    item: dict[str, str] = {}
    first: dict[frozenset[str], str] = {}
    for answer in answers:
        pair = frozenset((answer.a, answer.b))
        item[answer.id] = item.get(answer.repeats, answer.repeats) or first.get(pair, answer.id)
        first.setdefault(pair, item[answer.id])
    return item


def standing(answers: Sequence[Answer]) -> list[Answer]:
    """The answers that count, as far as answers alone decide it: those of most votes first, else in their order.

    Of a question that was asked again those of the majority, and none at a tie; of all others those that were not
    marked as contradicting. What one person says of the same two photographs is one vote: the newest. An answer
    "cannot tell" always stands, and one that a person set aside never does.
    """
    item = items_of(answers)
    again = {item[answer.id] for answer in answers if answer.repeats}
    newest = {
        (answer.annotator, frozenset((answer.a, answer.b))): answer
        for answer in answers
        if answer.decision != "cannot_tell" and answer.reason != SET_ASIDE
    }
    votes: Counter[str] = Counter()
    for answer in newest.values():
        votes[item[answer.id]] += SIGN[answer.decision]

    def stands(answer: Answer) -> bool:
        if answer.decision == "cannot_tell":
            return True
        if answer.reason == SET_ASIDE:
            return False
        if item[answer.id] in again:
            return votes[item[answer.id]] * SIGN[answer.decision] > 0
        return not answer.contradicts

    def strength(answer: Answer) -> int:
        return abs(votes[item[answer.id]]) if item[answer.id] in again else 1

    # As in `by_votes`, so that whoever goes through them believes the same ones where they deny each other.
    return sorted(filter(stands, answers), key=strength, reverse=True)


@dataclass(frozen=True)
class Evidence:
    """Q answers that say "same" or "different" of two images, in the order they were given.

    A question may be asked again, of the same photographs or of others of the same two individuals; its answers
    belong to one item.

    Attributes:
        pairs: int64 (Q, 2), u < v, positions of the images.
        same: bool (Q,).
        item: int64 (Q,), 0..I-1 by the first answer of each item.
        ids: the id of each answer.
        marked: bool (Q,), whether an answer was marked as contradicting others when it was given.
        linkage: float64 (Q,), mean similarity of the two clusters that a pair stood for when it was asked; NaN where
            for none.
        cannot_tell: int64 (U, 2), u < v, pairs about which somebody could not tell, whatever others said, or of which
            a person set an answer aside.
        kinds: why each pair was asked, see `Answer.kind`; empty where nobody knows.
        crossing: float64 (Q,), how many pairs of images lay between these clusters; NaN where nobody says. Empty where
            that is so of all.
    """

    pairs: NDArray[np.int64]
    same: NDArray[np.bool_]
    item: NDArray[np.int64]
    ids: tuple[str, ...]
    marked: NDArray[np.bool_]
    linkage: NDArray[np.float64]
    cannot_tell: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))
    kinds: tuple[str, ...] = ()
    crossing: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def asked(self) -> set[tuple[int, int]]:
        """Pairs (u, v), u < v, that have an answer of their own, those of `cannot_tell` among them."""
        return {(u, v) for u, v in [*self.pairs.tolist(), *self.cannot_tell.tolist()]}

    @property
    def votes(self) -> NDArray[np.int64]:
        """Answers "same" minus answers "different" of each item: int64 (I,)."""
        return np.bincount(self.item, np.where(self.same, 1, -1)).astype(np.int64)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Answers of each item: int64 (I,)."""
        return np.bincount(self.item)


def evidence_of(answers: Iterable[Answer], index: Mapping[str, int]) -> Evidence:
    """The answers about images of an index that say "same" or "different".

    What one person says of the same two photographs counts once: the newest.

    Args:
        answers: in the order they were given, none revoked.
        index: position of each image by its path.
    """
    told: dict[tuple[str, int, int], Answer] = {}
    unclear: dict[tuple[int, int], None] = {}
    there = [answer for answer in answers if answer.a in index and answer.b in index]
    for answer in there:
        u, v = sorted((index[answer.a], index[answer.b]))
        if answer.decision == "cannot_tell" or answer.reason == SET_ASIDE:
            unclear[u, v] = None
        else:
            # Taken out first, so that the newest answer stands where it was given.
            told.pop((answer.annotator, u, v), None)
            told[answer.annotator, u, v] = answer
    # Of all answers, as a newer one may repeat one that counts no longer.
    item = items_of(there)
    items = {name: number for number, name in enumerate(dict.fromkeys(item[answer.id] for answer in told.values()))}
    return Evidence(
        pairs=np.array([(u, v) for _, u, v in told], dtype=np.int64).reshape(-1, 2),
        same=np.array([answer.decision == "same" for answer in told.values()], dtype=bool),
        item=np.array([items[item[answer.id]] for answer in told.values()], dtype=np.int64),
        ids=tuple(answer.id for answer in told.values()),
        marked=np.array([bool(answer.contradicts) for answer in told.values()], dtype=bool),
        linkage=np.array([answer.linkage for answer in told.values()], dtype=np.float64),
        cannot_tell=np.array(list(unclear), dtype=np.int64).reshape(-1, 2),
        kinds=tuple(answer.kind for answer in told.values()),
        crossing=np.array([answer.crossing for answer in told.values()], dtype=np.float64),
    )


def evidence_from(constraints: Constraints) -> Evidence:
    """Constraints as answers, each an item of its own: must-links first, in the order given."""
    links = np.concatenate([constraints.must_links, constraints.cannot_links])
    same = np.arange(len(links)) < len(constraints.must_links)
    ids = tuple(map(str, range(len(links))))
    nothing = np.full(len(links), np.nan)
    return Evidence(links, same, np.arange(len(links)), ids, np.zeros(len(links), dtype=bool), nothing)


def by_votes(evidence: Evidence, n: int) -> NDArray[np.bool_]:
    """Which answers are in force when only answers count: bool (Q,).

    An item says what most of its answers say, and nothing at a tie; an item of one answer that was marked says
    nothing. Of items that deny each other those of most votes stand, see `consistent`.

    Args:
        evidence: Q answers.
        n: number of images.
    """
    votes = evidence.votes
    alone = evidence.counts == 1
    marked = np.bincount(evidence.item, evidence.marked, minlength=len(votes)) > 0
    return consistent(evidence, np.where(alone & marked, 0, votes), n)


def consistent(evidence: Evidence, strength: NDArray[np.int64] | NDArray[np.float64], n: int) -> NDArray[np.bool_]:
    """Which answers are in force: those that agree with their item, as far as items do not deny stronger ones.

    Args:
        evidence: Q answers.
        strength: (I,), how sure it is that the two of an item are the same; below 0 that they differ, 0 for neither.
        n: number of images.

    Returns:
        bool (Q,); the constraints of these answers never contradict each other. Of equally strong items the earlier
        one counts.
    """
    sure = np.asarray(strength)[evidence.item]
    agrees: NDArray[np.bool_] = np.where(evidence.same, 1, -1) * sure > 0
    constraints = Constraints(n)
    for answer in np.argsort(-np.abs(sure), kind="stable"):
        if agrees[answer]:
            u, v = evidence.pairs[answer].tolist()
            same = bool(evidence.same[answer])
            if constraints.entails(u, v) is (not same):
                agrees[answer] = False
            else:
                constraints.add(u, v, same)
    return agrees


def constraints_of(evidence: Evidence, in_force: NDArray[np.bool_], n: int) -> Constraints:
    """The constraints of the answers in force, tagged with their ids.

    Raises:
        Contradiction: they deny each other.
    """
    constraints = Constraints(n)
    for answer in np.flatnonzero(in_force):
        u, v = evidence.pairs[answer].tolist()
        constraints.add(u, v, bool(evidence.same[answer]), evidence.ids[answer])
    return constraints
