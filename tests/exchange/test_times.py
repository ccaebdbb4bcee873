"""Dates as tables and cameras write them, and zones."""

from datetime import UTC, date, datetime, timedelta, timezone

import pandas as pd
import pytest

from aas_plugin.errors import AasError
from aas_plugin.exchange.times import Moment, in_zone, iso, local_day, parse_moment, parse_zone, readable


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2021-05-31", Moment(2021, 5, 31)),
        ("2021-05", Moment(2021, 5)),
        ("2021", Moment(2021)),
        ("2021:05:31 08:25:38", Moment(2021, 5, 31, datetime(2021, 5, 31, 8, 25, 38))),
        ("2021-05-31 8:25", Moment(2021, 5, 31, datetime(2021, 5, 31, 8, 25))),
        ("2021-05-31 1:05:00 pm", Moment(2021, 5, 31, datetime(2021, 5, 31, 13, 5))),
        ("2021-05-31 12:05 AM", Moment(2021, 5, 31, datetime(2021, 5, 31, 0, 5))),
        (
            "2021-05-31 08:25:38+02",
            Moment(2021, 5, 31, datetime(2021, 5, 31, 8, 25, 38, tzinfo=timezone(timedelta(hours=2)))),
        ),
        ("2021-05-31T08:25:38.500Z", Moment(2021, 5, 31, datetime(2021, 5, 31, 8, 25, 38, tzinfo=UTC))),
        (
            "2021-05-31T08:25:38+0530",
            Moment(2021, 5, 31, datetime(2021, 5, 31, 8, 25, 38, tzinfo=timezone(timedelta(hours=5.5)))),
        ),
    ],
)
def test_what_is_read(text, found):
    assert parse_moment(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "31.05.2021",
        "05/31/2021",
        "2021-02-30",
        "2021-13-01",
        "yesterday",
        "",
        "0000-00-00 00:00:00",
        "2021-05-31 13:05 PM",
        "9999-12-31",
    ],
)
def test_what_could_mean_anything_is_nothing(text):
    assert parse_moment(text) is None


def test_a_zone_is_never_guessed_and_never_overrules_a_time_with_its_own():
    bare, own = parse_moment("2024-07-01 12:00:00"), parse_moment("2024-07-01T12:00:00Z")
    assert in_zone(bare, None) is None
    assert iso(in_zone(bare, parse_zone("Africa/Maputo"))) == "2024-07-01T12:00:00+02:00"
    assert iso(in_zone(own, parse_zone("+02:00"))) == "2024-07-01T12:00:00Z"
    assert iso(in_zone(parse_moment("2024-01-01 12:00"), parse_zone("Europe/Berlin"))).endswith("+01:00")
    assert iso(in_zone(bare, parse_zone("Europe/Berlin"))).endswith("+02:00")


def test_days_begin_where_the_animal_was():
    late = parse_moment("2024-07-01T23:30:00Z")
    assert local_day(late, parse_zone("+02:00")) == date(2024, 7, 2)
    assert local_day(late, None) == date(2024, 7, 1)
    assert local_day(parse_moment("2024-07-01 23:30:00"), parse_zone("+02:00")) == date(2024, 7, 1)
    assert local_day(parse_moment("2024"), None) is None


@pytest.mark.parametrize("text", ["Maputo/Africa", "+99:00", "", "../../etc/passwd"])
def test_zones_that_are_none(text):
    with pytest.raises(AasError, match="--timezone"):
        parse_zone(text)


def test_dates_of_tables_are_read_as_those_of_data_sets_are():
    texts = ["31.05.2024 17:04", "01.06.2024", "20240607", "2024", "2024:06:08 10:00:00", "soon", pd.NA]
    found = readable(pd.Series(texts, dtype="string")).fillna("").to_list()
    assert found == ["2024-05-31 17:04", "2024-06-01", "2024-06-07", "2024", "2024:06:08 10:00:00", "", ""]
    with pytest.warns(UserWarning, match="are read as month, day and year, which nothing in the column denies"):
        assert readable(pd.Series(["05/06/2024"], dtype="string")).to_list() == ["2024-05-06"]
