"""Which image of a list is meant by a path and a content hash that were written down elsewhere, or earlier.

Photos are moved, staged for each job, and seen from other machines. An image that was named is the one

1. of the same content, where that is known on both sides. Of several copies the path decides, as below.
2. at the very path. Its content may be another by now, if that of the named image is nowhere in the list.
3. whose path ends alike, by whole names, the file's at least: the one with most names in common. Of images that are
   known to have another content none is taken.

Two that fit equally well are ambiguous, and neither is taken. In 3 and among copies, `\\` is `/`, and case and the
composition of letters do not count, unless they alone tell images apart.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Way = Literal["hash", "path", "suffix", "none"]
Named = tuple[str, str]
"""An image as it was named: its path, and its content hash, blank where unknown."""
Names = tuple[str, ...]


@dataclass(frozen=True)
class Match:
    """What is known of a named image.

    Attributes:
        place: position of the image that is meant, -1 for none.
        way: how it was found.
        ambiguous: whether none is meant because several could be.
        changed: whether the image at this path is known to have another content.
    """

    place: int = -1
    way: Way = "none"
    ambiguous: bool = False
    changed: bool = False


NONE = Match()


class Images:
    """N images, to be found by what they were called.

    Args:
        paths: of N images, each once.
        hashes: content hash of each, blank where unknown; None where all are.
        elsewhere: content hashes of further images by path, which are known but are not of this list.

    Attributes:
        index: position of each of the N images by its path.
        paths: those of the N images, and behind them those elsewhere.
        hashes: content hashes in the same order.
    """

    def __init__(
        self, paths: Sequence[str], hashes: Sequence[str] | None = None, elsewhere: Mapping[str, str] | None = None
    ) -> None:
        self.index: dict[str, int] = {path: place for place, path in enumerate(paths)}
        more = elsewhere or {}
        self.paths = [*paths, *more]
        self.hashes = [*(hashes if hashes is not None else [""] * len(paths)), *more.values()]
        self._all = {path: place for place, path in enumerate(more, start=len(paths))} | self.index
        self._found: dict[Named, Match] = {}
        self._by_end: dict[str | None, _Ends] = {}

    def __len__(self) -> int:
        return len(self.index)

    @cached_property
    def _by_hash(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for place, digest in enumerate(self.hashes):
            found.setdefault(digest, []).append(place)
        return found

    @cached_property
    def _keys(self) -> list[tuple[Names, Names]]:
        return [(names_of(path, folded=True)[::-1], names_of(path)[::-1]) for path in self.paths]

    def find(self, named: Named) -> Match:
        """The image that is meant, also one elsewhere: see above."""
        if named not in self._found:
            self._found[named] = self._find(*named)
        return self._found[named]

    def _find(self, path: str, digest: str) -> Match:
        copies = self._by_hash.get(digest, []) if digest else []
        place = self._all.get(path, -1)
        if copies:
            if len(copies) == 1:
                return Match(copies[0], "hash")
            if place >= 0 and self.hashes[place] == digest:
                return Match(place, "hash")
            ends = self._ending_like(path, digest)
            return Match(ends[0], "hash") if len(ends) == 1 else Match(ambiguous=True)
        if place >= 0:
            return Match(place, "path", changed=bool(digest and self.hashes[place]))
        # One of another content is another image, whatever it is called.
        ends = self._ending_like(path, "" if digest else None)
        return Match(ends[0], "suffix") if len(ends) == 1 else Match(ambiguous=len(ends) > 1)

    def _ending_like(self, path: str, digest: str | None) -> Sequence[int]:
        """Positions of the images of a content, None for any, whose path has most in common with a path's end."""
        if digest not in self._by_end:
            places = range(len(self.paths)) if digest is None else self._by_hash.get(digest, [])
            self._by_end[digest] = _Ends(self._keys, places)
        return self._by_end[digest].most_alike((names_of(path, folded=True)[::-1], names_of(path)[::-1]))


class _Ends:
    """Images sorted by their paths read from the end, so that those which end alike lie side by side.

    Args:
        keys: of each image, the names in its path from the last to the first, folded and as they are.
        places: of the images.
        level: which of both counts, 0 for the folded ones; the other one tells equals apart.
    """

    def __init__(self, keys: Sequence[tuple[Names, Names]], places: Iterable[int], level: Literal[0, 1] = 0) -> None:
        self._keys = keys
        self._level = level
        self._places = sorted(places, key=lambda place: keys[place][level])
        self._sorted = [keys[place][level] for place in self._places]
        self._exact: dict[tuple[int, int], _Ends] = {}

    def most_alike(self, key: tuple[Names, Names]) -> Sequence[int]:
        """Positions of those that have most names in common with a path, from its end; none where not one is."""
        own = key[self._level]
        at = bisect_left(self._sorted, own)
        length = max((common(own, other) for other in self._sorted[max(at - 1, 0) : at + 1]), default=0)
        if length == 0 or own == ("",):
            return []
        first = bisect_left(self._sorted, own[:length])
        last = bisect_right(self._sorted, own[:length], key=lambda names: names[:length])
        if last - first > 1 and self._level == 0:
            span = first, last
            if span not in self._exact:
                self._exact[span] = _Ends(self._keys, self._places[first:last], level=1)
            return self._exact[span].most_alike(key) or self._places[first:last]
        return self._places[first:last]


def names_of(path: str, folded: bool = False) -> Names:
    """The names in a path, after a blank one for its beginning, so that a whole path is more than the end of one.

    Args:
        path: of any system.
        folded: whether letters that differ only in case, or in how they are composed, are one.
    """
    if folded:
        path = unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
    return ("", *(name for name in re.split(r"[/\\]+", path) if name not in ("", ".")))


def common(one: Names, other: Names) -> int:
    """How many names two have in common, from the first on."""
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length


def match_pairs(pairs: Sequence[tuple[Named, Named]], images: Images) -> list[tuple[Match, Match]]:
    """The images that pairs are about, each pair of two that were in one list when it was asked about.

    That takes back what `Images.find` says where a pair shows that it is wrong: two images would be one; or an image,
    found by the end of its path, would have moved into a folder that was there beside its own, as another one. Photos
    of that folder were left out of the list, and their names happen to be in another folder, too.

    Args:
        pairs: both images of each, as they were named.
        images: the list.
    """
    found = [(images.find(a), images.find(b)) for a, b in pairs]
    wrong = _wrong_moves(pairs, found, images)
    checked = []
    for (a, b), (one, other) in zip(pairs, found, strict=True):
        if wrong:
            one = NONE if one.way == "suffix" and _move(a, one, images) in wrong else one
            other = NONE if other.way == "suffix" and _move(b, other, images) in wrong else other
        if one.place == other.place >= 0 and a[0] != b[0]:
            here = images.paths[one.place]
            one, other = (match if path == here else NONE for match, (path, _) in ((one, a), (other, b)))
        checked.append((one, other))
    return checked


Move = tuple[Names, Names]
"""A folder, and the one that it became."""


def _wrong_moves(
    pairs: Sequence[tuple[Named, Named]], found: Sequence[tuple[Match, Match]], images: Images
) -> Collection[Move]:
    wrong = set()
    for named, matches in zip(pairs, found, strict=True):
        for this, that in ((0, 1), (1, 0)):
            if matches[this].way != "suffix" or matches[that].place < 0:
                continue
            source, target = _move(named[this], matches[this], images)
            new = _replaced(named[this], matches[this], images)[1]
            before, after, _ = _replaced(named[that], matches[that], images)
            there = names_of(images.paths[matches[that].place], folded=True)
            # The other one kept part of what would be new to this one.
            kept_it = there[: len(target)] == target and len(new) > len(after)
            if kept_it and before + target[len(after) :] != source:
                wrong.add((source, target))
    return wrong


def _move(named: Named, match: Match, images: Images) -> Move:
    """The folder that moved if a match is right: the topmost one that kept its name, or else the image's own."""
    before, after, kept = _replaced(named, match, images)
    top = kept[:1] if len(kept) > 1 else ()
    return before + top, after + top


def _replaced(named: Named, match: Match, images: Images) -> tuple[Names, Names, Names]:
    """The beginning of a path, what took its place, and the end that stayed."""
    old, new = (names_of(path, folded=True) for path in (named[0], images.paths[match.place]))
    length = common(old[::-1], new[::-1])
    return old[: len(old) - length], new[: len(new) - length], old[len(old) - length :]
