"""Reading image files into arrays."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from aas_plugin.data.boxes import split_box
from aas_plugin.errors import AasError


class UnreadableImageError(AasError):
    """An image file that cannot be decoded; `reason` is the decoder's own words."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"Image {path} cannot be read ({reason}); restore it or drop it from the data set.")
        self.reason = reason


def read_image(path: Path, height: int, width: int) -> npt.NDArray[np.uint8]:
    """Decode an image upright and in full, and resize it with bicubic interpolation.

    The EXIF orientation is applied, transparency is laid over white, and 16-bit grey is scaled to 8 bits.

    Args:
        path: an image file that Pillow can decode.
        height: of the result, in pixels; the aspect ratio is not kept.
        width: of the result, in pixels.

    Returns:
        uint8 (height, width, 3), RGB.

    Raises:
        UnreadableImageError: the file is missing, no image, truncated, or grey of an unknown range.
    """
    return np.asarray(open_upright(path).resize((width, height), Image.Resampling.BICUBIC))


def open_upright(path: Path) -> Image.Image:
    """Decode an image as `read_image` does, in its own size.

    Args:
        path: an image file that Pillow can decode, or a part of one: see `split_box`.

    Returns:
        The image in RGB.

    Raises:
        UnreadableImageError: the file is missing, no image, truncated, or grey of an unknown range, or the part lies
            beside it.
    """
    file, box = split_box(path)
    try:
        with Image.open(file) as image:
            whole = _to_rgb(ImageOps.exif_transpose(image))
        return whole if box is None else whole.crop(box.within(*whole.size))
    except Exception as error:  # Decoders raise whatever they like on broken files.
        raise UnreadableImageError(path, str(error) or type(error).__name__) from error


def upright_size(path: Path) -> tuple[int, int] | None:
    """Width and height of an image as `open_upright` gives it, from its header alone; None if that cannot be read."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            # EXIF orientations from 5 on lie on their side.
            return (height, width) if image.getexif().get(0x0112, 1) >= 5 else (width, height)
    except Exception:  # Decoders raise whatever they like on broken files.
        return None


class ImageStore:
    """The images of a data set, resized, by row; kept in memory once checked if they fit.

    Args:
        root: folder that the paths are relative to.
        paths: (n,) image paths.
        height: in pixels.
        width: in pixels.
        cache_bytes: most memory for decoded images; above it every batch is decoded anew.
    """

    def __init__(
        self, root: Path, paths: Sequence[str], height: int, width: int, cache_bytes: int = 2 * 1024**3
    ) -> None:
        self._root = root
        self._paths = list(paths)
        self._shape = (height, width, 3)
        self._cache_bytes = cache_bytes
        self._cache: npt.NDArray[np.uint8] | None = None
        self._seen: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._paths)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self._shape[0], self._shape[1]

    def of_size(self, height: int, width: int) -> ImageStore:
        """The same images in another size, read from their files whenever they are asked for."""
        other = ImageStore(self._root, self._paths, height, width, cache_bytes=0)
        other._seen = self._seen
        return other

    def check(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Decode every image, and keep them all if they fit the cache.

        Args:
            progress: called with (images done, all images) after each.

        Raises:
            AasError: naming every unreadable image, one a line, with the reason.
        """
        problems = self.unreadable(progress)
        if problems:
            raise AasError(
                f"{len(problems)} of {len(self)} images in {self._root} cannot be read; "
                "restore them, drop them from the data set, or leave them out by --set unreadable=leave_out:\n"
                + "\n".join(f"{self._paths[row]}: {reason}" for row, reason in problems.items())
            )

    def unreadable(self, progress: Callable[[int, int], None] | None = None) -> dict[int, str]:
        """Decode every image, and keep them all if they fit the cache; rows that cannot be read stay black there.

        Args:
            progress: called with (images done, all images) after each.

        Returns:
            Why an image cannot be read, by its row, ascending.
        """
        fits = len(self) * int(np.prod(self._shape)) <= self._cache_bytes
        cache = np.zeros((len(self), *self._shape), dtype=np.uint8) if fits else None

        def try_one(row: int) -> str | None:
            try:
                pixels = self._read(row)
            except UnreadableImageError as error:
                return error.reason
            if cache is not None:
                cache[row] = pixels
            return None

        problems = {}
        with _threads() as threads:
            for done, problem in enumerate(threads.map(try_one, range(len(self))), start=1):
                if problem is not None:
                    problems[done - 1] = problem
                if progress is not None:
                    progress(done, len(self))
        self._cache = cache
        return problems

    def batch(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """Return images as uint8 (B, height, width, 3), a copy, for rows (B,) in any order, repeats allowed.

        Raises:
            UnreadableImageError: an image that is not in memory cannot be read.
            AasError: its file is another one than when it was first read.
        """
        if self._cache is not None:
            return self._cache[rows]
        batch = np.empty((len(rows), *self._shape), dtype=np.uint8)
        with _threads() as threads:
            for position, pixels in enumerate(threads.map(self._read, rows.tolist())):
                batch[position] = pixels
        return batch

    def _read(self, row: int) -> npt.NDArray[np.uint8]:
        path = self._root / self._paths[row]
        pixels = read_image(path, *self._shape[:2])
        with suppress(OSError):
            state = split_box(path)[0].stat()
            now = (state.st_mtime_ns, state.st_size)
            # Features of two states of a photo must not be mixed, nor kept under the hash of the other one.
            if self._seen.setdefault(row, now) != now:
                raise AasError(
                    f"Image {path} changed while it was in use; put it back as it was and go on, or begin anew with it."
                )
        return pixels


def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=os.cpu_count() or 1)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        values = np.asarray(image)
        if image.mode == "F" or values.min() < 0 or values.max() > 65535:
            raise ValueError("grey values outside 16 bits; save it with 8 or 16 bits per pixel")
        # Pillow's own conversion clips 16-bit grey at 255 instead of scaling it.
        image = Image.fromarray(np.rint(values / 257).astype(np.uint8))
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")
