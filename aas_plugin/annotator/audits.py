"""Which answered pairs are looked at once more, blind, and by whom: to measure people, and to settle disagreements."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aas_plugin.constraints.answers import SET_ASIDE, Answer

AGAIN_AFTER = 20
"""Answers that a person gives before the same pair is shown to them again."""
AGAIN_SECONDS = 600.0
"""Or seconds that pass before."""


@dataclass(frozen=True)
class Audit:
    """How answers are checked.

    Attributes:
        share: of the answered pairs that are looked at twice, in [0, 1].
        referee: who looks at pairs on which two people disagree; None for any third person.
        seed: of the draw of pairs.
    """

    share: float = 0.0
    referee: str | None = None
    seed: int = 0

    def draws(self, pair: frozenset[str]) -> bool:
        """Whether a pair of images is one of those that are looked at twice; by its paths and the seed alone."""
        key = "\0".join((str(self.seed), *sorted(pair))).encode(errors="surrogatepass")
        return int.from_bytes(hashlib.sha256(key).digest()[:8], "big") < self.share * 2**64


def wants(audit: Audit, looks: Sequence[Answer], person: str, others: bool, since: int, now: float) -> bool:
    """Whether a person should look at an answered pair.

    A pair that is drawn gets a second look by somebody else, or by the same person after a while where there is nobody
    else. Two people who say the opposite get the look of a third one, or of the referee unless that is one of them, and
    of others until it is settled.

    Args:
        audit: how answers are checked.
        looks: all answers about the pair, in their order.
        person: who asks for work.
        others: whether somebody else is at work, too.
        since: how many answers the person gave since the last of these looks.
        now: seconds since 1970.
    """
    asked = [look for look in looks if look.cycle > 0 and look.reason != SET_ASIDE]
    if not asked or len(asked) < len(looks):
        return False
    people = {look.annotator for look in asked}
    if disagree(asked):
        third = audit.referee is None or audit.referee in people or person == audit.referee
        return third and person not in people
    if len(asked) != 1 or not audit.draws(frozenset((asked[0].a, asked[0].b))):
        return False
    if person not in people:
        return True
    return not others and (since >= AGAIN_AFTER or now - _seconds(asked[0].time) >= AGAIN_SECONDS)


def disagree(looks: Sequence[Answer]) -> bool:
    """Whether as many people say "same" as say "different", and somebody does."""
    newest = {look.annotator: look.decision for look in looks}
    same = sum(decision == "same" for decision in newest.values())
    different = sum(decision == "different" for decision in newest.values())
    return same == different > 0


def _seconds(time: str) -> float:
    try:
        return datetime.fromisoformat(time).timestamp()
    except ValueError:
        return 0.0
