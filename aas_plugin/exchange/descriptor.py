"""The description of a Camtrap DP package, its `datapackage.json`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from importlib.metadata import version
from typing import Any

import pandas as pd

from aas_plugin.exchange.times import iso

VERSION = "1.0.2"
BASE = f"https://raw.githubusercontent.com/tdwg/camtrap-dp/{VERSION}"
TABLES = ("deployments", "media", "observations")

DESIGNS = ("simpleRandom", "systematicRandom", "clusteredRandom", "experimental", "targeted", "opportunistic")
METHODS = ("activityDetection", "timeLapse")


@dataclass(frozen=True)
class Said:
    """What a package needs that photos do not say; None or empty where nobody said it.

    Attributes:
        species: scientific name of the animals.
        zone: of times that have none.
        design: one of `DESIGNS`.
        methods: some of `METHODS`.
        contributors: names.
    """

    species: str | None = None
    zone: tzinfo | None = None
    design: str | None = None
    methods: Sequence[str] = ()
    contributors: Sequence[str] = ()


def new_descriptor(title: str, deployments: pd.DataFrame, said: Said) -> dict[str, Any]:
    """Describe a package.

    Args:
        title: of the data set.
        deployments: with coordinates, start and end in ISO 8601.
        said: the rest that the profile requires.
    """
    return {
        "resources": [resource(name, f"{BASE}/{name}-table-schema.json") for name in TABLES],
        "profile": f"{BASE}/camtrap-dp-profile.json",
        "name": _slug(title),
        "created": iso(datetime.now(UTC)),
        "title": title,
        "contributors": [{"title": name, "role": "contributor"} for name in said.contributors],
        "sources": [{"title": "aas-plugin", "version": version("aas-plugin")}],
        "project": {
            "title": title,
            "samplingDesign": said.design,
            "captureMethod": list(said.methods),
            "individualAnimals": True,
            "observationLevel": ["media"],
        },
        "spatial": spatial(deployments),
        "temporal": {
            "start": min(deployments["deploymentStart"])[:10],
            "end": max(deployments["deploymentEnd"])[:10],
        },
        "taxonomic": [{"scientificName": said.species}],
    }


def resource(name: str, schema: str) -> dict[str, str]:
    """A table of a package."""
    return {
        "name": name,
        "path": f"{name}.csv",
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": schema,
    }


def with_species(listed: Sequence[Any], names: Sequence[str]) -> list[Any]:
    """A package's taxa, and those that are new behind them."""
    there = {one.get("scientificName") for one in listed if isinstance(one, dict)}
    return [*listed, *({"scientificName": name} for name in dict.fromkeys(names) if name and name not in there)]


def spatial(deployments: pd.DataFrame) -> dict[str, Any]:
    """The rectangle around all deployments in GeoJSON; their points where it would have no area."""
    x, y = deployments["longitude"].astype(float), deployments["latitude"].astype(float)
    if x.min() == x.max() or y.min() == y.max():
        points = dict.fromkeys(zip(x.to_list(), y.to_list(), strict=True))
        return {"type": "MultiPoint", "coordinates": [list(point) for point in points]}
    west, east, south, north = x.min(), x.max(), y.min(), y.max()
    corners = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [[[float(one) for one in corner] for corner in corners]]}


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9._-]+", "-", plain).strip("-.") or "individuals"
