"""Tables as spreadsheets save them, and files as tables write them."""

import unicodedata
import warnings

import pandas as pd
import pytest

from aas_plugin.data.listed_files import matched_files, nearest_file
from aas_plugin.data.sources import CsvOptions, csv
from aas_plugin.data.tables import read_cells
from aas_plugin.errors import AasError

ROWS = [["path", "identity", "note"], ["ä/1.jpg", "Tom, big", "1,5"], ["ä/2.jpg", "Änne", ""]]


def put(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def lines(delimiter, rows=ROWS):
    return "\n".join(delimiter.join(f'"{cell}"' if delimiter in cell else cell for cell in row) for row in rows)


def quiet(function, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **options)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiter_encoding_and_line_ends_are_found_out(tmp_path, delimiter, encoding, end):
    (tmp_path / "t.csv").write_bytes(lines(delimiter).replace("\n", end).encode(encoding))
    table = quiet(read_cells, tmp_path / "t.csv")
    assert [list(table.columns), *table.to_numpy().tolist()] == ROWS


def test_what_spreadsheets_add_is_left_out(tmp_path):
    (tmp_path / "t.csv").write_text('sep=;\npath;identity;;\n"a;1.jpg";Tom;;\n;;;\n b.jpg;;;\n;;\n')
    table = read_cells(tmp_path / "t.csv")
    assert table.to_dict("list") == {"path": ["a;1.jpg", " b.jpg"], "identity": ["Tom", ""]}


def test_another_encoding_is_told_and_can_be_named(tmp_path):
    (tmp_path / "t.csv").write_bytes("path,identity\n1.jpg,Łoś".encode("cp1250"))
    with pytest.warns(UserWarning, match=r"Windows-1252.*dataset\.encoding"):
        read_cells(tmp_path / "t.csv")
    assert read_cells(tmp_path / "t.csv", "cp1250")["identity"].tolist() == ["Łoś"]
    with pytest.raises(AasError, match=r"t\.csv is no readable table \(unknown encoding"):
        read_cells(tmp_path / "t.csv", "nope")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04rest of a workbook", "is a workbook; save its sheet as CSV"),
        (b"", "holds no table"),
        (b"\n \n;;\n", "holds no table"),
        (b"path,identity\n1.jpg,Tom,more\n", "line 2 has more cells than the header, which has 2"),
        (b"p\x00a\x00t\x00h\x00\n\x00", "NUL bytes"),
    ],
)
def test_what_is_no_table_is_said(tmp_path, content, message):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(AasError, match=rf"t\.csv.*{message}"):
        read_cells(tmp_path / "t.csv")


@pytest.mark.parametrize("header", ["Path,Identity", " PATH ,identity ", "path,IDENTITY", '"Path","Identity"'])
def test_headers_fold_case_and_blanks(tmp_path, header):
    put(tmp_path, "1.jpg")
    (tmp_path / "t.csv").write_text(f"{header}\n1.jpg,Tom\n")
    assert csv(CsvOptions(path=tmp_path / "t.csv")).table["identity"].tolist() == ["Tom"]


def test_columns_of_other_names_are_given(tmp_path):
    put(tmp_path, "1.jpg")
    (tmp_path / "t.csv").write_text("filePath,animal,Image ID\n1.jpg,Tom,x7\n")
    with pytest.raises(AasError, match=r"no column 'path' but .*'filePath'.*--set dataset\.columns\.path=HEADER"):
        csv(CsvOptions(path=tmp_path / "t.csv"))
    table = csv(CsvOptions(path=tmp_path / "t.csv", columns={"path": "FilePath", "identity": "animal"})).table
    assert table[["path", "identity", "image_id"]].iloc[0].tolist() == ["1.jpg", "Tom", "x7"]
    with pytest.raises(AasError, match=r"no column 'colour' but 'filePath'"):
        csv(CsvOptions(path=tmp_path / "t.csv", columns={"path": "filePath", "identity": "colour"}))
    with pytest.raises(ValueError, match="'colour' is none of path"):
        CsvOptions(path=tmp_path / "t.csv", columns={"colour": "x"})


def test_two_headers_for_one_column_are_refused_unless_one_is_exact(tmp_path):
    put(tmp_path, "1.jpg")
    (tmp_path / "t.csv").write_text("path,Identity,IDENTITY\n1.jpg,Tom,Tim\n")
    with pytest.raises(AasError, match=r"column 'identity' 2 times \('Identity', 'IDENTITY'\)"):
        csv(CsvOptions(path=tmp_path / "t.csv"))
    (tmp_path / "t.csv").write_text("path,Identity,identity\n1.jpg,Tom,Tim\n")
    assert csv(CsvOptions(path=tmp_path / "t.csv")).table["identity"].tolist() == ["Tim"]


@pytest.mark.parametrize("column", ["segmentation", "Rotation", "x_min", "polygon"])
def test_columns_that_change_pixels_and_are_not_used_are_named(tmp_path, column):
    put(tmp_path, "1.jpg")
    (tmp_path / "t.csv").write_text(f"path,species,{column}\n1.jpg,cat,3\n")
    with pytest.warns(UserWarning, match=rf"'{column}' is not used.*whole photos"):
        csv(CsvOptions(path=tmp_path / "t.csv"))


@pytest.mark.parametrize(
    ("written", "file"),
    [
        ("ind1\\a 1.jpg", "ind1/a 1.jpg"),
        (".\\IND1\\A 1.JPG", "ind1/a 1.jpg"),
        ("ind1/a%201.jpg", "ind1/a 1.jpg"),
        (" ind1/a 1.jpg ", "ind1/a 1.jpg"),
        ("ind1/a\u00a01.jpg", "ind1/a 1.jpg"),
        ("C:\\Users\\me\\herd\\ind1\\a 1.jpg", "ind1/a 1.jpg"),
        ("/mnt/old/ind1/a 1.jpg", "ind1/a 1.jpg"),
        ("file:///mnt/old/ind1/a%201.jpg", "ind1/a 1.jpg"),
        ("herd/ind1/a 1.jpg", "ind1/a 1.jpg"),
        ("ind\u2013x/o\u2019neil.jpg", "ind-x/o'neil.jpg"),
        (unicodedata.normalize("NFD", "zoé/ü.jpg"), "zoé/ü.jpg"),
    ],
)
def test_paths_are_matched_as_systems_and_spreadsheets_write_them(tmp_path, written, file):
    root = tmp_path / "herd"
    put(root, "ind1/a 1.jpg", "ind2/a 1.jpg", "ind-x/o'neil.jpg", "zoé/ü.jpg", "ind1/b.jpg")
    with pytest.warns(UserWarning, match=r"1 of 2 paths are written otherwise than the files in"):
        assert matched_files(root, ["ind1/b.jpg", written]) == ["ind1/b.jpg", file]


@pytest.mark.parametrize("written", ["ind3/a.jpg", "a.jpg", "ind1/../ind1/a.jpg", "X/A.JPG", "/mnt/ind3/b.jpg", ""])
def test_what_fits_no_file_or_several_stays_as_it_is(tmp_path, written):
    put(tmp_path, "ind1/a.jpg", "ind2/a.jpg", "x/a.jpg", "x/A.jpg", "x/b.jpg")
    assert matched_files(tmp_path, [written]) == [written]


def test_a_file_that_is_elsewhere_is_not_one_of_its_name_here(tmp_path):
    put(tmp_path, "here/1.jpg", "there/1.jpg")
    assert matched_files(tmp_path / "here", [str(tmp_path / "there" / "1.jpg")]) == [str(tmp_path / "there" / "1.jpg")]
    with pytest.warns(UserWarning, match="written otherwise"):
        assert matched_files(tmp_path / "here", [str(tmp_path / "here" / "1.jpg")]) == ["1.jpg"]


def test_photos_of_two_places_are_not_one_file(tmp_path):
    put(tmp_path, "IMG_1.JPG", "p.jpg")
    written = ["C:\\ada\\IMG_1.JPG", "C:\\ben\\IMG_1.JPG"]
    assert matched_files(tmp_path, written) == written
    with pytest.warns(UserWarning):
        assert matched_files(tmp_path, [written[0], written[0], "P.JPG#xywh=1,2,3,4"]) == [
            "IMG_1.JPG", "IMG_1.JPG", "p.jpg#xywh=1,2,3,4"
        ]  # fmt: skip


def test_a_missing_file_is_told_with_the_nearest(tmp_path):
    put(tmp_path, "ind1/IMG_0001.jpg", "ind2/x.jpg")
    (tmp_path / "t.csv").write_text("path\nind1/IMG_001.jpg\n")
    with pytest.raises(AasError, match=r"'ind1/IMG_001\.jpg'.*The nearest file to .* is 'ind1/IMG_0001\.jpg'"):
        csv(CsvOptions(path=tmp_path / "t.csv"))
    assert nearest_file(tmp_path, "quite/another") is nearest_file(tmp_path, "ind1/gone.jpg") is None


def test_a_table_whose_paths_are_right_looks_at_no_folder(tmp_path, monkeypatch):
    put(tmp_path, "1.jpg", "b#xywh=1,2,3,4.jpg")
    monkeypatch.setattr("aas_plugin.data.listed_files.find_files", lambda root: pytest.fail("walked"))
    paths = ["1.jpg", "1.jpg#xywh=1,2,3,4", "b#xywh=1,2,3,4.jpg"]
    assert matched_files(tmp_path, paths) == paths


def test_boxes_of_wildlife_datasets_crop_and_are_named_by_their_photo(tmp_path):
    put(tmp_path, "1.jpg")
    frame = pd.DataFrame({"image_id": [3, 4], "path": "1.jpg", "identity": ["a", "b"]})
    frame["bbox"] = [[10.5, 0, 5, 5], [1, 2, 3, 4]]
    frame.to_csv(tmp_path / "t.csv", index=False)
    table = csv(CsvOptions(path=tmp_path / "t.csv")).table
    assert table["path"].tolist() == ["1.jpg#xywh=10.5,0,5,5", "1.jpg#xywh=1,2,3,4"]
    assert table["image_id"].tolist() == ["3", "4"]
