"""Writing the names of a run in one of the formats, each whole or not at all."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import pandas as pd

from aas_plugin.errors import AasError
from aas_plugin.exchange.camtrap_dp import new_package, undated, write_package
from aas_plugin.exchange.capture_history import capture_history, write_history
from aas_plugin.exchange.deployments import COLUMNS, check_deployments, deployment_of
from aas_plugin.exchange.descriptor import Said
from aas_plugin.exchange.encounters import encounters
from aas_plugin.exchange.folders import write_folders
from aas_plugin.exchange.formats import Format
from aas_plugin.exchange.gathering import Named
from aas_plugin.exchange.occasions import parse_length
from aas_plugin.exchange.placing import placed
from aas_plugin.exchange.refusing import refuse_missing, unclear_names, with_times
from aas_plugin.exchange.repackaging import named_package
from aas_plugin.exchange.table import names_table, write_names
from aas_plugin.exchange.wildbook import photo_names, sheet, write_photos, write_sheets
from aas_plugin.exchange.words import count, names_counted


@dataclass(frozen=True)
class Wishes:
    """What somebody said about an export.

    Attributes:
        said: what a Camtrap DP package needs; its species and time zone count for other formats, too.
        deployments: as `read_deployments` gives them.
        copy: whether photos are copied in the place of links.
        force: whether what is in the way is put aside.
        occasion: length of an occasion.
        location: `Encounter.locationID` for Wildbook.
        leave_out_undated: whether photos are left out where the format needs a time and there is none.
    """

    said: Said = field(default_factory=Said)
    deployments: pd.DataFrame | None = None
    copy: bool = False
    force: bool = False
    occasion: str = "1d"
    location: str | None = None
    leave_out_undated: bool = False


Write = Callable[[Named, Path, Wishes], list[str]]


def export(named: Named, output: Path, format: str, wishes: Wishes) -> list[str]:
    """Write a file or folder.

    Args:
        named: the photos and their names.
        output: the file or folder.
        format: one of `Format`.
        wishes: the rest.

    Returns:
        Sentences: what was written, and what a user has to know about it.

    Raises:
        AasError: something is there already, the format needs what nobody said, or the disk takes nothing.
    """
    if format not in get_args(Format):
        raise AasError(f"--format {format!r}: choose one of {', '.join(get_args(Format))}")
    return _WRITERS[format](named, output, wishes)


def _csv(named: Named, output: Path, wishes: Wishes) -> list[str]:
    if output.is_dir():
        raise AasError(f"{output} is a folder; give a FILE.csv in it, or another --format")
    with placed(output, wishes.force) as place:
        table, plain = names_table(named, output.absolute().parent)
        write_names(place, table)
    again = f"aas data show {shlex.quote(str(output))}"
    if not plain:
        again += f" --set {shlex.quote(f'dataset.root={named.root}')}"
    return [f"{output}: {names_counted(named.photos['individual'])}; look at it as a data set by: {again}"]


def _folders(named: Named, output: Path, wishes: Wishes) -> list[str]:
    refuse_missing([named.root / photo for photo in named.photos["photo"].unique()])
    with placed(output, wishes.force) as place:
        renamed = write_folders(place, named, wishes.copy)
    cut = int(named.photos["bbox"].notna().sum())
    told = [f"{output}: {names_counted(named.photos['individual'])}, {'copies' if wishes.copy else 'links'}"]
    if cut:
        told.append(f"{cut} of them are the part of a photo, cut out")
    if renamed:
        told.append(
            f"{count(len(renamed), 'name')} cannot be that of a folder: "
            + ", ".join(f"{name!r} is in {folder}" for name, folder in list(renamed.items())[:5])
        )
    return told


def _camtrap_dp(named: Named, output: Path, wishes: Wishes) -> list[str]:
    told: list[str] = []
    if named.package is not None:
        if wishes.deployments is not None:
            raise AasError("the photos came from a Camtrap DP package, which says its deployments; no --deployments")
        tables = named_package(named, wishes.said)
    else:
        named, told = with_times(named, wishes.leave_out_undated, undated(named.photos), "a time of day")
        tables = new_package(named, wishes.deployments, wishes.said)
    refuse_missing(list(tables.files.values()))
    with placed(output, wishes.force) as place:
        write_package(place, tables, wishes.copy)
    individuals = tables.observations["individualID"].replace("", pd.NA).dropna()
    return [
        f"{output}: {count(len(tables.deployments), 'deployment')}, {len(tables.media)} media, "
        f"{count(len(tables.observations), 'observation')}, {len(individuals)} of them of "
        f"{count(individuals.nunique(), 'individual')}",
        *told,
        *tables.told,
    ]


def _wildbook(named: Named, output: Path, wishes: Wishes) -> list[str]:
    if wishes.said.species is None:
        raise AasError('Wildbook needs the species; give it by --species "Panthera leo"')
    named, told = with_times(named, wishes.leave_out_undated, named.photos["taken"].isna(), "a year")
    deployments = _deployments(named, wishes)
    deployed, lost = _deployed(named, deployments)
    found = encounters(named, deployed, deployments, wishes.said.zone)
    is_file = output.suffix.lower() in (".csv", ".xlsx")
    if is_file:
        files = {
            path: Path(photo).name for path, photo in zip(named.photos["path"], named.photos["photo"], strict=True)
        }
        told += unclear_names(named, files)
    else:
        files = photo_names(named)
        refuse_missing([named.root / photo for photo in named.photos["photo"].unique()])
    table = sheet(found, files, wishes.said.species, wishes.location)
    with placed(output, wishes.force) as place:
        if is_file:
            sheets = write_sheets(place, table)
        else:
            place.mkdir()
            write_photos(place / "photos", named, files, wishes.copy)
            sheets = write_sheets(place / "encounters.csv", table)
    several = f" in {len(sheets)} sheets of at most 200" if len(sheets) > 1 else ""
    return [
        f"{output}: {count(len(found), 'encounter')}{several}, {names_counted(named.photos['individual'])}",
        "an encounter is the photos of one individual at one place on one day",
        *told,
        *lost,
    ]


def _capture_history(named: Named, output: Path, wishes: Wishes) -> list[str]:
    deployments = _deployments(named, wishes)
    deployed, lost = _deployed(named, deployments)
    found = capture_history(named, deployed, deployments, parse_length(wishes.occasion), wishes.said.zone)
    with placed(output, wishes.force) as place:
        write_history(place, found, named.name)
    usage = ", binary.usage = FALSE" if found.effort is not None else ""
    told = [
        f"{output}: {count(found.captures['individual'].nunique(), 'individual')}, "
        f"{count(len(found.occasions), 'occasion')}, {count(len(found.stations), 'station')}, "
        f"{count(len(found.captures), 'capture')}"
    ]
    if found.zone:
        told.append(f'read it in R by: secr::read.capthist("captures.txt", "traps.txt", detector = "proximity"{usage})')
    return [*told, *found.told, *lost]


_WRITERS: dict[str, Write] = {
    "csv": _csv,
    "folders": _folders,
    "camtrap-dp": _camtrap_dp,
    "wildbook": _wildbook,
    "capture-history": _capture_history,
}


def _deployments(named: Named, wishes: Wishes) -> pd.DataFrame | None:
    """Where cameras stood: as it was given, else as the package says; None where neither does."""
    if wishes.deployments is not None or named.package is None:
        return wishes.deployments
    table = named.package.deployments
    check_deployments(table, str(named.package.folder / "deployments.csv"))
    # A package has only the columns that its file has, of those that nothing here reads.
    return table.reindex(columns=[*COLUMNS, *table.columns.difference(COLUMNS, sort=False)], fill_value="")


def _deployed(named: Named, deployments: pd.DataFrame | None) -> tuple[pd.Series, list[str]]:
    if deployments is None:
        return pd.Series(pd.NA, index=named.photos.index, dtype="string"), []
    return deployment_of(named.photos, deployments)
