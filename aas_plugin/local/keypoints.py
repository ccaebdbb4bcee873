"""Keypoints of photos: found in parts of them, described, and kept on disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from aas_plugin.data.images import UnreadableImageError
from aas_plugin.data.photo_list import PhotoList
from aas_plugin.data.pieces import Pieces
from aas_plugin.local.regions import Cut, Region, cut_out

FORMAT = 1
"""Raised whenever photos are cut, or keypoints kept, otherwise than before."""

PIECE = 64
"""Photos whose keypoints are written together: so many are lost at most when a process is killed."""


class Keypoints(NamedTuple):
    """Keypoints of one photo, the strongest first.

    Attributes:
        places: float32 (n, 2), from the left and from the top, as shares of the photo's longer side.
        descriptors: float16 (n, D), of unit length.
    """

    places: NDArray[np.float32]
    descriptors: NDArray[np.float16]


class Detector(Protocol):
    """Finds and describes keypoints.

    Attributes:
        dimensions: D.
        key: text that decides what it gives for the same pixels.
    """

    dimensions: int
    key: str

    def __call__(
        self, pixels: NDArray[np.uint8], inside: NDArray[np.bool_], most: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Find the strongest keypoints.

        Args:
            pixels: uint8 (h, w, 3), RGB, at least 32 pixels a side.
            inside: bool (h, w), where keypoints may lie.
            most: how many at most.

        Returns:
            Places, float32 (n, 2), in pixels from the left and from the top, and descriptors, float32 (n, D), of unit
            length, the strongest first.
        """


def keypoints_of(
    photos: PhotoList,
    detector: Detector,
    region: Region,
    size: int,
    most: int,
    cache: Path | None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Keypoints], dict[int, str]]:
    """Find the keypoints of photos, but only of contents that were not looked at before.

    Args:
        photos: N of them.
        detector: finds them.
        region: the part of a photo that counts.
        size: pixels of its longer side when it is looked at.
        most: keypoints of a photo at most.
        cache: folder that keeps them; None to find all.
        progress: called with (photos done, photos to look at) when there are any.

    Returns:
        Those of each photo, and why a photo has none, by its place: it cannot be read, or nothing on it stands out.
    """
    key = hashlib.sha256(repr((FORMAT, detector.key, region, size, most)).encode()).hexdigest()[:16]
    kept = Pieces(cache, key, "keypoints") if cache is not None else None
    names = names_of(photos)
    found = _read(kept, set(names)) if kept is not None else {}
    missing = [place for place, name in enumerate(names) if name not in found]
    first = {names[place]: place for place in reversed(missing)}
    todo = sorted(first.values())
    problems: dict[str, str] = {}

    def cut(place: int) -> Cut | str:
        try:
            return cut_out(photos.paths[place], region, size, photos.masks[place])
        except UnreadableImageError as error:
            return error.reason

    def look(part: Cut | str) -> Keypoints | str:
        if isinstance(part, str):
            return part
        places, descriptors = detector(part.pixels, part.inside, most)
        height, width = part.inside.shape
        shares = np.asarray(part.origin) + (places + 0.5) / (width, height) * part.extent
        return Keypoints(shares.astype(np.float32), descriptors.astype(np.float16))

    def looked() -> Iterator[Keypoints | str]:
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as threads:
            for start in range(0, len(todo), PIECE):
                yield from threads.map(lambda place: look(cut(place)), todo[start : start + PIECE])

    fresh: list[str] = []
    for done, (place, told) in enumerate(zip(todo, looked(), strict=True), start=1):
        if isinstance(told, str):
            problems[names[place]] = told
        else:
            found[names[place]] = told
            fresh.append(names[place])
        if kept is not None and fresh and (len(fresh) == PIECE or done == len(todo)):
            _add(kept, fresh, [found[name] for name in fresh])
            fresh = []
        if progress is not None:
            progress(done, len(todo))
    nothing = Keypoints(np.empty((0, 2), np.float32), np.empty((0, detector.dimensions), np.float16))
    result = [found.get(name, nothing) for name in names]
    why = {
        place: problems.get(names[place], "nothing on it stands out")
        for place, points in enumerate(result)
        if not len(points.places)
    }
    return result, why


def names_of(photos: PhotoList) -> list[str]:
    """What decides the keypoints of each photo, for one detector: content and mask; equal for copies."""
    return [_name(photos, place) for place in range(len(photos))]


def _name(photos: PhotoList, place: int) -> str:
    """What decides the keypoints of a photo: its content and its mask."""
    mask = photos.masks[place]
    if mask is None:
        return photos.hashes[place]
    stat = mask.stat() if mask.exists() else None
    more = f" {mask} {stat.st_mtime_ns if stat else 0}"
    return photos.hashes[place] + hashlib.sha256(more.encode()).hexdigest()[:16]


def _read(kept: Pieces, names: set[str]) -> dict[str, Keypoints]:
    found: dict[str, Keypoints] = {}
    for piece in kept.read(("names", "counts", "places", "descriptors")):
        ends = np.cumsum(piece["counts"])
        for name, count, end in zip(piece["names"].tolist(), piece["counts"].tolist(), ends.tolist(), strict=True):
            if name in names:
                part = slice(end - count, end)
                places, descriptors = piece["places"][part], piece["descriptors"][part]
                found[name] = Keypoints(places.astype(np.float32), descriptors.astype(np.float16))
    return found


def _add(kept: Pieces, names: list[str], found: list[Keypoints]) -> None:
    kept.add(
        names=np.array(names, dtype=str),
        counts=np.array([len(points.places) for points in found], dtype=np.int64),
        places=np.concatenate([points.places for points in found]),
        descriptors=np.concatenate([points.descriptors for points in found]),
    )
