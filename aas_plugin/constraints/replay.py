"""From the answers of a log to constraints on the images of a catalogue."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aas_plugin.constraints.answers import Answer
from aas_plugin.constraints.closure import Constraints, Contradiction, describe
from aas_plugin.constraints.evidence import standing


@dataclass(frozen=True)
class Replay:
    """What the answers of a log amount to.

    Attributes:
        constraints: the must-links and cannot-links, tagged with the ids of their answers.
        cannot_tell: the pairs (u, v), u < v, about which somebody could not tell.
        unknown: how many answers are about an image that is not in the index.
    """

    constraints: Constraints
    cannot_tell: set[tuple[int, int]]
    unknown: int


def replay(
    log_answers: Iterable[Answer],
    index: Mapping[str, int],
    constraints: Constraints,
    path: str | os.PathLike[str] = "answers.jsonl",
) -> Replay:
    """Add what the answers say to the constraints, in order.

    An answer that is marked to contradict others gives no constraint. A question that was asked again says what
    most of its answers say; what such a majority denies of other answers gives no constraint either.

    Args:
        log_answers: answers that are not revoked.
        index: the number of each image path, one path a number.
        constraints: filled in place.
        path: the log, for the error.

    Raises:
        Contradiction: an answer that is not marked contradicts those before it, which stay added.
    """
    cannot_tell = set()
    unknown = 0
    answers = list(log_answers)
    asked_again = any(answer.repeats for answer in answers)
    for answer in standing(answers):
        if answer.a not in index or answer.b not in index:
            unknown += 1
            continue
        u, v = index[answer.a], index[answer.b]
        if answer.decision == "cannot_tell":
            cannot_tell.add((min(u, v), max(u, v)))
            continue
        try:
            constraints.add(u, v, same=answer.decision == "same", tag=answer.id)
        except Contradiction as error:
            if asked_again:
                continue
            names = {image: name for name, image in index.items()}
            raise Contradiction(
                f"Answer {answer.id} in {path} says {answer.decision!r} of {answer.a} and {answer.b}, but "
                f"{describe(error.chain, names.__getitem__)}; remove or revoke one of these answers.",
                error.chain,
            ) from error
    return Replay(constraints, cannot_tell, unknown)
