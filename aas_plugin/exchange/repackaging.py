"""A Camtrap DP package that came in, with the individuals on its photos: all else stays as it was."""

from __future__ import annotations

import copy
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from aas_plugin.data.boxes import split_box
from aas_plugin.data.camtrap_dp import Package, files_of, is_url, media_of
from aas_plugin.data.catalogue import some_of
from aas_plugin.errors import AasError
from aas_plugin.exchange.camtrap_dp import MEDIA, Tables, is_safe, mediatype, paths_inside, upright_size
from aas_plugin.exchange.deployments import COLUMNS as DEPLOYMENTS
from aas_plugin.exchange.descriptor import BASE, TABLES, VERSION, Said, resource, with_species
from aas_plugin.exchange.gathering import Named
from aas_plugin.exchange.matching import Events, matching_row, own_rows, species_of
from aas_plugin.exchange.observations import COLUMNS as OBSERVATIONS
from aas_plugin.exchange.observations import MACHINE, classification, new_observations
from aas_plugin.exchange.times import in_zone, iso, parse_moment
from aas_plugin.exchange.words import count

_PROFILE = re.compile(r"camtrap-dp/(1\.0(?:\.\d+)?)/camtrap-dp-profile\.json$")
_CLASSIFIED = ("classificationMethod", "classifiedBy", "classificationTimestamp", "classificationProbability")
_TIMES = {
    "deployments": ("deploymentStart", "deploymentEnd"),
    "media": ("timestamp",),
    "observations": ("eventStart", "eventEnd", "classificationTimestamp"),
}


def named_package(named: Named, said: Said) -> Tables:
    """Write names into the observations of the package that photos came from.

    The observation of an image is the one of its box, or of no box for a whole photo, and gets its `individualID` and
    who classified it most recently; the others stay. An image without an observation of its own gets a new one, of the
    only species that the package's observations of the same medium, event or deployment and time name, or else of the
    one given. Who classified an observation before is kept in its comments. One that has the name already, about which
    nobody answered, stays as it is.

    Args:
        named: the photos and their names.
        said: species and time zone, where the package says none.

    Raises:
        AasError: the package is of another version than 1.0, photos are none of its media, or a species or the zone of
            times is needed and not known.
    """
    package = named.package
    assert package is not None
    descriptor = _checked(package)
    told: list[str] = []
    tables = {
        name: _columns(getattr(package, name), columns, name, told)
        for name, columns in zip(TABLES, (DEPLOYMENTS, MEDIA, OBSERVATIONS), strict=True)
    }
    _add_zones(tables, said.zone, package)
    media = tables["media"]
    blank = media["fileMediatype"] == ""
    media.loc[blank, "fileMediatype"] = [mediatype(path) for path in media["filePath"][blank]]
    paths = named.photos["path"].to_list()
    ids = media_of(paths, package, named.root)["mediaID"]
    if ids.isna().any():
        lost = [path for path, one in zip(paths, ids, strict=True) if pd.isna(one)]
        raise AasError(f"{some_of(lost)} are none of the media of the package {package.folder}; has it changed since?")
    size = _size(named.root)
    rows = tables["observations"].to_dict("records")
    events = Events(rows)
    known = {one["mediaID"]: one for one in media.to_dict("records")}
    of = [{**known[one], "eventID": events.event(known[one])} for one in ids]
    by_medium: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        by_medium[row["mediaID"]].append(place)
    photos = named.photos.to_dict("records")
    new = []
    for place, (path, one) in enumerate(zip(paths, ids, strict=True)):
        row = matching_row(own_rows(path, by_medium[one], rows, size), rows, said.species)
        if row is None:
            new.append(place)
        else:
            _name(rows[row], photos[place], named.named_at)
    observations = pd.DataFrame(rows, columns=list(OBSERVATIONS), dtype=str)
    if new:
        media_of_new = [of[place] for place in new]
        species = species_of([paths[place] for place in new], media_of_new, events, said.species)
        part = replace(named, photos=named.photos.iloc[new])
        made = new_observations(part, pd.DataFrame(media_of_new), species, size)
        taken = set(observations["observationID"])
        made["observationID"] = [_free(one, taken) for one in made["observationID"]]
        observations = pd.concat([observations, made], ignore_index=True)
        told.append(f"new: {count(len(new), 'observation')} of images of which the package had none")
    _describe(descriptor, observations)
    files = _files(package, media, named.root, told)
    return Tables(descriptor, tables["deployments"], media, observations, files, told)


def _checked(package: Package) -> dict[str, Any]:
    """A copy of the package's description, as one of the version that is written.

    Raises:
        AasError: it is of another version.
    """
    profile = str(package.descriptor.get("profile"))
    if not _PROFILE.search(profile):
        raise AasError(
            f"the package {package.folder} is of the profile {profile!r}, and only Camtrap DP 1.0, 1.0.1 and 1.0.2 are "
            "written; bring it to 1.0, or export to another --format"
        )
    found = copy.deepcopy(package.descriptor)
    # The tables of 1.0, 1.0.1 and 1.0.2 have the same columns.
    found["profile"] = f"{BASE}/camtrap-dp-profile.json"
    others = [one for one in found.get("resources", []) if isinstance(one, dict) and one.get("name") not in TABLES]
    found["resources"] = [*(resource(name, f"{BASE}/{name}-table-schema.json") for name in TABLES), *others]
    return found


def _columns(table: pd.DataFrame, columns: Sequence[str], name: str, told: list[str]) -> pd.DataFrame:
    """A table with the columns of the format in their order; others are left out, and told where they say anything."""
    others = [column for column in table if column not in columns and (table[column] != "").any()]
    if others:
        told.append(f"{some_of(others)} of {name} are no columns of Camtrap DP {VERSION} and are left out")
    return table.reindex(columns=list(columns), fill_value="")


def _add_zones(tables: Mapping[str, pd.DataFrame], zone: tzinfo | None, package: Package) -> None:
    """Add the zone to times that have none, in place.

    Raises:
        AasError: there are such times, and no zone is given.
    """
    for name, columns in _TIMES.items():
        for column in columns:
            cells = tables[name][column]
            moments = [parse_moment(cell) if cell else None for cell in cells]
            bare = [one is not None and one.time is not None and one.time.tzinfo is None for one in moments]
            if not any(bare):
                continue
            if zone is None:
                raise AasError(
                    f"the package {package.folder} has {sum(bare)} times without a zone ({name}, {column}, such as "
                    f"{cells[bare].iloc[0]!r}); give it by --timezone Africa/Maputo, or +02:00"
                )
            stamps = [in_zone(one, zone) if lacks else None for one, lacks in zip(moments, bare, strict=True)]
            tables[name][column] = [
                cell if stamp is None else iso(stamp) for cell, stamp in zip(cells, stamps, strict=True)
            ]


def _name(row: dict[Hashable, Any], photo: dict[Hashable, Any], named_at: str) -> None:
    """Write an image's name into its observation, in place; who classified it before goes into its comments."""
    if pd.isna(photo["individual"]) or (row["individualID"] == photo["individual"] and photo["answers"] == 0):
        return
    before = [row[column] for column in _CLASSIFIED if row[column]]
    if before and row["classifiedBy"] != MACHINE:
        told = f"classified before: {', '.join(before)}"
        if told not in row["observationComments"]:
            row["observationComments"] = " | ".join(filter(None, [row["observationComments"], told]))
    row.update({**dict.fromkeys(_CLASSIFIED, ""), **classification(photo, named_at)})


def _free(name: str, taken: set[str]) -> str:
    """A name that is not taken, which takes it."""
    found, number = name, 2
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    taken.add(found)
    return found


def _describe(descriptor: dict[str, Any], observations: pd.DataFrame) -> None:
    """Bring a description level with its observations, in place."""
    descriptor["created"] = iso(datetime.now(UTC))
    project = descriptor.get("project")
    if isinstance(project, dict):
        project["individualAnimals"] = True
        levels = project.get("observationLevel")
        listed = levels if isinstance(levels, list) else []
        project["observationLevel"] = [*listed, *({"media"} - set(listed))]
    taxa = descriptor.get("taxonomic")
    names = observations["scientificName"].unique()
    descriptor["taxonomic"] = with_species(taxa if isinstance(taxa, list) else [], list(names))


def _files(package: Package, media: pd.DataFrame, root: Path, told: list[str]) -> dict[str, Path]:
    """The files of media that are here, by their path in the new package, and those of other resources.

    A `filePath` that the format does not allow, or that lies outside, becomes one inside, in place.
    """
    wished: dict[str, str] = {}
    rows: dict[int, str] = {}
    missing = []
    for row, (path, file) in enumerate(zip(package.media["filePath"], files_of(package, root), strict=True)):
        if is_url(file):
            continue
        if (root / file).is_file():
            own = path.removeprefix("./")
            wished.setdefault(file, own if is_safe(own) and not is_url(path) else file)
            if not is_url(path):
                rows[row] = file
        else:
            missing.append(path)
    inside = paths_inside(wished)
    written = media["filePath"].to_list()
    for row, file in rows.items():
        written[row] = inside[file]
    changed = [path for path, new in zip(media["filePath"], written, strict=True) if path.removeprefix("./") != new]
    media["filePath"] = written
    if changed:
        told.append(f"not allowed by the format, and written otherwise: {len(changed)} filePath, {some_of(changed)}")
    if missing:
        told.append(f"not there, and only named: {len(missing)} media, {some_of(missing)}")
    found = {inside[file]: root / file for file in wished}
    for one in package.descriptor.get("resources", []):
        if isinstance(one, dict) and one.get("name") not in TABLES:
            listed = one.get("path", [])
            for path in map(str, listed if isinstance(listed, list) else [listed]):
                if is_url(path) or not (package.folder / path).is_file():
                    continue
                if is_safe(path):
                    found[path] = package.folder / path
                else:
                    told.append(f"outside of the package, and only named: {path!r} of the resource {one.get('name')!r}")
    return found


def _size(root: Path) -> Callable[[str], tuple[int, int]]:
    # A photo is asked about once for each animal on it.
    of_file = cache(upright_size)
    return lambda path: of_file(root / split_box(path)[0])
