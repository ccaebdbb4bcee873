"""Where and from when to when cameras stood: a table of deployments, and which photo is of which."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import numpy as np
import pandas as pd

from aas_plugin.data.catalogue import some_of
from aas_plugin.data.tables import folded, read_cells
from aas_plugin.errors import AasError
from aas_plugin.exchange.times import Moment, parse_moment
from aas_plugin.exchange.words import count

COLUMNS = (
    "deploymentID", "locationID", "locationName", "latitude", "longitude", "coordinateUncertainty", "deploymentStart",
    "deploymentEnd", "setupBy", "cameraID", "cameraModel", "cameraDelay", "cameraHeight", "cameraDepth", "cameraTilt",
    "cameraHeading", "detectionDistance", "timestampIssues", "baitUse", "featureType", "habitat", "deploymentGroups",
    "deploymentTags", "deploymentComments",
)  # fmt: skip
"""Columns of deployments in Camtrap DP 1.0.2, in their order."""

STANDS_FOR = ("deploymentID", "cameraID", "locationID", "locationName")
"""Columns in which the `camera` of a photo is looked for."""


def read_deployments(file: Path) -> pd.DataFrame:
    """Read a table of deployments: at least `deploymentID`, and any other column of Camtrap DP's.

    Args:
        file: a CSV.

    Returns:
        Strings with all of `COLUMNS`, blank where nothing is said.

    Raises:
        AasError: it cannot be read, has no `deploymentID` in a row, one twice, coordinates that are none, or an end
            before its start.
    """
    cells = read_cells(file)
    wanted = {folded(column): column for column in COLUMNS}
    names = [wanted.get(folded(str(header)), str(header)) for header in cells.columns]
    cells.columns = pd.Index(names)
    if "deploymentID" not in names:
        raise AasError(f"{file} has no column deploymentID but {some_of(names)}; give each deployment an id")
    if len(set(names)) < len(names):
        raise AasError(f"{file} has a column more than once ({some_of(names)}); keep one of each")
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        warnings.warn(f"{file}: {some_of(unknown)} is no column of Camtrap DP's, and not used", stacklevel=2)
    table = cells.reindex(columns=list(COLUMNS), fill_value="").apply(lambda column: column.str.strip())
    blank = np.flatnonzero(table["deploymentID"] == "")
    if len(blank):
        raise AasError(f"{file} has no deploymentID in row {some_of(str(row + 1) for row in blank)}; fill it in")
    double = table["deploymentID"][table["deploymentID"].duplicated()].unique()
    if len(double):
        raise AasError(f"{file} has more than one row of the deployment {some_of(double)}; give each an id of its own")
    check_deployments(table, str(file))
    return table


def check_deployments(table: pd.DataFrame, where: str) -> None:
    """Refuse coordinates that are none, times that are none, and an end before its start.

    Raises:
        AasError: a row has one.
    """
    for column, most in (("latitude", 90), ("longitude", 180)):
        numbers = pd.to_numeric(table[column].mask(table[column] == ""), errors="coerce")
        wrong = (table[column] != "") & ~(numbers.abs() <= most)
        if wrong.any():
            row = table[wrong].iloc[0]
            raise AasError(
                f"{where}: the {column} {row[column]!r} of deployment {row['deploymentID']!r} is none; write degrees "
                f"as a number from -{most} to {most}"
            )
    for _, row in table.iterrows():
        start, end = _moment(row, "deploymentStart", where), _moment(row, "deploymentEnd", where)
        if start is None or end is None:
            continue
        # A deployment may begin and end on one day.
        days = start.date is not None and end.date is not None and start.date > end.date
        if days or _naive(start, last=False) > _naive(end, last=True):
            raise AasError(f"{where}: deployment {row['deploymentID']!r} ends before it starts; correct its times")


def deployment_of(photos: pd.DataFrame, deployments: pd.DataFrame) -> tuple[pd.Series, list[str]]:
    """Which deployment each photo is of.

    The one that its package says; else the one whose `deploymentID`, `cameraID`, `locationID` or `locationName` is the
    photo's `camera`; of several, the one that stood when the photo was taken. Where there is one deployment and no
    photo has a camera, all are of that one.

    Args:
        photos: with `deployment`, `camera` and `taken`.
        deployments: as `read_deployments` gives them.

    Returns:
        The ids, string, NA where there is none, and sentences about photos that have none.
    """
    ids = set(deployments["deploymentID"])
    found = photos["deployment"].where(photos["deployment"].isin(ids)).astype("string")
    if len(ids) == 1 and photos["camera"].isna().all() and found.isna().all():
        return pd.Series(next(iter(ids)), index=photos.index, dtype="string"), []
    rows = {}
    for column in reversed(STANDS_FOR):
        for name, group in deployments.groupby(deployments[column]):
            if name:
                rows[str(name)] = group
    several = []
    for place, (camera, date) in enumerate(zip(photos["camera"], photos["taken"], strict=True)):
        if pd.isna(found.iat[place]) and not pd.isna(camera) and camera in rows:
            fitting = rows[camera]
            if len(fitting) > 1:
                fitting = fitting[[_stood(row, parse_moment(date)) for _, row in fitting.iterrows()]]
            if len(fitting) == 1:
                found.iat[place] = fitting["deploymentID"].iat[0]
            else:
                several.append(str(photos["photo"].iat[place]))
    told = []
    if several:
        told.append(f"{count(len(several), 'photo')} from when no deployment of the camera stood: {some_of(several)}")
    cameras = photos["camera"][found.isna() & ~photos["photo"].isin(several)]
    if len(cameras):
        named = cameras.dropna().unique()
        told.append(
            f"{count(len(cameras), 'photo')} of no deployment"
            + (f", as none is called {some_of(named)}" if len(named) else ", as the camera is not known")
        )
    return found, told


def span(row: pd.Series, zone: tzinfo | None) -> tuple[datetime, datetime] | None:
    """From when to when a deployment stood, in its local time without a zone; None where that is not known.

    An end that is a day counts to its midnight.
    """
    ends = []
    for column in ("deploymentStart", "deploymentEnd"):
        moment = parse_moment(row[column]) if row[column] else None
        if moment is None or moment.date is None:
            return None
        if zone is not None and moment.time is not None and moment.time.tzinfo is not None:
            ends.append(moment.time.astimezone(zone).replace(tzinfo=None))
        else:
            ends.append(_naive(moment, last=column == "deploymentEnd"))
    return ends[0], ends[1]


def known(deployments: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """Which deployments have a cell in each of these columns: bool."""
    return (deployments[list(columns)] != "").all(axis=1)


def _moment(row: pd.Series, column: str, where: str) -> Moment | None:
    moment = parse_moment(row[column]) if row[column] else None
    if row[column] and (moment is None or moment.date is None):
        raise AasError(
            f"{where}: the {column} {row[column]!r} of deployment {row['deploymentID']!r} is no time; write it as "
            "2024-05-31T17:00:00+02:00, or as 2024-05-31"
        )
    return moment


def _naive(moment: Moment, last: bool) -> datetime:
    """A moment without its zone; of a day its beginning, or its end."""
    if moment.time is not None:
        return moment.time.replace(tzinfo=None)
    assert moment.month is not None and moment.day is not None
    return datetime(moment.year, moment.month, moment.day) + timedelta(days=int(last))


def _stood(row: pd.Series, moment: Moment | None) -> bool:
    """Whether a deployment's days hold a moment's."""
    stood = span(row, None)
    day = None if moment is None else moment.date
    return stood is not None and day is not None and stood[0].date() <= day <= stood[1].date()
