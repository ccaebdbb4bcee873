"""Camtrap DP packages as they lie on disk: their tables, and the files that their media are."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from aas_plugin.data.boxes import cut_fragment
from aas_plugin.data.catalogue import some_of
from aas_plugin.data.json_file import read_json
from aas_plugin.data.listed_files import find_files, matched_files
from aas_plugin.data.tables import read_cells
from aas_plugin.errors import AasError

DESCRIPTOR = "datapackage.json"
TABLES: dict[str, tuple[str, ...]] = {
    "deployments": ("deploymentID", "locationID", "latitude", "longitude", "deploymentStart", "deploymentEnd"),
    "media": ("mediaID", "deploymentID", "timestamp", "filePath", "filePublic", "fileName", "fileMediatype", "eventID"),
    "observations": (
        "observationID", "deploymentID", "mediaID", "eventID", "eventStart", "eventEnd", "observationLevel",
        "observationType", "scientificName", "count", "individualID", "bboxX", "bboxY", "bboxWidth", "bboxHeight",
        "classificationMethod", "classifiedBy", "classificationProbability",
    ),
}  # fmt: skip
"""Columns that a package's tables always have once they are read, blank where they are not in the file."""

_NEEDED = {
    "deployments": ("deploymentID",),
    "media": ("mediaID", "deploymentID", "filePath"),
    "observations": ("observationType",),
}
_KEYS = {"deployments": "deploymentID", "media": "mediaID"}
# In versions before 1.0.
_FORMER = {"sequenceID": "eventID"}


@dataclass(frozen=True, eq=False)
class Package:
    """A Camtrap DP package; cells of its tables are stripped strings, blank where nothing is known.

    Attributes:
        folder: that it lies in.
        descriptor: what `datapackage.json` says.
        deployments: a row each, with at least the columns of `TABLES`, and all others of its file behind them.
        media: likewise.
        observations: likewise.
    """

    folder: Path
    descriptor: dict[str, Any]
    deployments: pd.DataFrame
    media: pd.DataFrame
    observations: pd.DataFrame


def is_package(path: Path) -> bool:
    """Whether a folder, or its file `datapackage.json`, is a package of camera traps, whole or not."""
    place = path if path.name == DESCRIPTOR else path / DESCRIPTOR
    # Other data packages have no deployments.
    return place.is_file() and (b"deployments" in place.read_bytes() or place.with_name("deployments.csv").is_file())


def read_package(path: Path) -> Package:
    """Read the tables of a package, as Camtrap DP 1.0 has them, or of its versions before.

    Args:
        path: its folder, or its `datapackage.json`.

    Raises:
        AasError: it is none, a table is missing, cannot be read or lacks a column that is needed, or two deployments
            or two media have one id.
    """
    given = path.expanduser().resolve()
    folder = given.parent if given.name == DESCRIPTOR else given
    if not (folder / DESCRIPTOR).is_file():
        packed = given.suffix.lower() == ".zip" and given.is_file()
        way_out = "unpack it, and give the folder" if packed else f"give the folder that has the package's {DESCRIPTOR}"
        raise AasError(f"{path} is no folder with a {DESCRIPTOR}; {way_out}")
    descriptor = read_json(folder / DESCRIPTOR)
    if not isinstance(descriptor, dict):
        raise AasError(f"{folder / DESCRIPTOR} is a list; the description of a data package is needed there")
    tables = {name: _table(folder, descriptor, name) for name in TABLES}
    return Package(folder, descriptor, **tables)


def files_of(package: Package, root: Path | None = None) -> list[str]:
    """Where each of a package's media lies, in its order, relative to the root, posix.

    A path that is written otherwise than the file is matched with it: see `matched_files`. What is on the web, as
    `filePath` says, is looked for by `fileName`, in a folder named after its deployment where there is one, else
    wherever one file alone is called so, and by its `mediaID` likewise. What is not there stays as it is written.

    Args:
        package: whose media.
        root: folder that paths are relative to; without, the package's own.
    """
    place = package.folder if root is None else root.expanduser().resolve()
    written = package.media["filePath"].to_list()
    # Of a path that begins with "./" the rest is its name.
    found = [PurePosixPath(path).as_posix() if path and not is_url(path) else path for path in written]
    local = [row for row, path in enumerate(found) if path and not is_url(path)]
    for row, path in zip(local, matched_files(place, [found[row] for row in local]), strict=True):
        found[row] = path
    if len(local) < len(found):
        taken_home = _taken_home(package, place)
        found = [taken_home(row) or path if is_url(path) else path for row, path in enumerate(found)]
    return found


def media_of(paths: Sequence[str], package: Package, root: Path | None = None) -> pd.DataFrame:
    """Which media the images of a catalogue are.

    Args:
        paths: n paths of a catalogue that was made of this package, also of parts of photos.
        package: the package.
        root: folder that the paths are relative to, if it is not the package's.

    Returns:
        n rows under a RangeIndex with the string columns `mediaID`, `deploymentID` and `timestamp`, NA where a path is
        none of the package's media.
    """
    columns = ["mediaID", "deploymentID", "timestamp"]
    named = package.media[columns].set_axis(files_of(package, root))
    named = named[~named.index.duplicated()]
    photos = [cut_fragment(path)[0] for path in paths]
    return named.reindex(photos).astype("string").reset_index(drop=True)


def is_url(path: str) -> bool:
    """Whether a `filePath` names something on the web."""
    return "://" in path and not path.startswith("file:")


def _taken_home(package: Package, root: Path) -> Callable[[int], str]:
    """A function of media rows: the file below the root that a row's photo on the web was saved as, blank for none."""
    named: dict[str, list[str]] = defaultdict(list)
    for file in sorted(find_files(root)):
        named[file.name.casefold()].append(file.as_posix())
        named[file.stem.casefold()].append(file.as_posix())
    media = package.media
    names = list(zip(media["deploymentID"], media["fileName"], media["mediaID"], strict=True))
    several = {name for name, count in media["fileName"].value_counts().items() if count > 1}

    def find(row: int) -> str:
        deployment, name, own = names[row]
        for looked_for in filter(None, (name, own)):
            found = named.get(looked_for.casefold(), [])
            below = [file for file in found if deployment and deployment in PurePosixPath(file).parts[:-1]]
            # Cameras number their photos alike, so that a name alone says little where several have it.
            fitting = below if below or (looked_for == name and name in several) else found
            if len(fitting) == 1:
                return fitting[0]
        return ""

    return find


def _table(folder: Path, descriptor: dict[str, Any], name: str) -> pd.DataFrame:
    place = folder / _place(descriptor, name)
    if not place.is_file():
        raise AasError(f"Camtrap DP package {folder} has no {place.name}; restore it, or correct the resource {name!r}")
    cells = read_cells(place)
    cells.columns = [_FORMER.get(header, header) for header in cells.columns.str.strip()]
    twice = cells.columns[cells.columns.duplicated()].unique()
    if len(twice):
        raise AasError(f"{place} has columns more than once: {some_of(twice)}; keep one of each")
    absent = [column for column in _NEEDED[name] if column not in cells]
    if absent:
        raise AasError(f"{place} has no column {some_of(absent)} but {some_of(cells.columns)}; Camtrap DP needs it")
    # Python and R write nothing so; a deployment may be called NA.
    cells = cells.apply(lambda column: column.str.strip()).replace({"NaN": "", "nan": ""})
    others = cells.columns != "deploymentID"
    cells.loc[:, others] = cells.loc[:, others].replace("NA", "")
    cells = cells.reindex(columns=[*TABLES[name], *cells.columns.difference(TABLES[name], sort=False)], fill_value="")
    key = _KEYS.get(name)
    if key is not None:
        blank = (cells[key] == "").to_numpy().nonzero()[0]
        if len(blank):
            raise AasError(f"{place} has no {key} in row {some_of(str(row + 1) for row in blank)}; fill it in")
        double = cells[key][cells[key].duplicated()].unique()
        if len(double):
            raise AasError(f"{place} has more than one row of the {key} {some_of(double)}; give each an id of its own")
    return cells


def _place(descriptor: dict[str, Any], name: str) -> str:
    """The path of a table, as the package's resource says, else by its usual name.

    Raises:
        AasError: the resource is no single file below the folder.
    """
    resources = descriptor.get("resources")
    listed = resources if isinstance(resources, list) else []
    resource = next((one for one in listed if isinstance(one, dict) and one.get("name") == name), {})
    path = resource.get("path", f"{name}.csv")
    if isinstance(path, list) and len(path) == 1:
        path = path[0]
    if not isinstance(path, str) or is_url(path) or os.path.isabs(path) or ".." in PurePosixPath(path).parts:
        raise AasError(
            f"the resource {name!r} of the Camtrap DP package is {path!r}; save it as one CSV file beside "
            f"{DESCRIPTOR}, and name that one"
        )
    return path
