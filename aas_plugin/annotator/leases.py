"""Who has which pair on the screen: no pair is shown to two people by accident, and none is held for ever."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

FILE = "leases.json"
SECONDS = 600.0
CLOSED = 20.0
"""Seconds without a word of a tab after which its pairs are free for another tab of the same person."""


@dataclass(frozen=True)
class Holder:
    """One tab of one person's browser."""

    person: str
    tab: str


class Leases:
    """Pairs that are held, on the disk, so that a server that was killed hands none of them to somebody else.

    A file that is lost or damaged holds nothing: what is worth keeping is in the answer log.

    Args:
        path: the file.
        clock: seconds since 1970.
    """

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._held: dict[str, tuple[Holder, float]] = {}
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            for pair, (person, tab, until) in json.loads(path.read_text(encoding="utf-8")).items():
                self._held[pair] = Holder(str(person), str(tab)), float(until)

    def free_for(self, pair: str, holder: Holder) -> bool:
        """Whether nobody else holds a pair."""
        held = self._held.get(pair)
        if held is None or held[0] == holder or not self._lasts(held[1]):
            return True
        return held[0].person == holder.person and held[1] - SECONDS < self._clock() - CLOSED

    def of(self, holder: Holder) -> set[str]:
        """The pairs that somebody holds."""
        return {pair for pair, (who, until) in self._held.items() if who == holder and self._lasts(until)}

    def hold(self, pairs: Iterable[str], holder: Holder) -> None:
        """Hold these pairs, and no others, for the next ten minutes."""
        now = self._clock()
        kept = {pair: held for pair, held in self._held.items() if held[0] != holder and self._lasts(held[1])}
        kept |= {pair: (holder, now + SECONDS) for pair in pairs}
        self._keep(kept)

    def release(self, pair: str) -> None:
        """Let go of a pair, whoever holds it."""
        if pair in self._held:
            self._keep({name: held for name, held in self._held.items() if name != pair})

    def active(self, but: str, within: float) -> bool:
        """Whether somebody of another name held something in the last seconds."""
        now = self._clock()
        return any(who.person != but and until - SECONDS > now - within for who, until in self._held.values())

    def _lasts(self, until: float) -> bool:
        # One that lasts longer than any is of a clock that was set back, or of a damaged file.
        return 0 < until - self._clock() <= SECONDS

    def _keep(self, held: dict[str, tuple[Holder, float]]) -> None:
        self._held = held
        written = {pair: [who.person, who.tab, until] for pair, (who, until) in held.items()}
        partial = self._path.with_name(self._path.name + ".partial")
        # A full disk must not keep people from answering: what is lost with the file is whom a pair was shown to.
        with suppress(OSError):
            partial.write_text(json.dumps(written), encoding="utf-8")
            partial.replace(self._path)
