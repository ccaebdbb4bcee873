"""When a photo was taken, as far as its text says so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pandas as pd

from aas_plugin.data.photo_list import day_first, iso_date
from aas_plugin.errors import AasError

_DAY = re.compile(r"(\d{4})(?:[-:/.](\d{1,2})(?:[-:/.](\d{1,2}))?)?")
_TIME = re.compile(
    r"[T ]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*([ap]\.?m\.?)?\s*(Z|UTC|[-+]\d{2}(?::?\d{2})?)?",
    re.IGNORECASE,
)
_OFFSET = re.compile(r"([-+])(\d{1,2}):?(\d{2})?")


@dataclass(frozen=True)
class Moment:
    """A point in time, as exactly as it is known.

    Attributes:
        year: always known.
        month: None where unknown.
        day: None where unknown.
        time: None where the time of day is unknown; without a zone where that is.
    """

    year: int
    month: int | None = None
    day: int | None = None
    time: datetime | None = None

    @property
    def date(self) -> date | None:
        """The day; None where it is not known."""
        return None if self.month is None or self.day is None else date(self.year, self.month, self.day)


def parse_moment(text: object) -> Moment | None:
    """A date with the year first, such as `2021-05-31`, `2021:05:31 08:25:38` or `2021-05-31T08:25:38+02:00`.

    A year, or a year and month, will do, and hours may end with AM or PM. Fractions of seconds are dropped. None for
    anything else, also for dates whose day and month could be taken for each other.
    """
    written = str(text).strip()
    found = _DAY.match(written)
    if found is None:
        return None
    year, month, day = (None if part is None else int(part) for part in found.groups())
    rest = written[found.end() :]
    try:
        # An end of 9999 is that of none.
        if year is None or not 0 < year < 3000 or (month is not None and not 1 <= month <= 12):
            return None
        if day is None or month is None:
            return None if rest else Moment(year, month)
        if not rest:
            date(year, month, day)
            return Moment(year, month, day)
        clock = _TIME.fullmatch(rest)
        if clock is None:
            return None
        hour, minute, second = (int(part or 0) for part in clock.groups()[:3])
        if clock[4] is not None:
            if not 1 <= hour <= 12:
                return None
            hour = hour % 12 + (12 if clock[4].lower().startswith("p") else 0)
        zone = None if clock[5] is None else parse_zone(clock[5])
        return Moment(year, month, day, datetime(year, month, day, hour, minute, second, tzinfo=zone))
    except (ValueError, AasError):
        return None


def readable(dates: pd.Series) -> pd.Series:
    """Dates of a column as `parse_moment` reads them, NA where it would not; others than ISO as tables are read."""
    first = day_first(dates.dropna())

    def one(cell: str) -> str | None:
        found = cell if parse_moment(cell) is not None else iso_date(cell, first)
        return found if parse_moment(found) is not None else None

    return dates.map(one, na_action="ignore").astype("string")


def parse_zone(text: str) -> tzinfo:
    """A time zone by its name in the IANA's list, such as `Africa/Maputo`, or as hours before UTC, such as `+02:00`.

    Raises:
        AasError: it is neither.
    """
    if text.upper() in ("Z", "UTC"):
        return UTC
    found = _OFFSET.fullmatch(text)
    if found is not None:
        minutes = int(found[2]) * 60 + int(found[3] or 0)
        if minutes < 24 * 60:
            return timezone(timedelta(minutes=minutes if found[1] == "+" else -minutes))
    try:
        return ZoneInfo(text)
    except (OSError, ValueError, KeyError) as error:
        raise AasError(
            f"--timezone {text!r} is none; write a name such as Africa/Maputo, hours such as +02:00, or UTC"
        ) from error


def in_zone(moment: Moment | None, zone: tzinfo | None) -> datetime | None:
    """The time of a moment with its zone: its own, else the one given; None where either is unknown."""
    if moment is None or moment.time is None:
        return None
    if moment.time.tzinfo is not None:
        return moment.time
    return None if zone is None else moment.time.replace(tzinfo=zone)


def local_day(moment: Moment | None, zone: tzinfo | None) -> date | None:
    """The day of a moment where it was taken: in the zone given where the moment has one, else as it is written."""
    if moment is None:
        return None
    if zone is not None and moment.time is not None and moment.time.tzinfo is not None:
        return moment.time.astimezone(zone).date()
    return moment.date


def iso(time: datetime) -> str:
    """A time with a zone in ISO 8601, to the second, `Z` for UTC."""
    return time.replace(microsecond=0).isoformat().replace("+00:00", "Z")
