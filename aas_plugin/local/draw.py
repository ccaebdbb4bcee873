"""Pictures of keypoints: which of two photos match, and which part of photos counts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from aas_plugin.data.images import UnreadableImageError, open_upright
from aas_plugin.data.photo_list import PhotoList
from aas_plugin.local.keypoints import Keypoints
from aas_plugin.local.regions import Region, cut_out
from aas_plugin.local.verify import matching, moved_together

HEIGHT = 360
TILE = 180
SHOWN = 24
MOST_LINES = 40
_GAP = 8
_COLOURS = ("#ffd400", "#00e5ff", "#ff5ec8", "#7dff5e", "#ff9a3d", "#b79cff")


def draw_matches(photos: Sequence[Path], keypoints: Sequence[Keypoints]) -> tuple[Image.Image, int]:
    """Two photos side by side, with lines between the keypoints that match.

    Drawn are those that one movement explains, the most alike first, at most `MOST_LINES`.

    Args:
        photos: two files.
        keypoints: of both.

    Returns:
        The picture, `HEIGHT` pixels high, and how many keypoints match.

    Raises:
        UnreadableImageError: a photo cannot be read.
    """
    whole = [open_upright(path) for path in photos]
    left, right = (_high(photo, HEIGHT) for photo in whole)
    picture = Image.new("RGB", (left.width + _GAP + right.width, HEIGHT), "white")
    picture.paste(left, (0, 0))
    picture.paste(right, (left.width + _GAP, 0))
    one, other = keypoints
    found = matching(one, other)
    found = found[moved_together(one, other, found)]
    pen = ImageDraw.Draw(picture)
    for number, (first, second) in enumerate(found[:MOST_LINES].tolist()):
        colour = _COLOURS[number % len(_COLOURS)]
        start = _at(one.places[first], whole[0], left, 0)
        end = _at(other.places[second], whole[1], right, left.width + _GAP)
        pen.line([start, end], fill=colour, width=1)
        for x, y in (start, end):
            pen.ellipse([x - 3, y - 3, x + 3, y + 3], outline=colour, width=2)
    return picture, len(found)


def contact_sheet(photos: PhotoList, region: Region, most: int = SHOWN, seed: int = 0) -> Image.Image:
    """Some photos, drawn by chance, as they are looked at: what does not count is dark.

    Args:
        photos: N of them; those that cannot be read are left out.
        region: the part that counts.
        most: photos at most.
        seed: of the draw.
    """
    order = np.random.default_rng(seed).permutation(len(photos))
    tiles: list[Image.Image] = []
    for place in order.tolist():
        try:
            tiles.append(_dimmed(photos, place, region))
        except UnreadableImageError:
            continue
        if len(tiles) == most:
            break
    across = min(6, max(1, len(tiles)))
    down = max(1, -(-len(tiles) // across))
    sheet = Image.new("RGB", (across * (TILE + _GAP), down * (TILE + _GAP)), "white")
    for number, tile in enumerate(tiles):
        corner = (number % across) * (TILE + _GAP), (number // across) * (TILE + _GAP)
        sheet.paste(tile, (corner[0] + (TILE - tile.width) // 2, corner[1] + (TILE - tile.height) // 2))
    return sheet


def _dimmed(photos: PhotoList, place: int, region: Region) -> Image.Image:
    """A photo of at most `TILE` pixels, dark where it does not count."""
    photo = open_upright(photos.paths[place])
    cut = cut_out(photos.paths[place], region, TILE * 2, photos.masks[place])
    scale = TILE / max(photo.size)
    small = photo.resize((max(1, round(photo.width * scale)), max(1, round(photo.height * scale))))
    counts = np.zeros((small.height, small.width), dtype=bool)
    x, y = (_shares(side, cut.origin[axis], cut.extent[axis]) for axis, side in enumerate(small.size))
    within = ((y >= 0) & (y < 1))[:, None] & ((x >= 0) & (x < 1))[None, :]
    height, width = cut.inside.shape
    row = np.clip((y * height).astype(int), 0, height - 1)
    column = np.clip((x * width).astype(int), 0, width - 1)
    counts = within & cut.inside[row[:, None], column[None, :]]
    pixels = np.asarray(small).copy()
    pixels[~counts] //= 4
    return Image.fromarray(pixels)


def _shares(side: int, origin: float, extent: float) -> NDArray[np.float64]:
    """Where the pixels of a side lie in a part of it, 0 to 1 inside."""
    return ((np.arange(side) + 0.5) / TILE - origin) / extent


def _high(photo: Image.Image, height: int) -> Image.Image:
    # Of a very wide photo no more than a picture can hold.
    width = min(max(1, round(photo.width * height / photo.height)), 4 * height)
    return photo.resize((width, height), Image.Resampling.BICUBIC)


def _at(place: NDArray[np.float32], photo: Image.Image, shown: Image.Image, shift: int) -> tuple[float, float]:
    across, down = (max(photo.size) * shown.size[axis] / photo.size[axis] for axis in range(2))
    return float(place[0]) * across + shift, float(place[1]) * down
