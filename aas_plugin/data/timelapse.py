"""`timelapse`: the CSV that Timelapse exports, a row for each photo."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePosixPath

from pydantic import Field, field_validator

from aas_plugin.data.animals import Animal, TrapOptions, catalogue_of, root_of
from aas_plugin.data.catalogue import Catalogue
from aas_plugin.data.coco_cameras import NO_ANIMALS
from aas_plugin.data.tables import folded, named_columns, read_cells
from aas_plugin.data.told import Told, counts_as, several_species
from aas_plugin.errors import AasError

OWN = ("identity", "species", "camera")
"""What a user's own columns of Timelapse may be taken as."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_IN_WORDS = re.compile(r"(\d{1,2})-([a-z]{3})[a-z]*-(\d{4})", re.IGNORECASE)


class TimelapseOptions(TrapOptions):
    """Options of `timelapse`."""

    columns: dict[str, str] = Field(
        {}, description="headers of your own columns for identity, species or camera, such as identity: Leopard"
    )
    encoding: str | None = Field(None, description="as Python names it; without, it is found out")

    @field_validator("columns")
    @classmethod
    def _known(cls, value: dict[str, str]) -> dict[str, str]:
        wrong = [name for name in value if name not in OWN]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is none of {', '.join(OWN)}")
        return value


def is_timelapse(headers: list[str]) -> bool:
    """Whether a table's headers are those that Timelapse exports."""
    names = {folded(header) for header in headers}
    return {"file", "relativepath"} <= names and "path" not in names


def timelapse(options: TimelapseOptions) -> Catalogue:
    """Read `File` and `RelativePath`, each row a whole photo; the camera is the folder, the date is `DateTime`.

    Older exports have `Date` and `Time`. A column `identity` or `species`, or one that the options name so, is used;
    rows whose species is none, such as "Empty" or "Human", are left out, with a warning that counts them.
    Several rows of one photo are one, which is told; rows are in the order of the file otherwise.

    Raises:
        AasError: the file cannot be read, lacks `File` or `RelativePath`, or `catalogue_of` rejects it.
    """
    path = options.path.expanduser().resolve()
    cells = read_cells(path, options.encoding)
    if not is_timelapse(list(cells.columns)):
        raise AasError(
            f"{path} is no table of Timelapse, which has the columns 'File' and 'RelativePath', but has "
            f"{', '.join(map(repr, cells.columns))}; export it anew, or give it as --set dataset=csv"
        )
    wanted = ("file", "relativepath", "datetime", "date", "time", *OWN)
    table, _ = named_columns(cells, wanted, options.columns, path)
    table = table.apply(lambda column: column.str.strip()).reindex(columns=list(wanted), fill_value="")
    told = Told()
    animals, species = [], Counter[str]()
    for row in table.itertuples(index=False):
        if not row.file:
            told.out["rows without a file"] += 1
        elif not options.species and counts_as(row.species, NO_ANIMALS):
            told.out[f"rows of {row.species}"] += 1
        elif not counts_as(row.species, options.species):
            told.out["rows of other species"] += 1
        else:
            species[row.species] += 1
            animals.append(_animal(row._asdict()))
    several_species(species, told)
    return catalogue_of(animals, options, path, root_of(options, path.parent), told)


def _animal(row: dict[str, str]) -> Animal:
    folder = row["relativepath"].replace("\\", "/").strip("/")
    time = row["datetime"] or f"{row['date']} {row['time']}".strip()
    return Animal(
        PurePosixPath(folder, row["file"]).as_posix(),
        identity=row["identity"],
        camera=row["camera"] or folder,
        date=_IN_WORDS.sub(_in_numbers, time),
    )


def _in_numbers(date: re.Match[str]) -> str:
    day, month, year = date.groups()
    known = month.casefold() in _MONTHS
    return f"{year}-{_MONTHS.index(month.casefold()) + 1:02d}-{int(day):02d}" if known else date[0]
