import numpy as np
import pandas as pd
import pytest
from PIL import Image

from aas_plugin.data.catalogue import make_catalogue
from aas_plugin.data.photo_list import bare_photos, joined, photos_of
from aas_plugin.errors import AasError


def catalogue(folder, **columns):
    n = len(next(iter(columns.values())))
    for place in range(n):
        Image.new("RGB", (8, 8)).save(folder / f"{place}.png")
    return make_catalogue("mine", folder, pd.DataFrame({"path": [f"{place}.png" for place in range(n)], **columns}))


def test_dates_become_days_and_numbers_stay(tmp_path):
    made = catalogue(tmp_path, date=["2024-03-01", "2024-03-02 12:00", "", "no date"])
    days = photos_of(made, np.arange(4), list("abcd")).date
    assert days[1] - days[0] == 1.5
    assert np.isnan(days[2:]).all()
    made = catalogue(tmp_path, date=[7, 3, None, 5])
    assert photos_of(made, np.array([1, 0]), list("abcd")).date.tolist() == [3, 7]


DAY = pd.Timestamp("2024-02-03")


@pytest.mark.parametrize(
    "cells",
    [
        ["2024-02-03", "2024-02-14"],
        ["2024:02:03", "2024:02:14"],
        ["20240203", "20240214"],
        ["2024/2/3", "2024/2/14"],
        ["03.02.2024", "14.02.2024"],
        ["3.2.24", "14.2.24"],
        ["03.02.2024", "14.2.2024"],
        ["03/02/2024", "14/02/2024"],
        ["02/03/2024", "02/14/2024"],
        ["2-3-2024", "2-14-2024"],
    ],
)
@pytest.mark.parametrize("time", ["", " 09:00:00", "T09:00", " 9:00 AM"])
def test_dates_of_a_column_are_read_in_one_order(tmp_path, cells, time):
    written = [cell + time for cell in cells] if time == "" or "-" in cells[0] or not cells[0].isdigit() else cells
    days = photos_of(catalogue(tmp_path, date=written), np.arange(2), list("ab")).date
    hours = 0.375 if written != cells else 0
    np.testing.assert_allclose(days, [(DAY - pd.Timestamp(0)).days + hours + more for more in (0, 11)])


def test_what_is_no_date_is_none_and_an_order_that_nothing_tells_is_told(tmp_path):
    odd = ["10:00:00", "spring", "2024:13:45", "99999999999", "31/31/2024", "2024-02-03"]
    days = photos_of(catalogue(tmp_path, date=odd), np.arange(6), list("abcdef")).date
    assert np.isnan(days[:5]).all() and not np.isnan(days[5])
    with pytest.warns(UserWarning, match="'02/03/2024' are read as month, day and year"):
        photos_of(catalogue(tmp_path, date=["02/03/2024", "05/06/2024"]), np.arange(2), list("ab"))


def test_bare_photos_have_hashes_and_know_nothing_else(tmp_path):
    catalogue(tmp_path, date=["1", "2"])
    bare = bare_photos([str(tmp_path / "0.png"), str(tmp_path / "1.png")], None)
    assert bare.hashes[0] == bare.hashes[1] != ""
    assert len(joined(bare, bare)) == 4
    with pytest.raises(AasError, match=r"gone.png cannot be opened"):
        bare_photos([str(tmp_path / "gone.png")], None)
