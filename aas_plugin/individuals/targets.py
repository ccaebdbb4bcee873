"""When labelling is done: targets that somebody sets, such as "wrong merges <= 1"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from aas_plugin.errors import AasError

Quantity = Literal["wrong merges", "wrong splits", "questions"]

FORMS = '"wrong merges <= 1", "wrong splits <= 5", "questions <= 200", or several of them joined by " and "'
_ONE = re.compile(r"(wrong\s+merges|wrong\s+splits|questions)\s*(?:<=|≤)\s*(\d{1,9})", re.IGNORECASE)


class Target(NamedTuple):
    """One target.

    Attributes:
        quantity: what is limited.
        most: its limit, at least 0.
    """

    quantity: Quantity
    most: int

    def met(self, outlook: Mapping[str, Any]) -> bool:
        """Whether a run is there.

        Of wrong merges and splits the upper end of the interval counts, as what is promised has to hold; where nothing
        is estimated it is not met. Questions are a limit: it is met once as many were answered.

        Args:
            outlook: see `aas_plugin.runs.outlook`.
        """
        if self.quantity == "questions":
            return int(outlook["answers"]) >= self.most
        estimate = outlook.get(self.quantity.replace(" ", "_"))
        return estimate is not None and float(estimate["high"]) <= self.most

    def __str__(self) -> str:
        return f"{self.quantity} <= {self.most}"


def parse_targets(text: str) -> tuple[Target, ...]:
    """Read targets.

    Args:
        text: see `FORMS`; capitals and blanks do not matter.

    Raises:
        AasError: it is none of the forms, or limits something twice.
    """
    targets = []
    for part in re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE):
        found = _ONE.fullmatch(part.strip())
        if found is None:
            raise AasError(f"target {text!r}: {part.strip()!r} is no target; write {FORMS}")
        quantity: Any = " ".join(found[1].lower().split())
        targets.append(Target(quantity, int(found[2])))
    names = [one.quantity for one in targets]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise AasError(f"target {text!r} limits {twice[0]} twice; write each once, such as {FORMS}")
    return tuple(targets)


def reached(targets: Sequence[Target], outlook: Mapping[str, Any]) -> str:
    """Why to stop: the limit of questions that is reached, or all other targets, which are met; blank to go on.

    Args:
        targets: none is never reached.
        outlook: see `aas_plugin.runs.outlook`.
    """
    goals = [one for one in targets if one.quantity != "questions"]
    if goals and all(one.met(outlook) for one in goals):
        return " and ".join(map(str, goals))
    return next((str(one) for one in targets if one.quantity == "questions" and one.met(outlook)), "")


def most_questions(targets: Sequence[Target]) -> int | None:
    """The limit of questions, None without one."""
    return next((one.most for one in targets if one.quantity == "questions"), None)
