"""Writing the names of a run in one of the formats, each whole or not at all."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

import pandas as pd

from aas_plugin.data.catalogue import some_of
from aas_plugin.errors import AasError
from aas_plugin.exchange.camtrap_dp import new_package, undated, write_package
from aas_plugin.exchange.capture_history import capture_history, write_history
from aas_plugin.exchange.deployments import check_deployments, deployment_of
from aas_plugin.exchange.descriptor import DESIGNS, METHODS, Said
from aas_plugin.exchange.encounters import encounters
from aas_plugin.exchange.folders import counted, write_folders
from aas_plugin.exchange.formats import Format
from aas_plugin.exchange.gathering import Named
from aas_plugin.exchange.occasions import parse_length
from aas_plugin.exchange.placing import placed
from aas_plugin.exchange.repackaging import named_package
from aas_plugin.exchange.table import names_table, write_names
from aas_plugin.exchange.times import parse_moment
from aas_plugin.exchange.wildbook import photo_names, sheet, write_photos, write_sheets


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


def check_said(said: Said) -> Said:
    """What somebody said, checked against the words of Camtrap DP.

    Raises:
        AasError: a word is none of its.
    """
    if said.design is not None and said.design not in DESIGNS:
        raise AasError(f"--sampling-design {said.design!r}: choose one of {', '.join(DESIGNS)}")
    wrong = [method for method in said.methods if method not in METHODS]
    if wrong:
        raise AasError(f"--capture-method {wrong[0]!r}: choose {' or '.join(METHODS)}, or give both")
    return said


def _csv(named: Named, output: Path, wishes: Wishes) -> list[str]:
    if output.is_dir():
        raise AasError(f"{output} is a folder; give a FILE.csv in it, or another --format")
    with placed(output, wishes.force) as place:
        table, plain = names_table(named, output.absolute().parent)
        write_names(place, table)
    again = f"aas data show {shlex.quote(str(output))}"
    if not plain:
        again += f" --set {shlex.quote(f'dataset.root={named.root}')}"
    return [f"{output}: {counted(named.photos['individual'])}; look at it as a data set by: {again}"]


def _folders(named: Named, output: Path, wishes: Wishes) -> list[str]:
    with placed(output, wishes.force) as place:
        renamed = write_folders(place, named, wishes.copy)
    cut = int(named.photos["bbox"].notna().sum())
    told = [f"{output}: {counted(named.photos['individual'])}, {'copies' if wishes.copy else 'links'}"]
    if cut:
        told.append(f"{cut} of them are the part of a photo, cut out")
    if renamed:
        told.append(
            f"{len(renamed)} names cannot be those of folders: "
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
        named, told = _with_times(named, wishes, undated(named.photos), "a time of day")
        tables = new_package(named, wishes.deployments, wishes.said)
    _refuse_missing(list(tables.files.values()))
    with placed(output, wishes.force) as place:
        write_package(place, tables, wishes.copy)
    individuals = tables.observations["individualID"].replace("", pd.NA).dropna()
    return [
        f"{output}: {len(tables.deployments)} deployments, {len(tables.media)} media, {len(tables.observations)} "
        f"observations, {len(individuals)} of them of {individuals.nunique()} individuals",
        *told,
        *tables.told,
    ]


def _wildbook(named: Named, output: Path, wishes: Wishes) -> list[str]:
    if wishes.said.species is None:
        raise AasError('Wildbook needs the species; give it by --species "Panthera leo"')
    no_year = pd.Series([pd.isna(date) or parse_moment(date) is None for date in named.photos["date"]])
    named, told = _with_times(named, wishes, no_year, "a year")
    deployments = _deployments(named, wishes)
    deployed, lost = _deployed(named, deployments)
    found = encounters(named, deployed, deployments, wishes.said.zone)
    is_file = output.suffix.lower() in (".csv", ".xlsx")
    if is_file:
        files = {
            path: Path(photo).name for path, photo in zip(named.photos["path"], named.photos["photo"], strict=True)
        }
        told += _unclear_names(named, files)
    else:
        files = photo_names(named)
        _refuse_missing([named.root / photo for photo in named.photos["photo"].unique()])
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
        f"{output}: {len(found)} encounters{several}, {counted(named.photos['individual'])}; an encounter is the "
        "photos of one individual at one place on one day",
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
        f"{output}: {found.captures['individual'].nunique()} individuals, {len(found.occasions)} occasions, "
        f"{len(found.stations)} stations, {len(found.captures)} captures"
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
    return table if "locationName" in table else table.assign(locationName="")


def _deployed(named: Named, deployments: pd.DataFrame | None) -> tuple[pd.Series, list[str]]:
    if deployments is None:
        return pd.Series(pd.NA, index=named.photos.index, dtype="string"), []
    return deployment_of(named.photos, deployments)


def _with_times(named: Named, wishes: Wishes, without: pd.Series, what: str) -> tuple[Named, list[str]]:
    """The photos that have a time, and a sentence about those that are left out.

    Raises:
        AasError: some have none and were not to be left out, or all have none.
    """
    lacks = without.to_numpy(dtype=bool)
    if not lacks.any():
        return named, []
    lost = named.photos["photo"][lacks].unique()
    if not wishes.leave_out_undated or lacks.all():
        way_out = "" if lacks.all() else ", or leave them out by --leave-out-undated"
        raise AasError(
            f"{int(lacks.sum())} of {len(lacks)} photos have no date with {what} ({some_of(lost)}), which the format "
            f"needs; give it in a column 'date' of the data set's table, such as 2024-05-31 17:04:00{way_out}"
        )
    kept = replace(named, photos=named.photos[~lacks].reset_index(drop=True))
    return kept, [f"{int(lacks.sum())} photos without {what} are left out: {some_of(lost)}"]


def _unclear_names(named: Named, files: dict[str, str]) -> list[str]:
    """Warn of names of files that Wildbook changes, or takes for each other."""
    names = pd.Series(list(files.values()), dtype="string")
    once = named.photos.drop_duplicates("photo")["photo"].map(os.path.basename)
    odd = names[~names.str.fullmatch(r"[A-Za-z0-9. ]+")].unique()
    double = once[once.duplicated()].unique()
    told = []
    if len(odd):
        told.append(f"Wildbook removes characters from names of files such as {some_of(odd[:2])}")
    if len(double):
        told.append(f"several photos are called {some_of(double[:2])}, which Wildbook takes for each other")
    if named.photos["bbox"].notna().any():
        told.append("parts of photos are listed as whole ones, so that a photo may be in several encounters")
    if told:
        told.append("give a folder as -o, which gets the photos under names that will do, parts cut out")
    return told


def _refuse_missing(files: Sequence[Path]) -> None:
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        raise AasError(
            f"{len(missing)} photos are not there: {some_of(missing)}; restore them, or say where they lie by --photos "
            "FOLDER"
        )
