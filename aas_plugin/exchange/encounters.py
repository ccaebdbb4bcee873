"""Encounters: the photos of one individual at one place on one day."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo

import pandas as pd

from aas_plugin.exchange.gathering import Named
from aas_plugin.exchange.times import Moment, local_day, parse_moment


@dataclass(frozen=True)
class Encounter:
    """Photos of one individual at one place on one day.

    Attributes:
        paths: of its images, by time.
        individual: None where there is no name.
        day: when, as exactly as it is known.
        locality: name of the place; blank where unknown.
        latitude: in degrees; blank where unknown.
        longitude: likewise.
        sighting: an id of the place and day, which encounters of several individuals share; blank where either is
            unknown.
    """

    paths: tuple[str, ...]
    individual: str | None
    day: Moment
    locality: str
    latitude: str
    longitude: str
    sighting: str


def encounters(
    named: Named, deployed: pd.Series, deployments: pd.DataFrame | None, zone: tzinfo | None
) -> list[Encounter]:
    """Gather photos into encounters, in the order of the first photo of each.

    A photo without a name, of an unknown place, or whose day is not known is an encounter of its own.

    Args:
        named: the photos and their names, each with a date.
        deployed: deployment of each, NA where unknown.
        deployments: where cameras stood; None where that is unknown.
        zone: in which days begin where times say their own zone.
    """
    stood = {} if deployments is None else deployments.set_index("deploymentID").to_dict("index")
    order = sorted(range(len(named.photos)), key=lambda row: (str(named.photos["taken"].iat[row]), row))
    groups: dict[object, list[int]] = {}
    for row in order:
        photo = named.photos.iloc[row]
        moment = parse_moment(photo["taken"])
        day = local_day(moment, zone)
        place = _place(photo, deployed.iat[row], stood)
        alone = pd.isna(photo["individual"]) or day is None or not any(place)
        groups.setdefault(row if alone else (photo["individual"], day, place), []).append(row)
    return [_encounter(named, rows, deployed, stood, zone) for rows in groups.values()]


def _encounter(
    named: Named, rows: list[int], deployed: pd.Series, stood: Mapping[str, Mapping[str, str]], zone: tzinfo | None
) -> Encounter:
    photo = named.photos.iloc[rows[0]]
    moment = parse_moment(photo["taken"])
    assert moment is not None
    day = local_day(moment, zone)
    locality, latitude, longitude = _place(photo, deployed.iat[rows[0]], stood)
    name = locality or f"{latitude} {longitude}".strip()
    return Encounter(
        paths=tuple(named.photos["path"].iloc[rows]),
        individual=None if pd.isna(photo["individual"]) else str(photo["individual"]),
        day=moment if day is None else Moment(day.year, day.month, day.day),
        locality=locality,
        latitude=latitude,
        longitude=longitude,
        sighting=f"{_plain(name)}_{day:%Y%m%d}" if name and day else "",
    )


def _plain(name: str) -> str:
    """A place in the Latin letters, digits, hyphens and underscores that an id may have; no two are called alike."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")
    lost = re.search(r"[^A-Za-z0-9_ -]", name)
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
    return "-".join(filter(None, (plain, digest))) if lost else plain


def _place(photo: pd.Series, deployment: object, stood: Mapping[str, Mapping[str, str]]) -> tuple[str, str, str]:
    """Name, latitude and longitude of where a photo was taken, each blank where unknown."""
    row = {} if pd.isna(deployment) else stood.get(str(deployment), {})  # type: ignore[call-overload]
    camera = "" if pd.isna(photo["camera"]) else str(photo["camera"])
    locality = row.get("locationName") or row.get("locationID") or camera or ("" if not row else str(deployment))
    latitude, longitude = row.get("latitude", ""), row.get("longitude", "")
    if not (latitude and longitude) and not pd.isna(photo["place"]):
        latitude, longitude = str(photo["place"]).split(", ")
    return locality, latitude, longitude
