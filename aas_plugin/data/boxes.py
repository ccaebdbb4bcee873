"""A part of a photo as an image of its own: `photo.jpg#xywh=10,8,60,48`, as the W3C's Media Fragments write it."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pandas as pd

from aas_plugin.errors import AasError

_FRAGMENT = re.compile(r"#xywh=(percent:)?([-+.\de]+),([-+.\de]+),([-+.\de]+),([-+.\de]+)$", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)
_NONE = frozenset({"", "nan", "na", "n/a", "none", "null", "<na>"})
_ROUNDING = 1e-3


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

    A box of which no number is above 1, but for rounding, is in shares of the photo, as MegaDetector gives them; the
    others are in pixels. Both in one column are a warning.

    Args:
        paths: (n,) strings.
        cells: (n,) strings such as "[10, 8, 60, 48]", in any punctuation, or NA.

    Raises:
        AasError: a cell is no box.
    """
    boxes = [None if _is_none(cell) else parse_box(cell, path) for path, cell in zip(paths, cells, strict=True)]
    # No animal is one pixel wide.
    shares = [box is not None and max(box) <= 1 + _ROUNDING for box in boxes]
    in_pixels = sum(box is not None for box in boxes) - sum(shares)
    if any(shares) and in_pixels:
        first = next(path for path, is_share in zip(paths, shares, strict=True) if is_share)
        warnings.warn(
            f"{sum(shares)} boxes are taken as shares of their photo, the first of {first}, and {in_pixels} as pixels; "
            "write all in pixels if that is wrong",
            stacklevel=4,
        )
    found = [
        path if box is None or _FRAGMENT.search(path) else f"{path}#xywh={_written(box, is_share)}"
        for path, box, is_share in zip(paths, boxes, shares, strict=True)
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


def cut_fragment(path: str) -> tuple[str, str]:
    """A path as it is written without its box, and what says its box, blank where it has none."""
    found = _FRAGMENT.search(path)
    return (path, "") if found is None else (path[: found.start()], found[0])


def box_in_words(path: str) -> str | None:
    """The box of an image as a cell of a table, in pixels or in shares; None for a whole photo."""
    box = split_box(path)[1]
    return None if box is None else f"[{', '.join(f'{number:.10g}' for number in box)}]"


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
    if pd.isna(cell):  # type: ignore[call-overload]
        return True
    parts = re.split(r"[\s,;]+", str(cell).strip(" []()").casefold())
    return all(part in _NONE for part in parts)


def _written(box: tuple[float, ...], shares: bool) -> str:
    if shares:
        return "percent:" + ",".join(f"{100 * number:.8g}" for number in box)
    return ",".join(f"{number:.10g}" for number in box)
