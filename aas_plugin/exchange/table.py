"""A CSV of names: a row a photo, which `aas` reads again as a data set."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from aas_plugin.exchange.gathering import Named

COLUMNS = ("path", "identity", "confidence", "answers", "nearest", "nearest_probability")
WHERE_KNOWN = ("photo", "bbox", "date", "camera", "orientation")
"""Columns that are left out where they say nothing of any photo."""


def names_table(named: Named, folder: Path) -> tuple[pd.DataFrame, bool]:
    """The table of a CSV.

    Args:
        named: the photos and their names.
        folder: that the CSV will lie in.

    Returns:
        The table, and whether its paths are relative to that folder, as they are where the photos lie in it; else they
        are relative to the folder of the photos.
    """
    photos = named.photos.rename(columns={"individual": "identity"})
    if photos["bbox"].isna().all():
        photos = photos.drop(columns=["photo", "bbox"])
    shown = [column for column in WHERE_KNOWN if column in photos and photos[column].notna().any()]
    table = photos[[*COLUMNS, *shown]].copy()
    above = _way_down(folder, named.root)
    if above:
        for column in {"path", "photo"} & set(table):
            table[column] = above + table[column]
    for column in ("confidence", "nearest_probability"):
        # Six digits say more than any confidence does.
        table[column] = table[column].round(6)
    return table, above is not None


def write_names(file: Path, table: pd.DataFrame) -> None:
    """Write the table in UTF-8, blank where nothing is known."""
    table.to_csv(file, index=False, encoding="utf-8")


def _way_down(folder: Path, root: Path) -> str | None:
    """The way from a folder down to the photos, with a slash behind it; None where they lie elsewhere."""
    try:
        way = Path(os.path.abspath(root)).relative_to(os.path.abspath(folder))
    except ValueError:
        return None
    return "" if way == Path() else f"{way.as_posix()}/"
