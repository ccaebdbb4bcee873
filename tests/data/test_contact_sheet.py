"""A contact sheet shows one individual a row, its sides together."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from aas_plugin.data.catalogue import make_catalogue
from aas_plugin.data.contact_sheet import GAP, contact_sheet

COLOURS = {"left": 80, "right": 160}


@pytest.fixture
def herd(tmp_path):
    rows = []
    for individual, count in (("one", 2), ("many", 6)):
        for number in range(count):
            side = ("right", "left")[number % 2]
            path = f"{individual}{number}.png"
            Image.new("L", (20, 20), COLOURS[side]).save(tmp_path / path)
            rows.append((path, individual, side))
    return make_catalogue("herd", tmp_path, pd.DataFrame(rows, columns=["path", "identity", "orientation"]))


def cell(sheet, row, column, size=16):
    pixels = np.asarray(sheet)
    return pixels[row * (size + GAP) + size // 2, column * (size + GAP) + size // 2, 0]


def test_the_most_photographed_comes_first_with_its_sides_together(herd):
    sheet = contact_sheet(herd, rows=2, columns=6, size=16)
    assert [cell(sheet, 0, column) for column in range(6)] == [80, 80, 80, 160, 160, 160]
    assert [cell(sheet, 1, column) for column in range(6)] == [80, 160, 255, 255, 255, 255]


def test_few_columns_show_both_sides(herd):
    sheet = contact_sheet(herd, rows=1, columns=2, size=16)
    assert sheet.size == (2 * 16 + GAP, 16)
    assert [cell(sheet, 0, 0), cell(sheet, 0, 1)] == [80, 160]


def test_without_identities_photos_follow_each_other(herd):
    nameless = make_catalogue("herd", herd.root, herd.table[["path"]])
    sheet = contact_sheet(nameless, rows=2, columns=6, size=16)
    assert [cell(sheet, 0, column) for column in range(6)] == [160, 80, 160, 80, 160, 80]
    assert [cell(sheet, 1, column) for column in range(6)] == [160, 80, 255, 255, 255, 255]
