"""Capture histories: occasions, effort, coordinates in metres, and names that secr takes."""

from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from aas_plugin.errors import AasError
from aas_plugin.exchange.capture_history import capture_history, write_history
from aas_plugin.exchange.deployments import COLUMNS
from aas_plugin.exchange.gathering import Named
from aas_plugin.exchange.occasions import begins, days_within, parse_length
from aas_plugin.exchange.projecting import utm
from aas_plugin.exchange.times import parse_zone


def test_occasions_follow_each_other():
    assert begins(date(2024, 1, 30), date(2024, 2, 6), (7, "d")) == [
        date(2024, 1, 30),
        date(2024, 2, 6),
        date(2024, 2, 13),
    ]
    assert begins(date(2023, 11, 20), date(2024, 2, 1), (2, "m")) == [
        date(2023, 11, 1),
        date(2024, 1, 1),
        date(2024, 3, 1),
    ]
    assert parse_length("week") == (1, "w")
    for wrong in ("7", "0d", "d", "1y", "-1d", "99999999d"):
        with pytest.raises(AasError, match="--occasion"):
            parse_length(wrong)


def test_the_days_of_a_stretch_are_all_counted_once():
    starts = begins(date(2024, 5, 1), date(2024, 5, 20), (7, "d"))
    stood = datetime(2024, 5, 3, 12), datetime(2024, 5, 16, 18)
    days = days_within(stood, starts)
    assert days == [4.5, 7.0, 1.75]
    assert sum(days) == (stood[1] - stood[0]).total_seconds() / 86400


def test_metres_are_those_of_utm():
    # The CN Tower, as maps have it.
    east, north, zone = utm(np.array([43.642567]), np.array([-79.387139]))
    assert (round(east[0]), round(north[0]), zone) == (630084, 4833439, "17N")
    # A minute of latitude is about a nautical mile, also across the equator.
    _, north, zone = utm(np.array([-1 / 120, 1 / 120]), np.array([33.0, 33.0]))
    assert zone == "36N"
    assert north[1] - north[0] == pytest.approx(1843 * 0.9996, abs=1)
    east, _, zone = utm(np.array([-17.0, -17.0]), np.array([179.99, -179.99]))
    assert zone in ("1S", "60S")
    assert east[1] - east[0] == pytest.approx(0.02 * 111320 * np.cos(np.radians(17)), rel=0.002)


def named(*rows):
    photos = pd.DataFrame(rows, columns=["individual", "taken", "camera"], dtype="string")
    return Named("my study", None, photos.assign(path=[f"{row}.jpg" for row in range(len(rows))]), None, "")


def deployments(*rows):
    keys = ("deploymentID", "locationID", "latitude", "longitude", "deploymentStart", "deploymentEnd")
    table = pd.DataFrame(rows, columns=keys, dtype=str)
    return table.reindex(columns=list(COLUMNS), fill_value="")


def history(photos, table=None, length="1d", zone=None):
    of = photos.photos["camera"] if table is not None else pd.Series(pd.NA, photos.photos.index, dtype="string")
    return capture_history(photos, of, table, parse_length(length), zone)


STOOD = deployments(
    ("a1", "hill_1", "-25.0", "31.5", "2024-05-01", "2024-05-04"),
    ("a2", "hill_1", "-25.0", "31.5", "2024-05-08T00:00:00", "2024-05-09T12:00:00"),
    ("b", "", "-25.1", "31.6", "2024-05-01", "2024-05-10"),
)


def test_captures_effort_and_matrix(tmp_path):
    photos = named(
        ("x y", "2024-05-01 10:00:00", "a1"),
        ("x y", "2024-05-01 11:00:00", "a1"),
        ("x y", "2024-05-09", "a2"),
        ("z", "2024-05-02", "b"),
        ("z", pd.NA, "b"),
        (pd.NA, "2024-05-02", "b"),
        ("z", "2024-05-02", pd.NA),
    )
    found = history(photos, STOOD, "7d")
    assert found.captures.to_numpy().tolist() == [["x y", 1, "hill_1", 2], ["x y", 2, "hill_1", 1], ["z", 1, "b", 1]]
    assert dict(zip(found.stations["station"], found.effort.tolist(), strict=True)) == {
        "hill_1": [4.0, 1.5],
        "b": [7.0, 3.0],
    }
    assert found.told == tuple(f"left out: 1 photo without a {what}" for what in ("name", "day", "station"))
    write_history(tmp_path / "ch", found, photos.name)
    matrix = pd.read_csv(tmp_path / "ch" / "history.csv", index_col=0)
    assert matrix.loc["x y"].to_list() == [1, 1]
    assert matrix.loc["z"].to_list() == [1, 0]
    captures = (tmp_path / "ch" / "captures.txt").read_text().splitlines()
    assert captures[1:] == ["my-study x-y 1 hill-1", "my-study x-y 2 hill-1", "my-study z 1 b"]
    traps = [line.split() for line in (tmp_path / "ch" / "traps.txt").read_text().splitlines()[1:]]
    # As many values of effort as there are occasions.
    assert {row[0]: row[3:] for row in traps} == {"hill-1": ["4", "1.5"], "b": ["7", "3"]}
    assert {row.split()[3] for row in captures[1:]} <= {row[0] for row in traps}


def test_days_on_which_two_cameras_of_a_station_stood_count_once():
    rows = [
        ("left", "2024-05-01", "2024-05-04"),
        ("right", "2024-05-03", "2024-05-05"),
        ("later", "2024-05-07", "2024-05-07"),
    ]
    table = deployments(*((name, "hill", "-25.0", "31.5", start, end) for name, start, end in rows))
    assert history(named(("x", "2024-05-01", "left")), table, "7d").effort.tolist() == [[6.0]]


def test_a_camera_that_ends_at_midnight_begins_no_occasion():
    row = ("a", "hill", "-25.0", "31.5", "2024-05-01", "2024-05-02T00:00:00")
    found = history(named(("x", "2024-05-01", "a")), deployments(row), "1d")
    assert found.occasions["last_day"].to_list() == [date(2024, 5, 1)]
    assert found.effort.tolist() == [[1.0]]


def test_a_photo_when_no_camera_stood_is_told():
    found = history(named(("x", "2024-05-06", "a1"), ("x", "2024-05-01", "a1")), STOOD)
    assert "1 photo from occasions in which no camera stood" in found.told[0]


def test_without_deployments_cameras_are_stations_and_nothing_is_made_up(tmp_path):
    found = history(named(("x", "2024-05-01", "north"), ("y", "2024-05-03", "south")))
    assert found.effort is None
    assert found.zone == ""
    assert len(found.told) == 2
    write_history(tmp_path / "ch", found, "s")
    assert not (tmp_path / "ch" / "traps.txt").exists()
    assert not (tmp_path / "ch" / "effort.csv").exists()
    matrix = pd.read_csv(tmp_path / "ch" / "history.csv", index_col=0)
    assert matrix.to_numpy().tolist() == [[1, 0, 0], [0, 0, 1]]
    with pytest.raises(AasError, match="no photo has a name, a day and a station"):
        history(named(("x", pd.NA, "north")))


def test_a_day_is_that_of_the_place():
    found = history(
        named(("x", "2024-05-01T23:30:00Z", "a"), ("x", "2024-05-01T01:00:00Z", "a")), zone=parse_zone("+02:00")
    )
    assert found.occasions["first_day"].to_list() == [date(2024, 5, 1), date(2024, 5, 2)]


def test_names_that_secr_would_take_for_each_other_stay_two(tmp_path):
    found = history(named(("a b", "2024-05-01", "c_1"), ("a-b", "2024-05-01", "c-1"), ("#7", "2024-05-01", "c_1")))
    write_history(tmp_path / "ch", found, "a # title")
    rows = [line.split() for line in (tmp_path / "ch" / "captures.txt").read_text().splitlines()[1:]]
    assert all(len(row) == 4 for row in rows)
    assert len({row[1] for row in rows}) == 3
    assert len({row[3] for row in rows}) == 2
    assert not any("_" in row[3] or "#" in "".join(row) for row in rows)
