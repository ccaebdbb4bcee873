"""A photo as a JPEG of a given size, upright and cut to its box."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

from aas_plugin.data.boxes import Box, split_box
from aas_plugin.data.images import UnreadableImageError, open_upright

ORIENTATION = 0x0112
SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""
QUALITY = 86
QUALITY_OF_ALL = 92
"""Of a photo with all its pixels, which people look at closely."""


def scaled_jpeg(path: Path, longest: int | None, whole: bool = False) -> bytes:
    """Make a JPEG of a photo.

    Args:
        path: of the photo, with the box in its name where it has one.
        longest: side in pixels at most; None for all pixels. No photo is made larger.
        whole: whether the whole frame is meant where there is a box.

    Raises:
        UnreadableImageError: the photo cannot be read.
    """
    file, box = split_box(path)
    box = None if whole else box
    try:
        photo = None if longest is None else _drafted(file, box, longest)
    except Exception as error:  # Decoders raise whatever they like on broken files.
        raise UnreadableImageError(file, str(error) or type(error).__name__) from error
    if photo is None:
        photo = open_upright(file if box is None else path)
    if longest is not None and max(photo.size) > longest:
        photo = photo.resize(_scaled(photo.size, longest / max(photo.size)), Image.Resampling.BICUBIC, reducing_gap=2.0)
    written = BytesIO()
    photo.save(written, "JPEG", quality=QUALITY if longest else QUALITY_OF_ALL)
    return written.getvalue()


def _drafted(file: Path, box: Box | None, longest: int) -> Image.Image | None:
    """A JPEG decoded at a half, a quarter or an eighth, where that is enough, which is many times faster.

    Args:
        file: of the photo.
        box: the part of it that is meant; None for all.
        longest: side of that part in pixels that is needed.

    Returns:
        The part upright, in RGB; None for a file of another kind.
    """
    with Image.open(file) as opened:
        # Cameras that add a second picture to their JPEGs are of a class below this one.
        if not isinstance(opened, JpegImageFile) or opened.mode not in ("RGB", "L"):
            return None
        sideways = opened.getexif().get(ORIENTATION) in SIDEWAYS
        size = opened.size[::-1] if sideways else opened.size
        part = (0, 0, *size) if box is None else box.within(*size)
        needed = longest / max(part[2] - part[0], part[3] - part[1])
        # Both sides must stay as long as they are needed: asked for a square, a wide photo would stay whole.
        opened.draft(opened.mode, _scaled(opened.size, min(1.0, needed)))
        photo = ImageOps.exif_transpose(opened).convert("RGB")
    if box is None:
        return photo
    smaller = photo.width / size[0]
    left, top, right, bottom = (round(edge * smaller) for edge in part)
    return photo.crop((left, top, right, bottom))


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
