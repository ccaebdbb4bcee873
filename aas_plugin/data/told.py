"""What is left out of a data set or taken otherwise than it is written, and which names count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Told:
    """What is left out of a data set, and what is taken otherwise than it is written; counted, for one warning.

    Attributes:
        out: how many there are of what is left out, in the order of their being found.
        notes: further sentences without a full stop.
    """

    out: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    _examples: dict[str, str] = field(default_factory=dict)

    def example(self, what: str, example: str) -> None:
        """Show one of what is left out, the first that is given."""
        self._examples.setdefault(what, f" (such as {example})")

    def __str__(self) -> str:
        counted = [f"{count} {what}{self._examples.get(what, '')}" for what, count in self.out.items() if count]
        return "; ".join(([f"left out: {', '.join(counted)}"] if counted else []) + self.notes)


def counts_as(name: str, wanted: Iterable[str]) -> bool:
    """Whether a name is one of those that are wanted, whatever its case, blanks and underscores; any is, of none."""
    folded = {_folded(one) for one in wanted}
    return not folded or _folded(name) in folded


def several_species(counted: Counter[str], told: Told) -> None:
    """Note that animals of more than one species are taken, of which no two are one individual."""
    alike: dict[str, str] = {}
    found: Counter[str] = Counter()
    for name, count in counted.most_common():
        if name and count:
            found[alike.setdefault(_folded(name), name)] += count
    if len(found) > 1:
        listed = ", ".join(f"{count} {name}" for name, count in list(found.items())[:5])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        told.notes.append(f"animals are of {len(found)} species, {listed}{more} (--set dataset.species=NAME takes one)")


def _folded(name: str) -> str:
    return " ".join(name.replace("_", " ").split()).casefold()
