"""The photos of a queue as a browser shows them: upright, in a few sizes, each made once and kept in memory."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Condition, Lock
from typing import Any

from PIL import Image

from aas_plugin.annotator.photo_facts import exif_facts
from aas_plugin.annotator.queue import QuestionQueue
from aas_plugin.annotator.refused import Refused
from aas_plugin.annotator.scaling import ORIENTATION, SIDEWAYS, scaled_jpeg
from aas_plugin.data.boxes import split_box
from aas_plugin.data.catalogue import content_hash
from aas_plugin.data.formats import image_suffixes
from aas_plugin.data.images import UnreadableImageError

SIZES = {"256": 256, "800": 800, "1600": 1600, "full": None}
"""Longest side of each size, in pixels."""
FRAME = "frame-"
"""Begins the name of a size of the whole photo that a box lies in."""
PATIENCE = 5.0
"""Seconds that a photo waits to be made ahead while others are waited for."""
CACHE_BYTES = 256 * 1024**2
Stamp = tuple[int, int]
"""Time and size of a file, which change with it."""


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
        self._kept: OrderedDict[tuple[int, str, Stamp], bytes] = OrderedDict()
        self._room, self._filled = cache_bytes, 0
        self._described: dict[int, tuple[Stamp, dict[str, Any]]] = {}
        self._checked: dict[int, tuple[Stamp, str | None]] = {}
        self._lock = Lock()
        self._making: dict[tuple[int, str], Lock] = {}
        self._coming: set[tuple[int, str]] = set()
        self._idle = Condition()
        self._wanted = 0  # photos that somebody waits for
        # One is left for whoever asks for a photo at this moment.
        self._ahead = ThreadPoolExecutor(max_workers=max(1, (os.cpu_count() or 2) - 1), thread_name_prefix="photos")
        queue.photo_problem = self.problem

    def describe(self, image: int) -> dict[str, Any]:
        """What the page shows of a photo: see `SIZES` for its sizes. Folders are not told, as they may name who it is.

        That a photo changed is told once it was asked for: hundreds of photos would take long to read.

        Raises:
            Refused: there is no such photo.
        """
        path, digest = self._queue.id_path(image)
        told = [list(fact) for fact in self._facts.get(path, ())]
        known = {"id": image, "name": self._name(image), "v": digest, "problem": None}
        blank = {"width": 0, "height": 0, "frame": None, "facts": told}
        try:
            stamp = self._stamp(image)
            checked = self._checked.get(image)
            if checked is not None and checked[0] == stamp and checked[1] is not None:
                return {**known, **blank, "problem": checked[1]}
            if image not in self._described or self._described[image][0] != stamp:
                self._described[image] = stamp, self._look(path)
        except OSError as error:
            return {**known, **blank, "problem": self._gone(image, error)}
        except UnreadableImageError as error:
            return {**known, **blank, "problem": self._unreadable(image, error)}
        # A photo of unknown content may be another one under the same number tomorrow.
        return {**known, **self._described[image][1], "v": digest or "-".join(map(str, stamp))}

    def problem(self, image: int) -> str | None:
        """Why a photo cannot be judged, a sentence: it is gone, or not the one that was asked about; else None.

        Its content is read once, and again when its file changes.

        Raises:
            Refused: there is no such photo.
        """
        path, digest = self._queue.id_path(image)
        try:
            stamp = self._stamp(image)
            known = self._checked.get(image)
            if known is None or known[0] != stamp:
                found = None
                if digest and content_hash(self._root / path) != digest:
                    name = self._name(image)
                    found = f"{name} changed since this pair was chosen; put it back, or leave this pair for later."
                self._checked[image] = known = stamp, found
        except OSError as error:
            return self._gone(image, error)
        return known[1]

    def jpeg(self, image: int, size: str) -> bytes:
        """A photo in one of the `SIZES`, or with `FRAME` before it the whole frame that a box lies in.

        Raises:
            Refused: there is no such photo or size, or it cannot be read.
        """
        if size.removeprefix(FRAME) not in SIZES:
            raise Refused(f"there is no size {size[:20]!r}; reload the page", 404)
        path, _ = self._queue.id_path(image)
        with self._lock:
            making = self._making.setdefault((image, size), Lock())
        # Whoever else wants it waits, and finds it made.
        with making:
            problem = self.problem(image)
            if problem is not None:
                raise Refused(problem, 410)
            try:
                key = image, size, self._stamp(image)
                with self._lock:
                    if key in self._kept:
                        self._kept.move_to_end(key)
                        return self._kept[key]
                made = scaled_jpeg(self._root / path, SIZES[size.removeprefix(FRAME)], size.startswith(FRAME))
            except OSError as error:
                raise Refused(self._gone(image, error), 410) from error
            except UnreadableImageError as error:
                raise Refused(self._unreadable(image, error), 410) from error
            self._keep(key, made)
            return made

    def shown(self, image: int, size: str) -> bytes:
        """A photo that somebody waits for: see `jpeg`; what is made ahead waits meanwhile.

        Raises:
            Refused: see `jpeg`.
        """
        with self._idle:
            self._wanted += 1
        try:
            return self.jpeg(image, size)
        finally:
            with self._idle:
                self._wanted -= 1
                self._idle.notify_all()

    def prefetch(self, images: Iterable[int], size: str = "1600") -> None:
        """Make photos in the background that will be asked for soon."""
        for image in images:
            with self._lock:
                new = (image, size) not in self._coming
                self._coming.add((image, size))
            if new:
                self._ahead.submit(self._try, image, size)

    def file(self, image: int) -> Path:
        """The file of a photo, with the box in its name where it has one."""
        return self._root / self._queue.id_path(image)[0]

    def close(self) -> None:
        """Make no more photos in the background."""
        self._ahead.shutdown(wait=False, cancel_futures=True)

    def _try(self, image: int, size: str) -> None:
        try:
            with self._idle:
                self._idle.wait_for(lambda: not self._wanted, timeout=PATIENCE)
            # Told when the page asks for it.
            with suppress(Refused):
                self.jpeg(image, size)
        finally:
            with self._lock:
                self._coming.discard((image, size))

    def _keep(self, key: tuple[int, str, Stamp], made: bytes) -> None:
        with self._lock:
            self._kept[key] = made
            self._filled += len(made)
            while self._filled > self._room and len(self._kept) > 1:
                self._filled -= len(self._kept.popitem(last=False)[1])

    def _stamp(self, image: int) -> Stamp:
        found = split_box(self._root / self._queue.id_path(image)[0])[0].stat()
        return found.st_mtime_ns, found.st_size

    def _name(self, image: int) -> str:
        return split_box(self._queue.id_path(image)[0])[0].name

    def _gone(self, image: int, error: OSError) -> str:
        name = self._name(image)
        if isinstance(error, (FileNotFoundError, NotADirectoryError)):
            return f"{name} is not there any more ({error.strerror}); put it back, or leave this pair for later."
        return f"{name} cannot be read ({error.strerror}); mend that, or leave this pair for later."

    def _unreadable(self, image: int, error: UnreadableImageError) -> str:
        """A sentence without the folders that a decoder names."""
        name = self._name(image)
        file = split_box(self._root / self._queue.id_path(image)[0])[0]
        reason = error.reason
        for told in (repr(str(file)), str(file), repr(str(file.resolve())), str(file.resolve())):
            reason = reason.replace(told, name)
        return f"{name} cannot be read ({reason}); restore it, or leave this pair for later."

    def _look(self, path: str) -> dict[str, Any]:
        file, box = split_box(self._root / path)
        try:
            with Image.open(file) as opened:
                width, height = opened.size
                exif = opened.getexif()
                if exif.get(ORIENTATION) in SIDEWAYS:
                    width, height = height, width
                told = [list(fact) for fact in self._facts.get(path, ())]
                named = {name for name, _ in told}
                told += [list(fact) for fact in exif_facts(exif) if fact[0] not in named]
            inside = None if box is None else box.within(width, height)
        except Exception as error:  # Decoders raise whatever they like on broken files.
            raise UnreadableImageError(file, str(error) or type(error).__name__) from error
        if inside is None:
            return {"width": width, "height": height, "frame": None, "facts": told}
        left, top, right, bottom = inside
        part = [left, top, right - left, bottom - top]
        frame = {"width": width, "height": height, "box": part}
        return {"width": part[2], "height": part[3], "frame": frame, "facts": told}
