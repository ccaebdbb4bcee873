"""All that is known of pairs of images: answers, what they entail, and which of them are in force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import numpy as np

from aas_plugin.active.questions import Question, call_with_needed
from aas_plugin.active.refining import MakeGraph
from aas_plugin.clustering.graph import Graph
from aas_plugin.constraints.answer_state import state_of
from aas_plugin.constraints.answers import SET_ASIDE, Answer, AnswerLog, Decision
from aas_plugin.constraints.closure import Constraints, Contradiction
from aas_plugin.constraints.evidence import Evidence, by_votes, constraints_of, evidence_of, standing
from aas_plugin.constraints.located import Located, located
from aas_plugin.constraints.matching_images import Images
from aas_plugin.constraints.replay import replay
from aas_plugin.errors import AasError


class Knowledge:
    """What a log of answers says about a list of images; it grows.

    Args:
        log: the answers, on disk.
        images: the list.

    Attributes:
        log: the answers, on disk.
        images: the list.
        constraints: must-links and cannot-links of the answers in force, with their closure.
        cannot_tell: pairs (u, v), u < v, about which somebody could not tell.
        answered: pairs (u, v), u < v, that have an answer of their own, whether or not it is in force; those of
            `cannot_tell` among them.
        unknown: how many answers are about an image that is not in the list.

    Raises:
        Contradiction: the answers contradict each other, and none of them was marked or asked again.
    """

    def __init__(self, log: AnswerLog, images: Images) -> None:
        self.log = log
        self.images = images
        self._located: tuple[tuple[int, int], Located] | None = None
        self._evidence: tuple[tuple[int, int], Evidence] | None = None
        self._replay()

    def _replay(self) -> None:
        index = self.images.index
        self.constraints = Constraints(len(index))
        answers = self.answers()
        replayed = replay(answers, index, self.constraints, self.log.path)
        self.cannot_tell, self.unknown = replayed.cannot_tell, replayed.unknown
        places = [sorted((index[one.a], index[one.b])) for one in answers if one.a in index and one.b in index]
        self.answered = {(u, v) for u, v in places}
        self._codes = np.empty(0, dtype=np.int64)
        # Of what was taken in: others may write to the log, too.
        self._known = self.log.version

    def follow(self) -> None:
        """Take in what others wrote into the log, answers that they took back among it."""
        if self.log.version != self._known:
            self._replay()

    def located(self) -> Located:
        """The answers of the log, by the paths that their images have in the list."""
        version = self.log.version
        if self._located is None or self._located[0] != version:
            self._located = version, located(self.log.answers(), self.images)
        return self._located[1]

    def answers(self) -> list[Answer]:
        """The answers that are not revoked, in the order they were given, by the paths of the list."""
        return self.located().answers

    def evidence(self) -> Evidence:
        """The answers as arrays, in the order of the log."""
        version = self.log.version
        if self._evidence is None or self._evidence[0] != version:
            self._evidence = version, evidence_of(self.answers(), self.images.index)
        return self._evidence[1]

    def said(self) -> Constraints:
        """What follows from all answers by themselves, as people who answer see it.

        Among them are those that a refiner sets aside, and those about images that are known and not of the list; the
        positions of these come after its own.
        """
        index = {path: place for place, path in enumerate(self.images.paths)}
        return state_of(self.answers(), index).constraints

    def settles(self, question: Question) -> bool:
        """Whether a question is not to be asked any more; one that is asked again needs an answer of its own."""
        pair = (question.u, question.v)
        return pair in self.answered or (not question.repeats and self.constraints.entails(*pair) is not None)

    def covers(self, pairs: np.ndarray) -> np.ndarray:
        """Whether each pair, int64 (P, 2), needs no question: bool (P,).

        True where it has an answer, where its answer follows from others, and where a person could not tell.
        """
        follows = self.constraints.entailed_mask(pairs)
        n = self.constraints.n
        if len(self._codes) != len(self.answered):
            told = np.array(list(self.answered), dtype=np.int64)
            self._codes = np.sort(told[:, 0] * n + told[:, 1])
        if not len(self._codes):
            return np.asarray(follows, dtype=bool)
        low, high = np.sort(pairs, axis=1).T
        code = low * n + high
        place = np.minimum(np.searchsorted(self._codes, code), len(self._codes) - 1)
        return np.asarray(follows | (self._codes[place] == code), dtype=bool)

    def denying(self, question: Question, decision: Decision) -> tuple[str, ...]:
        """Ids of the answers that entail the opposite of a decision."""
        pair = (question.u, question.v)
        if decision == "cannot_tell" or self.constraints.entails(*pair) is not (decision != "same"):
            return ()
        return tuple(tag for *_, tag in self.constraints.chain(*pair))

    def take(self, question: Question, decision: Decision, answer_id: str, *, marked: bool = False) -> None:
        """Let a decision hold from now on; one that is marked holds for nothing before all are weighed.

        Raises:
            Contradiction: it is not marked, and denies what is known.
        """
        self._known = (self._known[0] + 1, self._known[1])
        self._hold(question, decision, answer_id, marked)

    def _hold(self, question: Question, decision: Decision, answer_id: str, marked: bool) -> None:
        self.answered.add((question.u, question.v))
        if decision == "cannot_tell":
            self.cannot_tell.add((question.u, question.v))
        elif not marked:
            self.constraints.add(question.u, question.v, decision == "same", answer_id)

    def weigh(self, refiner: Any, graph: Graph | MakeGraph) -> tuple[Evidence, np.ndarray]:
        """Decide anew which answers are in force: as the refiner says, or by votes where it says nothing.

        Args:
            refiner: a plugin object, perhaps with the hook `aas_set_aside`.
            graph: distances between the images, or a function that makes them when they are needed.

        Returns:
            The answers, and which of them are set aside, bool (Q,).

        Raises:
            AasError: the refiner says it otherwise than by bool (Q,), or leaves answers that deny each other.
        """
        evidence = self.evidence()
        aside = self._aside(evidence, refiner, graph)
        if aside is None:
            return evidence, np.zeros(len(evidence), dtype=bool)
        self.constraints = self._in_force(evidence, ~aside)
        return evidence, aside

    def go_back(self, questions: Iterable[Question], refiner: Any, graph: Graph | MakeGraph) -> None:
        """Know what was known when questions were drawn, and after it their answers in the order they were given.

        So a process that goes on with a round asks what one that was not stopped would ask.

        Args:
            questions: of the round.
            refiner: see `weigh`.
            graph: distances between the images, or a function that makes them when they are needed.
        """
        drawn = {frozenset(question.paths): question for question in questions}
        answers = self.answers()
        before = (one for one in answers if frozenset((one.a, one.b)) not in drawn)
        evidence = evidence_of(before, self.images.index)
        aside = self._aside(evidence, refiner, graph)
        in_force = np.ones(len(evidence), dtype=bool) if aside is None else ~aside
        self.constraints = self._in_force(evidence, in_force)
        of_round = [one for one in answers if frozenset((one.a, one.b)) in drawn and one.reason != SET_ASIDE]
        looks = Counter(frozenset((one.a, one.b)) for one in of_round)
        stands = {one.id for one in standing(of_round)}
        for one in of_round:
            pair = frozenset((one.a, one.b))
            # Votes decide on a pair that several people looked at.
            marked = one.id not in stands if looks[pair] > 1 else bool(one.contradicts)
            # Whoever answered in another process may not have known what it denies.
            with suppress(Contradiction):
                self._hold(drawn[pair], one.decision, one.id, marked)

    def _aside(self, evidence: Evidence, refiner: Any, graph: Graph | MakeGraph) -> np.ndarray | None:
        """Which answers are set aside, bool (Q,); None where that is a matter of course: none of them."""
        hook = getattr(refiner, "aas_set_aside", None)
        told = None
        if hook is not None:
            made = graph() if callable(graph) else graph
            told = call_with_needed(hook, evidence=evidence, graph=made)
        if told is None:
            if not evidence.marked.any() and (evidence.counts == 1).all():
                return None
            return ~by_votes(evidence, self.constraints.n)
        aside = np.asarray(told)
        if aside.shape != (len(evidence),) or aside.dtype != bool:
            raise AasError(
                f"the refiner set aside {aside.dtype} of the shape {aside.shape}; a bool for each of the "
                f"{len(evidence)} answers is needed"
            )
        return aside

    def _in_force(self, evidence: Evidence, in_force: np.ndarray) -> Constraints:
        try:
            return constraints_of(evidence, in_force, self.constraints.n)
        except Contradiction as error:
            raise AasError(f"the refiner leaves answers in force that contradict each other: {error}") from error
