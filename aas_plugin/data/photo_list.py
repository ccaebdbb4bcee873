"""Photos to compare, and what a catalogue knows of each beside its pixels."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aas_plugin.data.catalogue import Catalogue, content_hash
from aas_plugin.errors import AasError


@dataclass(frozen=True, eq=False)
class PhotoList:
    """N photos.

    Attributes:
        paths: their files.
        hashes: content hash of each.
        orientation: object (N,), text such as "left", None where unknown.
        date: float64 (N,), days since 1970, NaN where unknown.
        masks: a file each that is black where there is no animal, None where there is none; of a part of a photo it
            is the mask of the whole photo.
    """

    paths: tuple[Path, ...]
    hashes: tuple[str, ...]
    orientation: NDArray[np.object_]
    date: NDArray[np.float64]
    masks: tuple[Path | None, ...]

    def __len__(self) -> int:
        return len(self.paths)


def photos_of(catalogue: Catalogue, rows: NDArray[np.int64], hashes: Sequence[str]) -> PhotoList:
    """The photos of catalogue rows, int64 (N,).

    Args:
        catalogue: the images.
        rows: which of them.
        hashes: content hashes of all rows.
    """
    table = catalogue.table.iloc[rows]
    orientation = table["orientation"].astype(object)
    return PhotoList(
        paths=tuple(catalogue.root / path for path in table["path"]),
        hashes=tuple(hashes[row] for row in rows.tolist()),
        orientation=orientation.where(orientation.notna(), None).to_numpy(dtype=object),
        date=_days(table["date"]),
        masks=tuple(None if pd.isna(cell) else catalogue.root / cell for cell in table["mask"]),
    )


def bare_photos(paths: Sequence[str], hashes: Sequence[str] | None) -> PhotoList:
    """Photos of which nothing but the files is known.

    Args:
        paths: N files.
        hashes: content hash of each; they are read where there are none.

    Raises:
        AasError: a file cannot be opened.
    """
    files = tuple(map(Path, paths))
    try:
        told = tuple(map(content_hash, files) if hashes is None else hashes)
    except OSError as error:
        raise AasError(f"{error.filename} cannot be opened ({error.strerror}); keypoints are read from files") from None
    n = len(files)
    nothing = np.full(n, None, dtype=object)
    return PhotoList(files, told, nothing, np.full(n, np.nan), (None,) * n)


_PLAIN = re.compile(r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d))?")
_YEAR_FIRST = re.compile(r"(\d{4})[:./-](\d{1,2})[:./-](\d{1,2})(?!\d)")
_YEAR_LAST = re.compile(r"(\d{1,2})([./-])(\d{1,2})[./-](\d{4}|\d{2})(?!\d)")


def _days(cells: pd.Series) -> NDArray[np.float64]:
    """Dates and times as days since 1970, float64 (N,), NaN where there is none; plain numbers as they are.

    Read are ISO 8601, EXIF (2024:05:01), 20240501, and day and month before the year in one order for all: the day
    first if a number above 12 stands there or dots part them, the month first if one above 12 stands second. Where
    nothing tells, the month is first, with a warning.
    """
    text = cells.astype("string").str.strip()
    known = text.dropna()
    plain = known.str.fullmatch(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(\d{6})?")
    numbers = pd.to_numeric(text, errors="coerce")
    if len(known) and numbers.notna().sum() == len(known) and not plain.all():
        return numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    first = day_first(known)
    iso = text.map(lambda cell: iso_date(cell, first), na_action="ignore").astype("string")
    # In microseconds a slip in the year is far away and no error.
    moments = pd.to_datetime(iso, errors="coerce", utc=True, format="mixed").dt.as_unit("us")
    days = (moments - pd.Timestamp(0, tz="UTC").as_unit("us")) / pd.Timedelta(days=1).as_unit("us")
    return days.to_numpy(dtype=np.float64, na_value=np.nan)


def day_first(known: pd.Series) -> bool:
    """Whether dates of a column that end with the year begin with the day; a warning where nothing tells."""
    found = [match for cell in known if (match := _YEAR_LAST.match(cell))]
    if not found:
        return False
    if any(int(match[1]) > 12 for match in found) or all(match[2] == "." for match in found):
        return True
    if not any(int(match[3]) > 12 for match in found):
        warnings.warn(
            f"dates such as {found[0][0]!r} are read as month, day and year, which nothing in the column denies; write "
            "YYYY-MM-DD to be sure",
            stacklevel=4,
        )
    return False


def iso_date(cell: str, first: bool) -> str | None:
    """A date in ISO 8601, with the time behind it; None for what begins with none.

    Args:
        cell: as it is written.
        first: whether the day comes first where the year comes last.
    """
    if match := _PLAIN.fullmatch(cell):
        time = f"T{match[4]}:{match[5]}:{match[6]}" if match[4] else ""
        return f"{match[1]}-{match[2]}-{match[3]}{time}"
    if match := _YEAR_FIRST.match(cell):
        year, month, day = match[1], match[2], match[3]
    elif match := _YEAR_LAST.match(cell):
        year = match[4] if len(match[4]) == 4 else str(int(match[4]) + (2000 if int(match[4]) < 70 else 1900))
        month, day = (match[3], match[1]) if first else (match[1], match[3])
    else:
        return None
    return f"{year}-{int(month):02d}-{int(day):02d}{cell[match.end() :]}"


def joined(one: PhotoList, other: PhotoList) -> PhotoList:
    """Photos of two lists in one."""
    return PhotoList(
        one.paths + other.paths,
        one.hashes + other.hashes,
        np.concatenate([one.orientation, other.orientation]),
        np.concatenate([one.date, other.date]),
        one.masks + other.masks,
    )
