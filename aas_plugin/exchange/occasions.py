"""Occasions: the pieces of time that mark-recapture software counts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from aas_plugin.errors import AasError

MOST = 1000
"""Days, weeks or months that an occasion may be long."""

_LENGTH = re.compile(r"(\d+)\s*(d|w|m)")
_WORDS = {"day": "1d", "week": "1w", "month": "1m"}


def parse_length(text: str) -> tuple[int, str]:
    """A number of days ("d"), weeks ("w") or calendar months ("m"), such as `7d`, `2w` or `month`.

    Raises:
        AasError: it is none.
    """
    found = _LENGTH.fullmatch(_WORDS.get(text.strip().lower(), text.strip().lower()))
    if found is None or not 1 <= int(found[1]) <= MOST:
        raise AasError(f"--occasion {text!r} is no length of time; write days as 7d, weeks as 2w or months as 1m")
    return int(found[1]), found[2]


def begins(first: date, last: date, length: tuple[int, str]) -> list[date]:
    """The first day of each occasion, and that after the last: occasions follow each other from `first` to `last`.

    Args:
        first: day that the first occasion begins with; occasions of months begin with its month.
        last: day that the last occasion holds.
        length: of an occasion, see `parse_length`.
    """
    number, unit = length
    found = [first.replace(day=1) if unit == "m" else first]
    while found[-1] <= last:
        if unit == "m":
            months = found[-1].year * 12 + found[-1].month - 1 + number
            found.append(date(months // 12, months % 12 + 1, 1))
        else:
            found.append(found[-1] + timedelta(days=number * (7 if unit == "w" else 1)))
    return found


def merged(spans: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Stretches of time without those that others cover: what overlaps is one."""
    found: list[tuple[datetime, datetime]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def days_within(stood: tuple[datetime, datetime], starts: Sequence[date]) -> list[float]:
    """How many days of a stretch of time lie in each occasion.

    Args:
        stood: its beginning and end, local.
        starts: as `begins` gives them.
    """
    edges = [datetime(day.year, day.month, day.day) for day in starts]
    shared = [min(stood[1], after) - max(stood[0], before) for before, after in pairwise(edges)]
    return [max(one / timedelta(days=1), 0.0) for one in shared]
