"""A part of a photo as an image of its own: `photo.jpg#xywh=10,8,60,48`, as the W3C's Media Fragments write it."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from aas_plugin.errors import AasError

_FRAGMENT = re.compile(r"#xywh=(percent:)?([-+.\de]+),([-+.\de]+),([-+.\de]+),([-+.\de]+)$", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)
_NONE = frozenset({"", "nan", "na", "n/a", "none", "null", "[]", "()", "<na>"})


class Box(tuple[float, float, float, float]):
    """Left, top, width and height, in pixels of the upright photo, or in shares of it.

    Attributes:
        shares: whether they are shares.
    """

    shares: bool

    def __new__(cls, numbers: tuple[float, ...], shares: bool = False) -> Box:
        """Take four numbers."""
        made = super().__new__(cls, numbers)
        made.shares = shares
        return made

    def within(self, width: int, height: int) -> tuple[int, int, int, int]:
        """The pixels of a photo in it: left, top, right and bottom, cut off at the photo's edges.

        Raises:
            ValueError: none of it lies on the photo.
        """
        scale = (width, height) if self.shares else (1, 1)
        left, top = self[0] * scale[0], self[1] * scale[1]
        right, bottom = left + self[2] * scale[0], top + self[3] * scale[1]
        found = max(0, round(left)), max(0, round(top)), min(width, round(right)), min(height, round(bottom))
        if found[0] >= found[2] or found[1] >= found[3]:
            where = ", ".join(f"{number:g}" for number in self)
            raise ValueError(f"its box {where} holds no pixel of the photo, which is {width} x {height}")
        return found


def with_boxes(paths: pd.Series, cells: pd.Series) -> pd.Series:
    """Paths with their boxes, where there are any; those that have one in their name already stay.

    Where no number of any box is above 1 they are shares of the photo, as MegaDetector gives them, else pixels.

    Args:
        paths: (n,) strings.
        cells: (n,) strings such as "[10, 8, 60, 48]", in any punctuation, or NA.

    Raises:
        AasError: a cell is no box.
    """
    boxes = [None if _is_none(cell) else parse_box(cell, path) for path, cell in zip(paths, cells, strict=True)]
    shares = all(number <= 1 for box in boxes if box is not None for number in box)
    found = [
        path if box is None or _FRAGMENT.search(path) else f"{path}#xywh={_written(box, shares)}"
        for path, box in zip(paths, boxes, strict=True)
    ]
    return pd.Series(found, index=paths.index, dtype="string")


def parse_box(cell: object, path: object) -> tuple[float, ...]:
    """The four numbers of a cell: left, top, width and height.

    Args:
        cell: as it was read.
        path: of the photo, for the error.

    Raises:
        AasError: it has not four numbers, or a width or height that is not above 0.
    """
    # As numpy writes numbers in a list.
    text = re.sub(r"np\.\w+\(([^)]*)\)", r"\1", str(cell))
    found = tuple(float(part) for part in _NUMBER.findall(text))
    if len(found) != 4 or re.search(r"[a-df-z]", text, re.IGNORECASE) or found[2] <= 0 or found[3] <= 0:
        raise AasError(f"the bbox {str(cell)!r} of {path} is none; left, top, width and height in pixels are needed")
    return found


def split_box(path: str | Path) -> tuple[Path, Box | None]:
    """The file that an image lies in, and which part of it the image is; None for all of it."""
    text = str(path)
    found = _FRAGMENT.search(text)
    if found is None:
        return Path(path), None
    numbers = tuple(float(part) for part in found.groups()[1:])
    if found[1]:
        return Path(text[: found.start()]), Box(tuple(number / 100 for number in numbers), shares=True)
    return Path(text[: found.start()]), Box(numbers)


def _is_none(cell: object) -> bool:
    return bool(pd.isna(cell)) or str(cell).strip().casefold() in _NONE  # type: ignore[call-overload]


def _written(box: tuple[float, ...], shares: bool) -> str:
    if shares:
        return "percent:" + ",".join(f"{100 * number:.8g}" for number in box)
    return ",".join(f"{number:.10g}" for number in box)
