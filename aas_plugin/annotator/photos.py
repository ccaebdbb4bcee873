"""The photos of a queue as a browser shows them: upright, in a few sizes, each made once and kept in memory."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any

from PIL import Image, ImageOps

from aas_plugin.annotator.photo_facts import exif_facts
from aas_plugin.annotator.queue import QuestionQueue
from aas_plugin.annotator.refused import Refused
from aas_plugin.data.boxes import split_box
from aas_plugin.data.catalogue import content_hash
from aas_plugin.data.formats import image_suffixes
from aas_plugin.data.images import UnreadableImageError, open_upright

SIZES = {"256": 256, "1600": 1600, "full": None}
"""Longest side of each size, in pixels."""
FRAME = "frame-"
"""Begins the name of a size of the whole photo that a box lies in."""
CACHE_BYTES = 256 * 1024**2
SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""


class Photos:
    """Photos by their position in a queue's list.

    Args:
        queue: names them.
        root: folder that their paths are relative to.
        facts: what is known of a photo, by its path, each as what it is and its value; else its EXIF data are read.
        cache_bytes: of JPEGs that are kept.
    """

    def __init__(
        self,
        queue: QuestionQueue,
        root: Path,
        facts: Mapping[str, Sequence[tuple[str, str]]] | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        image_suffixes()  # lets Pillow read HEIC where that is installed
        self._queue, self._root, self._facts = queue, root, facts or {}
        self._kept: OrderedDict[tuple[int, str, tuple[int, int]], bytes] = OrderedDict()
        self._room = cache_bytes
        self._described: dict[int, tuple[tuple[int, int], dict[str, Any]]] = {}
        self._checked: dict[int, tuple[tuple[int, int], str | None]] = {}
        self._lock = Lock()
        self._making: dict[tuple[int, str], Lock] = {}
        # One is left for whoever asks for a photo at this moment.
        self._ahead = ThreadPoolExecutor(max_workers=max(1, (os.cpu_count() or 2) - 1), thread_name_prefix="photos")
        queue.photo_problem = self.problem

    def describe(self, image: int) -> dict[str, Any]:
        """What the page shows of a photo: see `SIZES` for its sizes. Folders are not told, as they may name who it is.

        Raises:
            Refused: there is no such photo.
        """
        path, digest = self._queue.id_path(image)
        place = PurePosixPath(split_box(path)[0].as_posix())
        known: dict[str, Any] = {"id": image, "name": place.name, "v": digest, "problem": self.problem(image)}
        blank = {"width": 0, "height": 0, "frame": None, "facts": [list(fact) for fact in self._facts.get(path, ())]}
        if known["problem"] is not None:
            return {**known, **blank}
        stamp = self._stamp(image)
        if image not in self._described or self._described[image][0] != stamp:
            try:
                self._described[image] = stamp, self._look(path)
            except UnreadableImageError as error:
                return {**known, **blank, "problem": _unreadable(place.name, error.reason)}
        return {**known, **self._described[image][1]}

    def problem(self, image: int) -> str | None:
        """Why a photo cannot be judged, a sentence: it is gone, or not the one that was asked about; else None.

        Raises:
            Refused: there is no such photo.
        """
        path, digest = self._queue.id_path(image)
        name = split_box(path)[0].name
        try:
            stamp = self._stamp(image)
        except OSError as error:
            return f"{name} is not there any more ({error.strerror}); put it back, or leave this pair for later."
        known = self._checked.get(image)
        if known is None or known[0] != stamp:
            found = None
            try:
                if digest and content_hash(self._root / path) != digest:
                    found = f"{name} changed since this pair was chosen; put it back, or leave this pair for later."
            except OSError as error:
                found = f"{name} cannot be read ({error.strerror}); mend that, or leave this pair for later."
            self._checked[image] = known = stamp, found
        return known[1]

    def jpeg(self, image: int, size: str) -> bytes:
        """A photo in one of the `SIZES`, or with `FRAME` before it the whole frame that a box lies in.

        Raises:
            Refused: there is no such photo or size, or it cannot be read.
        """
        whole = size.startswith(FRAME)
        if size.removeprefix(FRAME) not in SIZES:
            raise Refused(f"there is no size {size[:20]!r}; reload the page", 404)
        path, _ = self._queue.id_path(image)
        problem = self.problem(image)
        if problem is not None:
            raise Refused(problem, 410)
        with self._lock:
            making = self._making.setdefault((image, size), Lock())
        # Whoever else wants it waits, and finds it made.
        with making:
            key = image, size, self._stamp(image)
            with self._lock:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    return self._kept[key]
            made = self._make(path, SIZES[size.removeprefix(FRAME)], whole)
            with self._lock:
                self._kept[key] = made
                while sum(map(len, self._kept.values())) > self._room and len(self._kept) > 1:
                    self._kept.popitem(last=False)
            return made

    def prefetch(self, images: Iterable[int], size: str = "1600") -> None:
        """Make photos in the background that will be asked for soon."""
        for image in images:
            self._ahead.submit(self._try, image, size)

    def file(self, image: int) -> Path:
        """The file of a photo, with the box in its name where it has one."""
        return self._root / self._queue.id_path(image)[0]

    def close(self) -> None:
        """Make no more photos in the background."""
        self._ahead.shutdown(wait=False, cancel_futures=True)

    def _try(self, image: int, size: str) -> None:
        try:
            self.jpeg(image, size)
        except (Refused, OSError):
            return  # told when the page asks for it

    def _stamp(self, image: int) -> tuple[int, int]:
        found = split_box(self._root / self._queue.id_path(image)[0])[0].stat()
        return found.st_mtime_ns, found.st_size

    def _look(self, path: str) -> dict[str, Any]:
        file, box = split_box(self._root / path)
        try:
            with Image.open(file) as opened:
                width, height = opened.size
                exif = opened.getexif()
                if exif.get(0x0112) in SIDEWAYS:
                    width, height = height, width
                told = [list(fact) for fact in self._facts.get(path, ())]
                named = {name for name, _ in told}
                told += [list(fact) for fact in exif_facts(exif) if fact[0] not in named]
            inside = None if box is None else box.within(width, height)
        except UnreadableImageError:
            raise
        except Exception as error:  # Decoders raise whatever they like on broken files.
            raise UnreadableImageError(file, str(error) or type(error).__name__) from error
        if inside is None:
            return {"width": width, "height": height, "frame": None, "facts": told}
        left, top, right, bottom = inside
        part = [left, top, right - left, bottom - top]
        frame = {"width": width, "height": height, "box": part}
        return {"width": part[2], "height": part[3], "frame": frame, "facts": told}

    def _make(self, path: str, longest: int | None, whole: bool) -> bytes:
        file, box = split_box(self._root / path)
        try:
            photo = _shrunk(file, longest) if box is None or whole else open_upright(self._root / path)
        except UnreadableImageError as error:
            raise Refused(_unreadable(file.name, error.reason), 410) from error
        if longest is not None and max(photo.size) > longest:
            scale = longest / max(photo.size)
            size = max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
            photo = photo.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
        written = BytesIO()
        photo.save(written, "JPEG", quality=86 if longest else 93)
        return written.getvalue()


def _shrunk(file: Path, longest: int | None) -> Image.Image:
    """A photo upright; where a small one will do, a JPEG is decoded smaller, which is many times faster."""
    if longest is not None:
        try:
            with Image.open(file) as opened:
                if opened.format == "JPEG" and opened.mode == "RGB":
                    opened.draft("RGB", (longest, longest))
                    return ImageOps.exif_transpose(opened).convert("RGB")
        except Exception as error:  # Decoders raise whatever they like on broken files.
            raise UnreadableImageError(file, str(error) or type(error).__name__) from error
    return open_upright(file)


def _unreadable(name: str, reason: str) -> str:
    return f"{name} cannot be read ({reason}); restore it, or leave this pair for later."
