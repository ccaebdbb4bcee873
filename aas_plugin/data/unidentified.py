"""What people write where nobody knows which individual it is."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable

import pandas as pd

UNKNOWN: tuple[str, ...] = (
    "na", "n/a", "n.a.", "#n/a", "<na>", "nan", "null", "none", "nil", "unknown", "unk", "unidentified",
    "not identified", "unnamed", "undetermined", "no id", "-1", "-1.0", "-", "--", "?", "??", "???",
)  # fmt: skip
"""Codes that name no individual, in any case; blank ones never do."""


def is_unknown(names: Iterable[object], codes: Collection[str] = UNKNOWN) -> list[bool]:
    """Whether each name is blank, missing, or one of the codes, whatever its case and the blanks around it.

    An underscore is a blank, so that `not_identified` is "not identified".
    """
    folded = {_folded(code) for code in codes} | {""}
    return [bool(pd.isna(name)) or _folded(name) in folded for name in names]  # type: ignore[call-overload]


def identified(names: pd.Series, codes: Collection[str], where: str, how: str = "of {!r}") -> pd.Series:
    """Names of individuals, NA where they are codes for none; a warning says how many were.

    Args:
        names: (n,) strings, or NA.
        codes: see `UNKNOWN`.
        where: what the names stand in, for the warning.
        how: how the warning writes the place of such photos.
    """
    unknown = pd.Series(is_unknown(names, codes), index=names.index) & names.notna()
    told = names[unknown & (names.astype("string").str.strip() != "")]
    if len(told):
        found = ", ".join(f"{count} photos {how.format(str(name))}" for name, count in told.value_counts().items())
        warnings.warn(
            f"{where}: {found} are taken as not identified; if that is an individual, say --set dataset.unknown=[]",
            stacklevel=3,
        )
    return names.mask(unknown)


def _folded(name: object) -> str:
    return " ".join(str(name).replace("_", " ").split()).casefold()
