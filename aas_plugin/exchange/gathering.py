"""What is exported of a run: each photo's name, and what else is known of the photo."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from PIL import Image

from aas_plugin.annotator.photo_facts import exif_facts
from aas_plugin.constraints.answers import SET_ASIDE, AnswerLog
from aas_plugin.data.boxes import box_in_words, split_box
from aas_plugin.data.camtrap_dp import Package, media_of
from aas_plugin.data.catalogue import Catalogue
from aas_plugin.exchange.times import iso, readable
from aas_plugin.exchange.words import count
from aas_plugin.runs.facts import read_facts
from aas_plugin.runs.status import read_status

FACTS = ("date", "camera", "orientation")
_DETAILS, _OFFSET = 0x8769, 0x9011
OF_LABELS = "oracle:"
"""How the name of an annotator begins that is no person."""


@dataclass(frozen=True, eq=False)
class Named:
    """The photos of a run, and their names.

    Attributes:
        name: of the data set.
        root: folder that paths are relative to.
        photos: one row per image under a RangeIndex: `path`, `individual` (NA where it is left blank), `confidence`,
            `answers`, `nearest`, `nearest_probability`; `photo` (the file, relative to the root), `bbox` (NA for a
            whole photo), `date`, `camera` and `orientation` (NA where unknown), `taken` (the date as `parse_moment`
            reads it, or NA), `place` ("latitude, longitude" as the
            camera wrote it down, or NA), `known` (the name in the data set itself, or NA), `deployment` (that of the
            package it came from, or NA), `people` and `told` (who answered about it, and when last, ISO 8601; NA
            where nobody did).
        package: the Camtrap DP package that the data set came from; None for any other.
        searched: whether all photos below the root are the data set's, whoever puts them there.
        named_at: when the run's labels were made, ISO 8601 in UTC.
    """

    name: str
    root: Path
    photos: pd.DataFrame
    package: Package | None
    named_at: str
    searched: bool = False


def gather(
    folder: Path,
    individuals: pd.DataFrame,
    root: Path,
    catalogue: Catalogue | None = None,
    package: Package | None = None,
    searched: bool = False,
) -> Named:
    """Put together what is known of each photo that a run named.

    Dates come from the data set, else from the camera's own note in the file. A camera's model is no place, so that
    `camera` is only what the data set says.

    Args:
        folder: of the run.
        individuals: what `individuals_of` gives.
        root: folder that paths are relative to.
        catalogue: the run's, where it can be read.
        package: that the data set came from.
        searched: see `Named`.

    Raises:
        AasError: the answers cannot be read.
    """
    photos = individuals.reset_index(drop=True).copy()
    paths = photos["path"].to_list()
    split = [split_box(path) for path in paths]
    photos["photo"] = pd.array([file.as_posix() for file, _ in split], dtype="string")
    photos["bbox"] = pd.array([box_in_words(path) for path in paths], dtype="string")
    facts = {path: dict(told) for path, told in read_facts(folder).items()}
    for column in FACTS:
        kept = pd.Series([facts.get(path, {}).get(column, pd.NA) for path in paths], dtype="string")
        photos[column] = kept if catalogue is None else kept.fillna(_of(catalogue, paths, column))
    photos["known"] = pd.Series(pd.NA, index=photos.index, dtype="string")
    if catalogue is not None:
        photos["known"] = _of(catalogue, paths, "identity")
    photos["deployment"] = pd.Series(pd.NA, index=photos.index, dtype="string")
    if package is not None:
        of_media = media_of(paths, package, root)
        photos["deployment"] = of_media["deploymentID"].mask(of_media["deploymentID"] == "")
        photos["date"] = of_media["timestamp"].mask(of_media["timestamp"] == "").fillna(photos["date"])
    seen = {photo: _exif(root / photo) for photo in photos["photo"].unique()}
    for column in ("date", "place"):
        written = pd.Series([seen[photo].get(column, pd.NA) for photo in photos["photo"]], dtype="string")
        photos[column] = photos[column].fillna(written) if column in photos else written
    photos["taken"] = readable(photos["date"])
    unread = photos["date"][photos["date"].notna() & photos["taken"].isna()]
    if len(unread):
        warnings.warn(
            f"the dates of {count(len(unread), 'photo')} are not understood, such as {unread.iloc[0]!r}, and are taken "
            "as unknown; write them as 2024-05-31 17:04:00",
            stacklevel=2,
        )
    people, told = _answered(folder, paths)
    photos["people"], photos["told"] = pd.array(people, dtype="string"), pd.array(told, dtype="string")
    status = read_status(folder, alive=False)
    at = status["time"] or max(file.stat().st_mtime for file in [folder, *folder.glob("cycles/*/labels.parquet")])
    name = catalogue.name if catalogue is not None else root.resolve().name
    return Named(name, root, photos, package, iso(datetime.fromtimestamp(at, UTC)), searched)


def below(named: Named, least: float) -> tuple[Named, int, int]:
    """Leave names blank that are not sure enough.

    Args:
        named: the photos.
        least: confidence in [0, 1] that a name needs.

    Returns:
        The photos, how many names were below it, and how many of an unknown confidence.
    """
    sure = named.photos["confidence"]
    has = named.photos["individual"].notna()
    low, unclear = has & (sure < least), has & sure.isna()
    photos = named.photos.assign(individual=named.photos["individual"].mask(low | unclear))
    return replace(named, photos=photos), int(low.sum()), int(unclear.sum())


def _of(catalogue: Catalogue, paths: Sequence[str], column: str) -> pd.Series:
    values = catalogue.table.set_index("path")[column].astype("string")
    return values.reindex(list(paths)).reset_index(drop=True)


def _exif(file: Path) -> dict[str, str]:
    """`date`, with its zone where that is known, and `place` as the camera wrote them down."""
    try:
        with Image.open(file) as image:
            exif = image.getexif()
            found = dict(exif_facts(exif))
            offset = str(exif.get_ifd(_DETAILS).get(_OFFSET) or "").strip("\0 ")
    except Exception:  # Decoders raise whatever they like on broken files.
        return {}
    if "date" in found and offset:
        found["date"] += offset
    return found


def _answered(folder: Path, paths: Sequence[str]) -> tuple[list[str | None], list[str | None]]:
    """Who said "same" or "different" about each image, and when somebody did last."""
    people: dict[str, dict[str, None]] = defaultdict(dict)
    last: dict[str, str] = {}
    for answer in AnswerLog(folder / "answers.jsonl").answers():
        if answer.decision == "cannot_tell" or answer.reason == SET_ASIDE:
            continue
        for path in (answer.a, answer.b):
            people[path][answer.annotator] = None
            last[path] = max(last.get(path, ""), answer.time)
    return [" | ".join(people[path]) if path in people else None for path in paths], [last.get(path) for path in paths]
