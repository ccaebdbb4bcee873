"""Sheets for the bulk import of Wildbook: https://wildbook.docs.wildme.org/data/bulk-import-beta.html."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import pandas as pd

from aas_plugin.errors import AasError
from aas_plugin.exchange.encounters import Encounter
from aas_plugin.exchange.folders import file_names, put_image
from aas_plugin.exchange.gathering import Named

MOST = 200
"""Encounters that a sheet may have."""


def split_species(name: str) -> tuple[str, str]:
    """Genus and specific epithet of a scientific name; a subspecies stays with the epithet.

    Raises:
        AasError: it is not written as one.
    """
    found = re.fullmatch(r"([A-Z][a-z-]+)\s+([a-z-]+(?:\s+[a-z-]+)?)", name.strip())
    if found is None:
        raise AasError(f'--species {name!r} is no genus and epithet; write it as "Panthera leo"')
    return found[1], found[2]


def sheet(
    found: Sequence[Encounter], files: Mapping[str, str], species: str, location: str | None = None
) -> pd.DataFrame:
    """The rows of sheets: an encounter each, and only columns that say something, as Wildbook asks.

    Args:
        found: the encounters.
        files: name of the file of each image, by path.
        species: scientific name.
        location: `Encounter.locationID` of all, as the Wildbook's own list has it.

    Raises:
        AasError: the species is not written as one, or nothing says where an encounter was.
    """
    genus, epithet = split_species(species)
    nowhere = [one for one in found if not (one.locality or one.latitude or location)]
    if nowhere:
        raise AasError(
            f"Wildbook needs a place, and nothing says where {len(nowhere)} encounters were, such as that of "
            f"{nowhere[0].paths[0]!r}; give --deployments FILE.csv with coordinates, or --location-id"
        )
    rows = []
    for one in found:
        row: dict[str, object] = {
            f"Encounter.mediaAsset{number}": name
            for number, name in enumerate(dict.fromkeys(files[path] for path in one.paths))
        }
        row |= {
            "Encounter.genus": genus,
            "Encounter.specificEpithet": epithet,
            "Encounter.year": one.day.year,
            "Encounter.month": one.day.month,
            "Encounter.day": one.day.day,
            "Encounter.locationID": location,
            "Encounter.verbatimLocality": one.locality or None,
            "Encounter.decimalLatitude": float(one.latitude) if one.latitude else None,
            "Encounter.decimalLongitude": float(one.longitude) if one.longitude else None,
            "Encounter.sightingID": one.sighting or None,
            "Encounter.individualID": one.individual,
        }
        rows.append(row)
    table = pd.DataFrame(rows)
    media = sorted((name for name in table if "mediaAsset" in name), key=lambda name: int(name.rpartition("t")[2]))
    rest = [name for name in table if name not in media and table[name].notna().any()]
    whole = table[[*media, *rest]]
    return whole.astype({name: "Int64" for name in ("Encounter.month", "Encounter.day") if name in whole})


def write_sheets(file: Path, table: pd.DataFrame) -> list[Path]:
    """Write sheets of at most 200 encounters, numbered where there are several.

    Args:
        file: `.csv` or `.xlsx`; of several sheets the beginning of their names.
        table: of all encounters.

    Returns:
        The files.

    Raises:
        AasError: it is neither, or what writes `.xlsx` is not installed.
    """
    suffix = file.suffix.lower()
    if suffix not in (".csv", ".xlsx"):
        raise AasError(f"{file.name} is no name of a sheet; give FILE.csv, FILE.xlsx, or a folder")
    parts = [table.iloc[start : start + MOST] for start in range(0, len(table), MOST)]
    width = len(str(len(parts)))
    names = [f"{file.stem}-{number:0{width}d}{file.suffix}" for number in range(1, len(parts) + 1)]
    files = [file.with_name(name) for name in names] if len(parts) > 1 else [file]
    for place, part in zip(files, parts, strict=True):
        # Columns that only other sheets fill are errors to Wildbook.
        filled = part.dropna(axis="columns", how="all")
        if suffix == ".csv":
            filled.to_csv(place, index=False, encoding="utf-8")
        else:
            _write_workbook(place, filled)
    return files


def photo_names(named: Named) -> dict[str, str]:
    """A file name of its own for each image, of the characters that Wildbook keeps, by path."""
    return file_names(named.photos["path"], _plain)


def write_photos(place: Path, named: Named, files: Mapping[str, str], copy: bool) -> None:
    """Put the photos of sheets into one folder, under their names; parts of photos are cut out.

    Raises:
        AasError: see `put_image`.
    """
    place.mkdir()
    for path, photo in zip(named.photos["path"], named.photos["photo"], strict=True):
        put_image(named.root, path, photo, place / files[path], copy)


def _plain(name: str) -> str:
    pure = PurePosixPath(unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode())
    # Hyphens are no letters to Wildbook, and what it removes would be missing in its files.
    stem = re.sub(r"[^A-Za-z0-9.]+", " ", pure.stem).strip(" .") or "photo"
    return f"{stem[:120]}{pure.suffix.lower()}"


def _write_workbook(place: Path, table: pd.DataFrame) -> None:
    try:
        from openpyxl import Workbook
        from openpyxl.cell import WriteOnlyCell
    except ModuleNotFoundError as error:
        raise AasError("workbooks need openpyxl; install aas-plugin[xlsx], or give FILE.csv") from error
    book = Workbook(write_only=True)
    page = book.create_sheet("Encounters")
    page.append(list(table))
    for row in table.astype(object).where(table.notna(), None).itertuples(index=False):
        cells = []
        for value in row:
            # A workbook holds no control characters, and a name such as "=a" is no formula.
            cell = WriteOnlyCell(page, "".join(filter(str.isprintable, value)) if isinstance(value, str) else value)
            if isinstance(value, str):
                cell.data_type = "s"
            cells.append(cell)
        page.append(cells)
    book.save(place)
