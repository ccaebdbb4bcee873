"""Times of camera traps, with a zone or without."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from aas_plugin.data.told import Told

_ZONED = re.compile(r"(\d[T ].*?)(?:[Zz]|[-+]\d\d:?(?:\d\d)?)$")


def has_zone(time: str) -> bool:
    """Whether a date with a time ends with a zone such as Z or +02:00."""
    return bool(_ZONED.search(time.strip()))


def tell_zones(times: Sequence[str], told: Told, mixed_alone: bool = False) -> None:
    """Note how many times have no zone; they stay as they are.

    Args:
        times: as they are written, blank where there is none.
        told: what takes the note.
        mixed_alone: whether times without a zone are nothing to tell where no time has one.
    """
    known = [time for time in times if time]
    without = [time for time in known if not has_zone(time)]
    if without and not (mixed_alone and len(without) == len(known)):
        told.notes.append(
            f"{len(without)} of {len(known)} times have no zone, such as {without[0]!r}, and are taken as local time"
        )


def moments(*columns: pd.Series) -> list[pd.Series]:
    """Times in ISO 8601 as datetime64[us] that can be compared with each other, NaT where there is none.

    Where any of them has no zone, all are taken as the camera's clock shows them.
    """
    known = [time for column in columns for time in column if time]
    if not all(map(has_zone, known)):
        columns = tuple(column.str.strip().str.replace(_ZONED, r"\1", regex=True) for column in columns)
    return [_in_utc(column) for column in columns]


def _in_utc(column: pd.Series) -> pd.Series:
    found = pd.to_datetime(column, errors="coerce", utc=True, format="ISO8601")
    return found.dt.tz_localize(None).dt.as_unit("us")
