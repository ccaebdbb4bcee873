"""Codes for "not identified" name no individual, wherever a data set comes from."""

import warnings

import pandas as pd
import pytest
from PIL import Image

from aas_plugin.data.catalogue import make_catalogue
from aas_plugin.data.sources import CsvOptions, FolderOptions, csv, folder
from aas_plugin.data.unidentified import UNKNOWN, is_unknown
from aas_plugin.data.wildlife import WildlifeOptions, wildlife


def put(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(root / name)


@pytest.mark.parametrize(
    "code",
    ["NA", "n/a", "NaN", "None", "NULL", " unknown ", "Unidentified", "unnamed", "-1", "?", "not_identified", "-1.0"],
)
def test_a_code_is_nobody_in_a_table_and_it_is_told(tmp_path, code):
    put(tmp_path, "1.jpg", "2.jpg", "3.jpg")
    (tmp_path / "t.csv").write_text(f'path,identity\n1.jpg,Tom\n2.jpg,"{code}"\n3.jpg,\n')
    with pytest.warns(UserWarning, match=r": 1 photos of .* are taken as not identified.*dataset\.unknown=\[\]"):
        found = csv(CsvOptions(path=tmp_path / "t.csv"))
    assert found.table["identity"].tolist() == ["Tom", pd.NA, pd.NA]


def test_a_folder_of_the_unknown_is_no_individual(tmp_path):
    put(tmp_path, "ada/1.jpg", "Unknown/1.jpg", "Unknown/2.jpg", "n.a./1.jpg")
    with pytest.warns(UserWarning, match=r"folder .*: 2 photos in 'Unknown', 1 photos in 'n\.a\.' are taken as not"):
        found = folder(FolderOptions(path=tmp_path))
    assert found.describe()["individuals"] == 1 and len(found) == 4


def test_an_animal_called_na_is_one_where_the_setting_says_so(tmp_path):
    put(tmp_path, "Na/1.jpg", "xx/1.jpg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert folder(FolderOptions(path=tmp_path, unknown=())).table["identity"].tolist() == ["Na", "xx"]
    with pytest.warns(UserWarning):
        assert folder(FolderOptions(path=tmp_path, unknown=["XX"])).table["identity"].tolist() == ["Na", pd.NA]


def test_a_code_for_nobody_does_not_keep_numbers_from_being_whole(tmp_path):
    put(tmp_path, "1.jpg", "2.jpg")
    table = pd.DataFrame({"path": ["1.jpg", "2.jpg"], "identity": ["7.0", "unknown"]})
    with pytest.warns(UserWarning):
        assert make_catalogue("m", tmp_path, table).table["identity"].tolist() == ["7", pd.NA]


def test_blanks_are_nobody_whatever_the_setting(tmp_path):
    put(tmp_path, "1.jpg", "2.jpg", "3.jpg")
    table = pd.DataFrame({"path": ["1.jpg", "2.jpg", "3.jpg"], "identity": ["", float("nan"), "NA"]})
    assert make_catalogue("m", tmp_path, table, unknown=()).table["identity"].tolist() == [pd.NA, pd.NA, "NA"]


def test_the_unknown_of_wildlife10k_are_nobody_with_or_without_the_subset_before_them(tmp_path):
    put(tmp_path, *(f"{number}.jpg" for number in range(6)))
    rows = ["SealID_a", "SealID_unknown", "SealID_NA", "b", "unknown", "c"]
    lines = [f"{n}.jpg,{name},train,{'SealID' if n < 3 else 'CZoo'}" for n, name in enumerate(rows)]
    (tmp_path / "metadata.csv").write_text("\n".join(["path,identity,split,dataset", *lines]))
    with pytest.warns(UserWarning, match="not identified"):
        found = wildlife(WildlifeOptions(path=tmp_path))
    assert found.table["identity"].fillna("-").tolist() == ["SealID_a", "-", "-", "CZoo_b", "-", "CZoo_c"]


def test_no_code_of_the_list_is_missed_in_any_case():
    assert all(is_unknown([code.upper() for code in UNKNOWN]))
    assert is_unknown(["Nana", "unknown1", "0", "-2", "?a", None, pd.NA, 7]) == [False] * 5 + [True, True, False]
