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


def test_bare_photos_have_hashes_and_know_nothing_else(tmp_path):
    catalogue(tmp_path, date=["1", "2"])
    bare = bare_photos([str(tmp_path / "0.png"), str(tmp_path / "1.png")], None)
    assert bare.hashes[0] == bare.hashes[1] != ""
    assert len(joined(bare, bare)) == 4
    with pytest.raises(AasError, match=r"gone.png cannot be opened"):
        bare_photos([str(tmp_path / "gone.png")], None)
