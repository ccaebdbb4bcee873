"""Photos to compare, and what a catalogue knows of each beside its pixels."""

from __future__ import annotations

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


def _days(cells: pd.Series) -> NDArray[np.float64]:
    """Dates and times as days since 1970, float64 (N,), NaN where there is none; plain numbers as they are."""
    text = cells.astype("string")
    numbers = pd.to_numeric(text, errors="coerce")
    if numbers.notna().any() and numbers.notna().sum() == text.notna().sum():
        return numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    moments = pd.to_datetime(text, errors="coerce", utc=True, format="mixed")
    days = (moments - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
    return days.to_numpy(dtype=np.float64, na_value=np.nan)


def joined(one: PhotoList, other: PhotoList) -> PhotoList:
    """Photos of two lists in one."""
    return PhotoList(
        one.paths + other.paths,
        one.hashes + other.hashes,
        np.concatenate([one.orientation, other.orientation]),
        np.concatenate([one.date, other.date]),
        one.masks + other.masks,
    )
