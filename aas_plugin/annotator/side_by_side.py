"""Both photos of a question in one picture, for a person at a terminal."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from aas_plugin.data.images import open_upright

WIDTH = 1600
GAP = 8


def side_by_side(first: Path, second: Path, width: int = WIDTH) -> Image.Image:
    """Both photos upright and of the same height, a thin gap between them, at most `width` pixels wide.

    Raises:
        UnreadableImageError: one of them is missing or no image.
    """
    photos = [open_upright(path) for path in (first, second)]
    shares = [photo.width / photo.height for photo in photos]
    height = max(1, min(max(photo.height for photo in photos), int((width - GAP) / sum(shares))))
    # Rounding down, so that both together are never wider.
    sizes = [(max(1, int(share * height)), height) for share in shares]
    pair = Image.new("RGB", (sizes[0][0] + GAP + sizes[1][0], height), "white")
    for photo, size, place in zip(photos, sizes, (0, sizes[0][0] + GAP), strict=True):
        pair.paste(photo.resize(size, Image.Resampling.LANCZOS), (place, 0))
    return pair
