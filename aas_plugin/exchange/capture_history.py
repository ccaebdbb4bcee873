"""Capture histories for mark-recapture software, such as the R package secr."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from pathlib import Path

import numpy as np
import pandas as pd

from aas_plugin.errors import AasError
from aas_plugin.exchange.deployments import known, span
from aas_plugin.exchange.folders import unique_names
from aas_plugin.exchange.gathering import Named
from aas_plugin.exchange.occasions import begins, days_within, merged
from aas_plugin.exchange.projecting import utm
from aas_plugin.exchange.times import local_day, parse_moment
from aas_plugin.exchange.words import count


@dataclass(frozen=True, eq=False)
class History:
    """Who was seen when and where.

    Attributes:
        occasions: a row each: `occasion` from 1, `first_day` and `last_day`.
        captures: a row for each individual, occasion and station with a photo: `individual`, `occasion`, `station`,
            `photos` (their number).
        stations: a row each: `station`, `latitude` and `longitude` in degrees, `x` and `y` in metres, NaN where
            unknown, and `effort`, the days that it stood, NaN where unknown; while several of its cameras stood, time
            counts once.
        effort: float64 (stations, occasions), the days that each stood in each occasion; None where it is not known of
            all of them.
        zone: the UTM zone of x and y; blank where coordinates are not known of all stations.
        told: sentences about photos that are not in it, and about what is not known.
    """

    occasions: pd.DataFrame
    captures: pd.DataFrame
    stations: pd.DataFrame
    effort: np.ndarray | None
    zone: str
    told: tuple[str, ...]


def capture_history(
    named: Named,
    deployed: pd.Series,
    deployments: pd.DataFrame | None,
    length: tuple[int, str],
    zone: tzinfo | None = None,
) -> History:
    """Count photos by individual, occasion and station.

    A station is the `locationID` of a deployment where it has one, else the deployment, else the camera. Photos without
    a name, a day, or a station are left out and counted. The first occasion begins with the first day on which a camera
    stood, or a photo was taken where that is not known.

    Args:
        named: the photos and their names.
        deployed: deployment of each, NA where unknown.
        deployments: where cameras stood and when; None where nobody said.
        length: of an occasion, see `parse_length`.
        zone: in which days begin where times say their own zone.

    Raises:
        AasError: no photo is left.
    """
    photos, told = named.photos, []
    days = pd.Series(
        [None if pd.isna(text) else local_day(parse_moment(text), zone) for text in photos["taken"]],
        index=photos.index,
        dtype=object,
    )
    place = _stations_of(deployments)
    station = deployed.map(place).astype("string").fillna(photos["camera"] if deployments is None else pd.NA)
    for without, what in ((photos["individual"].isna(), "name"), (days.isna(), "day"), (station.isna(), "station")):
        if without.any():
            told.append(f"left out: {count(int(without.sum()), 'photo')} without a {what}")
    kept = photos["individual"].notna() & days.notna() & station.notna()
    if not kept.any():
        raise AasError(
            f"no photo has a name, a day and a station ({'; '.join(told)}); give dates and cameras in the data set's "
            "table, or --deployments FILE.csv"
        )
    spans = [] if deployments is None else [(row, span(row, zone)) for _, row in deployments.iterrows()]
    stood = [(place[row["deploymentID"]], when) for row, when in spans if when is not None]
    # Of a day on which a camera ends at midnight nothing is left.
    ends = [max(start, end - timedelta(microseconds=1)) for _, (start, end) in stood]
    all_days: list[date] = [*days[kept], *(start.date() for _, (start, _) in stood), *(end.date() for end in ends)]
    starts = begins(min(all_days), max(all_days), length)
    occasion = [bisect_right(starts, day) for day in days[kept]]
    seen = pd.DataFrame({"individual": photos["individual"][kept], "occasion": occasion, "station": station[kept]})
    captures = seen.groupby(["individual", "occasion", "station"], sort=True).size().rename("photos").reset_index()
    names = sorted(set(place.values()) if place else set(captures["station"]))
    stations, utm_zone = _stations(names, place, deployments)
    effort = None
    if deployments is not None and len(stood) == len(deployments):
        effort = np.zeros((len(names), len(starts) - 1))
        for row, name in enumerate(names):
            for when in merged([when for station, when in stood if station == name]):
                effort[row] += days_within(when, starts)
        stations["effort"] = effort.sum(axis=1)
        outside = effort[[names.index(one) for one in captures["station"]], captures["occasion"] - 1] <= 0
        if outside.any():
            told.append(
                f"{count(int(captures['photos'][outside].sum()), 'photo')} from occasions in which no camera stood at "
                "the station, as the deployments say; correct their times"
            )
    else:
        told.append("effort is not known; give start and end of every deployment by --deployments FILE.csv")
    if not utm_zone:
        told.append("coordinates are not known of all stations, so that there is no file of traps; give --deployments")
    last_days = [date.fromordinal(day.toordinal() - 1) for day in starts[1:]]
    numbers = range(1, len(starts))
    occasions = pd.DataFrame({"occasion": numbers, "first_day": starts[:-1], "last_day": last_days})
    return History(occasions, captures, stations, effort, utm_zone, tuple(told))


def write_history(place: Path, history: History, title: str) -> None:
    """Write a capture history into a folder.

    `history.csv` is 0 or 1 by individual and occasion; `captures.csv`, `stations.csv`, `occasions.csv` and, where it is
    known, `effort.csv` are what it was counted from, under the names that people gave. `captures.txt` and, where
    coordinates are known, `traps.txt` are those that secr reads, with names that it takes.

    Args:
        place: folder to make.
        history: what to write.
        title: of the data set, the session in secr.
    """
    place.mkdir()
    numbers = list(history.occasions["occasion"])
    seen = history.captures.assign(seen=1).pivot_table(
        index="individual", columns="occasion", values="seen", aggfunc="max", fill_value=0
    )
    matrix = seen.reindex(columns=numbers, fill_value=0).astype(int)
    matrix.to_csv(place / "history.csv", encoding="utf-8")
    for name in ("captures", "stations", "occasions"):
        table: pd.DataFrame = getattr(history, name)
        table.dropna(axis="columns", how="all").to_csv(place / f"{name}.csv", index=False, encoding="utf-8")
    if history.effort is not None:
        effort = pd.DataFrame(history.effort.round(4), index=list(history.stations["station"]), columns=numbers)
        effort.to_csv(place / "effort.csv", index_label="station", encoding="utf-8")
    _write_secr(place, history, title)


def _write_secr(place: Path, history: History, title: str) -> None:
    animals = _plain_names(history.captures["individual"], r"[^\w.-]+")
    # secr takes no underscore in the name of a detector.
    traps = _plain_names(history.stations["station"], r"[\W_]+")
    session = re.sub(r"[^\w.-]+", "-", title).strip("-") or "1"
    rows = history.captures
    lines = ["# Session ID Occasion Detector"]
    lines += [
        f"{session} {animals[one]} {occasion} {traps[station]}"
        for one, occasion, station in zip(rows["individual"], rows["occasion"], rows["station"], strict=True)
    ]
    (place / "captures.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if not history.zone:
        return
    used = [""] * len(history.stations)
    if history.effort is not None:
        used = [" " + " ".join(f"{days:.4g}" for days in row) for row in history.effort]
    lines = [f"# Detector X Y{'' if history.effort is None else ' Effort in days'} (metres, UTM {history.zone})"]
    lines += [
        f"{traps[station]} {x:.1f} {y:.1f}{effort}"
        for station, x, y, effort in zip(
            history.stations["station"], history.stations["x"], history.stations["y"], used, strict=True
        )
    ]
    (place / "traps.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _plain_names(names: Iterable[str], forbidden: str) -> dict[str, str]:
    clean: Callable[[str], str] = lambda text: re.sub(forbidden, "-", text).strip("-") or "x"  # noqa: E731
    return unique_names(names, clean)


def _stations_of(deployments: pd.DataFrame | None) -> dict[str, str]:
    """The station of each deployment."""
    if deployments is None:
        return {}
    place = deployments["locationID"].where(deployments["locationID"] != "", deployments["deploymentID"])
    return dict(zip(deployments["deploymentID"], place, strict=True))


def _stations(names: list[str], place: dict[str, str], deployments: pd.DataFrame | None) -> tuple[pd.DataFrame, str]:
    """Stations with the mean coordinates of their deployments, and the UTM zone; blank where one has none."""
    table = pd.DataFrame({"station": names}).assign(
        latitude=np.nan, longitude=np.nan, x=np.nan, y=np.nan, effort=np.nan
    )
    if deployments is None or not known(deployments, ["latitude", "longitude"]).any():
        return table, ""
    where = deployments[known(deployments, ["latitude", "longitude"])]
    degrees = where[["latitude", "longitude"]].astype(float).groupby(where["deploymentID"].map(place)).mean()
    table[["latitude", "longitude"]] = degrees.reindex(names).to_numpy()
    if table["latitude"].isna().any():
        return table, ""
    table["x"], table["y"], zone = utm(table["latitude"].to_numpy(), table["longitude"].to_numpy())
    table[["x", "y"]] = table[["x", "y"]].round(1)
    return table, zone
