"""Where on a photo the animal is: the part of it whose keypoints count."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aas_plugin.data.boxes import split_box
from aas_plugin.data.images import open_upright

Shape = Literal["ellipse", "box"]

LEAST = 32
"""Pixels that a side is padded to, which detectors need."""

MOST_ENLARGED = 8.0
"""How much a small part of a photo is enlarged at most."""


class Region(NamedTuple):
    """A part of every photo, in shares of its width and height.

    Attributes:
        left, top, right, bottom: in [0, 1].
        shape: the whole of these, or the largest ellipse in it.
    """

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0
    shape: Shape = "box"


class Cut(NamedTuple):
    """A part of a photo, resized.

    Attributes:
        pixels: uint8 (h, w, 3), RGB.
        inside: bool (h, w), which pixels count.
        origin: left and top of the part in the photo, as shares of the photo's longer side.
        extent: width and height of `pixels`, as shares of the photo's longer side.
    """

    pixels: NDArray[np.uint8]
    inside: NDArray[np.bool_]
    origin: tuple[float, float]
    extent: tuple[float, float]


def cut_out(path: Path, region: Region, size: int, mask: Path | None = None) -> Cut:
    """Cut the part of a photo that counts, and resize it so that its longer side has `size` pixels.

    Transparent pixels do not count, nor those where the mask is black.

    Args:
        path: the photo, or a part of one.
        region: which part of it.
        size: in pixels.
        mask: an image of the same shape as the whole photo, black where there is no animal.

    Raises:
        UnreadableImageError: the photo or the mask cannot be read.
    """
    photo = open_upright(path)
    width, height = photo.size
    left, top = int(region.left * width), int(region.top * height)
    right, bottom = max(left + 1, round(region.right * width)), max(top + 1, round(region.bottom * height))
    part = (left, top, right, bottom)
    scale = min(size / max(right - left, bottom - top), MOST_ENLARGED)
    shape = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    pixels = np.asarray(photo.crop(part).resize(shape, Image.Resampling.BICUBIC))
    inside = _inside(shape, region.shape)
    for seen in (_alpha(path), None if mask is None else _mask(mask, path)):
        if seen is not None:
            inside &= np.asarray(seen.crop(part).resize(shape, Image.Resampling.NEAREST)) > 0
    more = max(0, LEAST - shape[1]), max(0, LEAST - shape[0])
    if any(more):
        pixels = np.pad(pixels, ((0, more[0]), (0, more[1]), (0, 0)), mode="edge")
        inside = np.pad(inside, ((0, more[0]), (0, more[1])))
    longer = max(width, height)
    extent = pixels.shape[1] / scale / longer, pixels.shape[0] / scale / longer
    return Cut(pixels, inside, (left / longer, top / longer), extent)


def _inside(shape: tuple[int, int], kind: Shape) -> NDArray[np.bool_]:
    width, height = shape
    if kind == "box":
        return np.ones((height, width), dtype=bool)
    x = (np.arange(width) + 0.5) / width * 2 - 1
    y = (np.arange(height) + 0.5) / height * 2 - 1
    return np.asarray(x[None, :] ** 2 + y[:, None] ** 2 <= 1)


def _alpha(path: Path) -> Image.Image | None:
    """The transparency of a photo, upright, where it has some."""
    from PIL import ImageOps

    file, box = split_box(path)
    with Image.open(file) as image:
        if not image.has_transparency_data:
            return None
        whole = ImageOps.exif_transpose(image).convert("RGBA").getchannel("A")
    return whole if box is None else whole.crop(box.within(*whole.size))


def _mask(mask: Path, path: Path) -> Image.Image:
    """The mask of a photo, in its size, or the same part of it."""
    file, box = split_box(path)
    size = open_upright(file).size
    whole = open_upright(mask).convert("L")
    whole = whole if whole.size == size else whole.resize(size)
    return whole if box is None else whole.crop(box.within(*size))
