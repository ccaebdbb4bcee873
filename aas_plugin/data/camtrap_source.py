"""`camtrap-dp`: the animals of a Camtrap DP package."""

from __future__ import annotations

import mimetypes
from collections import Counter, defaultdict
from collections.abc import Collection
from pathlib import Path

import pandas as pd
from pydantic import Field, field_validator

from aas_plugin.data.animals import Animal, Progress, TrapOptions, catalogue_of, names_of, root_of
from aas_plugin.data.boxes import Box
from aas_plugin.data.camtrap_dp import Package, files_of, is_url, read_package
from aas_plugin.data.camtrap_events import Seen, animals_of_events
from aas_plugin.data.catalogue import Catalogue, some_of
from aas_plugin.data.detections import box_of
from aas_plugin.data.formats import is_image
from aas_plugin.data.told import Told, counts_as, several_species
from aas_plugin.data.zones import tell_zones
from aas_plugin.errors import AasError

_BOX = ("bboxX", "bboxY", "bboxWidth", "bboxHeight")


class CamtrapOptions(TrapOptions):
    """Options of `camtrap-dp`."""

    confidence: float = Field(0.0, ge=0, le=1, description="least classificationProbability, where there is one")
    types: tuple[str, ...] = Field(("animal",), description="values of observationType that count")

    @field_validator("types", mode="before")
    @classmethod
    def _some_types(cls, value: object) -> object:
        return names_of(value)


def camtrap_dp(options: CamtrapOptions, progress: Progress | None = None) -> Catalogue:
    """Read the animals of a package: each box is an image of its own, what has none is a whole photo.

    Observations of media come first. Those of events are said of the event's photos that have none of their own: the
    photos that share its `eventID`, else those of its deployment from `eventStart` to `eventEnd`. The individual of an
    event's only animal is that of a photo's only animal, where that has no `individualID`. The camera is a deployment's
    `locationID`, else the deployment itself. Observations of other types or species, and photos without an animal, are
    left out, with a warning that counts them. Rows are in the order of the media.

    Args:
        options: where it is, and what counts.
        progress: called with (photos whose size was read, all) after each.

    Raises:
        AasError: it is no whole package, all its photos are on the web, or `catalogue_of` rejects it.
    """
    package = read_package(options.path)
    root = root_of(options, package.folder)
    told = Told()
    of_media, of_events, spoken_of = _observations(package, options, told)
    seen = _seen(package.media, of_media, of_events, spoken_of, told)
    several_species(Counter(one.species for one in seen), told)
    files = _files(package, root, {one.medium for one in seen})
    media = package.media.set_index("mediaID")
    with_animal = {one.medium for one in seen}
    pictures = [
        key for key, kind, path in zip(media.index, media["fileMediatype"], media["filePath"], strict=True)
        if kind.startswith("image") or is_image(path)
    ]  # fmt: skip
    told.out["photos without an animal"] += sum(key not in with_animal for key in pictures)
    nowhere = [one for one in seen if not files[one.medium]]
    told.out["observations of media without a filePath"] += len(nowhere)
    cameras = _cameras(package, told)
    deployments, times = media["deploymentID"].to_dict(), media["timestamp"].to_dict()
    animals = [
        Animal(
            files[one.medium],
            one.box,
            identity=one.individual,
            camera=cameras.get(deployments[one.medium], deployments[one.medium]),
            date=times[one.medium],
            image_id=one.medium,
        )
        for one in seen
        if files[one.medium]
    ]
    tell_zones([times[key] for key in dict.fromkeys(one.medium for one in seen)], told)
    return catalogue_of(
        animals, options, package.folder, root, told, progress, _of_missing(package, files, root, with_animal)
    )


def _observations(
    package: Package, options: CamtrapOptions, told: Told
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, set[str]]]:
    """Observations that count, of media and of events, and the media that any is of, with the events of these."""
    table = package.observations
    level = table["observationLevel"].str.casefold()
    level = level.mask(level == "", (table["mediaID"] != "").map({True: "media", False: "event"}))
    spoken_of: dict[str, set[str]] = defaultdict(set)
    for medium, event in table.loc[level == "media", ["mediaID", "eventID"]].itertuples(index=False):
        spoken_of[medium].add(event)
    why = pd.Series("", index=table.index)
    for kind in table["observationType"].unique():
        if not counts_as(kind, options.types):
            why[table["observationType"] == kind] = f"observations of the type {kind or '(blank)'}"
    other = ~table["scientificName"].map(lambda name: counts_as(name, options.species)).astype(bool)
    why = why.mask((why == "") & other, "observations of other species")
    unsure = pd.to_numeric(table["classificationProbability"], errors="coerce") < options.confidence
    why = why.mask((why == "") & unsure, f"observations below confidence {options.confidence:g}")
    unlisted = (level == "media") & ~table["mediaID"].isin(package.media["mediaID"])
    why = why.mask((why == "") & unlisted, "observations of media that are not listed")
    told.out.update(why[why != ""])
    counts = why == ""
    return table[counts & (level == "media")], table[counts & (level != "media")], spoken_of


def _seen(
    media: pd.DataFrame, of_media: pd.DataFrame, of_events: pd.DataFrame, spoken_of: dict[str, set[str]], told: Told
) -> list[Seen]:
    """All animals, in the order of the media."""
    found: dict[str, list[Seen]] = {key: [] for key in media["mediaID"]}
    boxes: dict[str, set[Box | None]] = defaultdict(set)
    columns = ["mediaID", "individualID", "scientificName", "count", *_BOX]
    for medium, individual, species, count, *numbers in of_media[columns].itertuples(index=False):
        box = box_of(numbers, shares=True) if any(numbers) else None
        if any(numbers) and box is None:
            told.out["observations whose box is none"] += 1
            told.example("observations whose box is none", f"{', '.join(numbers)} of {medium}")
            continue
        found[medium].append(Seen(medium, box, individual, species, count))
        boxes[medium].add(box)
    of_event: dict[str, list[Seen]] = defaultdict(list)
    for one in animals_of_events(media, of_events, spoken_of, told):
        of_event[one.medium].append(one)
    whole = named = 0
    for medium, several in of_event.items():
        names = {one.individual for one in several}
        if medium not in spoken_of:
            # Where one of several animals has no name, nobody knows which of them is on a photo.
            told_names = {""} if "" in names else names
            found[medium] += [several[0]._replace(individual=name) for name in sorted(told_names)]
            whole += 1
            continue
        alone = len(boxes[medium] - {None} or boxes[medium]) == 1 and not any(one.individual for one in found[medium])
        if alone and len(names) == 1 and "" not in names:
            found[medium] = [one._replace(individual=several[0].individual) for one in found[medium]]
            named += 1
    if whole:
        told.notes.append(f"{whole} photos are taken since their event has an animal, which may not be on each of them")
    if named:
        told.notes.append(f"{named} photos have the individual of their event")
    crowds = {
        one.medium
        for several in found.values()
        for one in several
        if one.box is None and one.number not in ("", "0", "1") and not boxes[one.medium] - {None}
    }
    if crowds:
        told.notes.append(f"{len(crowds)} photos show several animals without a box for each, and are one row each")
    return [one for several in found.values() for one in several]


def _files(package: Package, root: Path, wanted: Collection[str]) -> dict[str, str]:
    """The photo of each medium, relative to the root; of one on the web, where it would be looked for.

    Raises:
        AasError: all that are wanted are on the web.
    """
    media = package.media
    files = dict(zip(media["mediaID"], files_of(package, root), strict=True))
    web = [key for key in files if key in wanted and is_url(files[key])]
    if web and len(web) == len(wanted):
        raise AasError(
            f"the {len(web)} photos of Camtrap DP package {package.folder} are on the web (the first is "
            f"{files[web[0]]}); save each as DEPLOYMENTID/FILENAME in a folder, and say --set dataset.root=FOLDER"
        )
    facts = media.set_index("mediaID")[["deploymentID", "fileName", "fileMediatype"]]
    for key, deployment, name, kind in facts.loc[web].itertuples():
        files[key] = f"{deployment}/{name or key + (mimetypes.guess_extension(kind) or '.jpg')}"
    return files


def _of_missing(package: Package, files: dict[str, str], root: Path, wanted: Collection[str]) -> str:
    """What is known of photos that are not there."""
    media = package.media
    gone = [key in wanted and files[key] != "" and not (root / files[key]).is_file() for key in media["mediaID"]]
    web = sum(media["filePath"][gone].map(is_url))
    private = sum(media["filePublic"][gone].str.casefold() == "false")
    told = [f"{web} photos are on the web: save each as DEPLOYMENTID/FILENAME below {root}"] if web else []
    told += (
        [f"{private} photos are private (filePublic is false): ask who holds the package for them"] if private else []
    )
    return "".join(f" {one}." for one in told)


def _cameras(package: Package, told: Told) -> dict[str, str]:
    """The place of each deployment, else its own name."""
    deployments = package.deployments
    unknown = set(package.media["deploymentID"]) - set(deployments["deploymentID"]) - {""}
    if unknown:
        told.notes.append(f"deployments.csv lacks {some_of(sorted(unknown))}, and photos of it are of that camera")
    named = deployments["locationID"].mask(deployments["locationID"] == "", deployments["deploymentID"])
    return dict(zip(deployments["deploymentID"], named, strict=True))
