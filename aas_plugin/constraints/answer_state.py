"""What the answers of a log amount to while people give them: none is lost, also where they deny each other."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from aas_plugin.constraints.answers import SET_ASIDE, Answer
from aas_plugin.constraints.closure import Constraints, Contradiction
from aas_plugin.constraints.evidence import items_of, standing

Place = tuple[int, int]
"""Positions of two images, the smaller one first."""


@dataclass
class AnswerState:
    """Answers in force, and what follows from them.

    Attributes:
        index: position of each image by its path.
        constraints: must-links and cannot-links of the answers that have an effect.
        answers: those about images of the index, by id, in the order they were given.
        looks: the same by the two images they are about.
        in_effect: ids of the answers that give a constraint, or say that it cannot be told.
        refused: answers that give none since they deny others, and that nobody set aside; those to a question that
            was asked again are not among them, as votes decide there.
    """

    index: Mapping[str, int]
    constraints: Constraints
    answers: dict[str, Answer] = field(default_factory=dict)
    looks: dict[Place, list[Answer]] = field(default_factory=dict)
    in_effect: set[str] = field(default_factory=set)
    refused: dict[str, Answer] = field(default_factory=dict)

    def knows(self, answer: Answer) -> bool:
        """Whether both images of an answer are in the index."""
        return answer.a in self.index and answer.b in self.index

    def place(self, answer: Answer) -> Place:
        """The two images of an answer."""
        u, v = self.index[answer.a], self.index[answer.b]
        return (u, v) if u < v else (v, u)

    def add(self, answer: Answer) -> None:
        """Take in an answer to a question that nobody answered before."""
        self.answers[answer.id] = answer
        self.looks.setdefault(self.place(answer), []).append(answer)
        self._let_count(answer, counts=answer.decision == "cannot_tell" or not answer.contradicts)

    def chain(self, answer: Answer) -> list[Answer]:
        """The fewest answers that together say the opposite of one; none where nothing does."""
        if answer.decision == "cannot_tell":
            return []
        u, v = self.place(answer)
        if self.constraints.entails(u, v) is not (answer.decision != "same"):
            return []
        return [self.answers[tag] for *_, tag in self.constraints.chain(u, v)]

    def contradictions(self) -> list[tuple[Answer, list[Answer]]]:
        """Each answer that is refused, with those that say the opposite."""
        found = [(answer, self.chain(answer)) for answer in self.refused.values()]
        return [(answer, chain) for answer, chain in found if chain]

    def _let_count(self, answer: Answer, counts: bool) -> None:
        if counts and answer.decision != "cannot_tell":
            try:
                self.constraints.add(*self.place(answer), answer.decision == "same", answer.id)
            except Contradiction:
                counts = False
        if counts:
            self.in_effect.add(answer.id)
        elif answer.reason != SET_ASIDE:
            self.refused[answer.id] = answer


def state_of(answers: Iterable[Answer], index: Mapping[str, int]) -> AnswerState:
    """The state that answers, none of them revoked, lead to; answers about images that are not in the index are left
    out.

    Args:
        answers: in the order they were given, by the paths of the index.
        index: position of each image by its path.
    """
    state = AnswerState(index, Constraints(len(index)))
    given = [answer for answer in answers if state.knows(answer)]
    for answer in given:
        state.answers[answer.id] = answer
        state.looks.setdefault(state.place(answer), []).append(answer)
    item = items_of(given)
    again = {item[answer.id] for answer in given if answer.repeats}
    stands = {answer.id: answer for answer in standing(given)}
    for answer in stands.values():
        state._let_count(answer, True)
    for answer in given:
        # Of a question that was asked again votes decide, and nobody is told of the others' answers.
        if answer.id not in stands and item[answer.id] not in again:
            state._let_count(answer, False)
    return state


def marked_anew(answers: Iterable[Answer], index: Mapping[str, int]) -> list[tuple[str, Answer]]:
    """Answers whose mark is not right any more: the id of each, and it with the mark that it should have.

    Those that were marked as denying others and deny none lose it. Those that deny others get one: a run refuses a log
    in which answers deny each other unmarked. A question that was asked again needs no mark, as votes decide there.

    Args:
        answers: as they will be in force.
        index: position of each image by its path.
    """
    state = state_of(answers, index)
    found = []
    for answer in list(state.refused.values()):
        place, chain = state.place(answer), state.chain(answer)
        if answer.contradicts and not chain:
            new = replace(answer, id=uuid.uuid4().hex[:12], contradicts=())
            state.constraints.add(*place, answer.decision == "same", new.id)
            state.answers[new.id] = new
        elif chain and not answer.contradicts and not any(look.repeats for look in state.looks[place]):
            new = replace(answer, id=uuid.uuid4().hex[:12], contradicts=tuple(one.id for one in chain))
        else:
            continue
        found.append((answer.id, new))
    return found
