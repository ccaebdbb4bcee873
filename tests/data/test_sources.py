"""Catalogues from folders and CSVs, good and bad."""

import pandas as pd
import pytest
from PIL import Image
from pydantic import ValidationError

from aas_plugin.data.images import open_upright
from aas_plugin.data.sources import CsvOptions, FolderOptions, csv, folder
from aas_plugin.errors import AasError


def put(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def read_folder(root, **options):
    return folder(FolderOptions(path=root, **options))


def read_csv(place, text, **options):
    (place / "metadata.csv").write_text(text, encoding="utf-8")
    return csv(CsvOptions(path=place / "metadata.csv", **options))


def test_folders_name_individuals(tmp_path):
    put(tmp_path, "zoé/2.jpg", "zoé/1.jpg", "big tom/a b.png")
    catalogue = read_folder(tmp_path)
    assert catalogue.table["path"].tolist() == ["big tom/a b.png", "zoé/1.jpg", "zoé/2.jpg"]
    assert catalogue.table["identity"].tolist() == ["big tom", "zoé", "zoé"]
    assert (catalogue.name, catalogue.root) == (tmp_path.name, tmp_path)


def test_a_flat_folder_has_no_individuals(tmp_path):
    put(tmp_path, "b.jpg", "a.jpg")
    catalogue = read_folder(tmp_path, title="herd")
    assert catalogue.table["path"].tolist() == ["a.jpg", "b.jpg"]
    assert not catalogue.has_identities
    assert catalogue.name == "herd"


def test_only_visible_images_count_whatever_the_case_of_their_suffix(tmp_path):
    images = ["A.JPG", "b.jpeg", "c.Png", "d.bmp", "e.webp", "f.tif", "g.TIFF", "h.jfif", "i.avif"]
    put(tmp_path, *images, ".hidden.jpg", "._A.JPG", ".cache/x.jpg")
    assert read_folder(tmp_path).table["path"].tolist() == images


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a/1.jpg", "b/1.xyz", "b/2.xyz"], r"2 files are left out: 2 \.xyz; no image is left of 'b', which is absent"),
        (["a/1.jpg", "a/x.NEF", "a/y.mov"], r"1 \.mov \(take pictures.*, 1 \.nef \(export them as JPEG\)"),
        (["a/1.jpg", "README"], "1 files are left out: 1 without a suffix"),
        (["a/1.jpg", "b/.hidden.jpg", "c/.keep"], "no image is left of 'b', 'c', which are absent"),
        (["1.jpg", "notes.txt", "2.Txt"], r"2 files are left out: 2 \.txt"),
    ],
)
def test_what_is_left_out_is_counted_and_folders_without_an_image_are_named(tmp_path, names, message):
    put(tmp_path, *names)
    with pytest.warns(UserWarning, match=message):
        assert len(read_folder(tmp_path)) == 1


def test_a_folder_without_any_image_says_what_it_has(tmp_path):
    put(tmp_path, "a/1.cr2", "a/2.cr2")
    with pytest.raises(AasError, match=r"has no images but 2 \.cr2 \(export them as JPEG\)"):
        read_folder(tmp_path)


def test_heic_is_read_with_its_package_and_told_without(tmp_path, monkeypatch):
    pillow_heif = pytest.importorskip("pillow_heif")
    (tmp_path / "ann").mkdir()
    pillow_heif.from_pillow(Image.new("RGB", (8, 8), (200, 0, 0))).save(tmp_path / "ann" / "1.HEIC")
    put(tmp_path, "ben/1.jpg")
    assert read_folder(tmp_path).describe()["individuals"] == 2
    assert open_upright(tmp_path / "ann" / "1.HEIC").getpixel((4, 4))[0] > 150
    monkeypatch.setattr("aas_plugin.data.sources.is_image", lambda name: name.endswith(".jpg"))
    with pytest.warns(UserWarning, match=r"1 \.heic \(pip install 'aas-plugin\[heic\]' reads them\).*left of 'ann'"):
        assert read_folder(tmp_path).describe()["individuals"] == 1


def test_linked_folders_are_followed_but_not_in_circles(tmp_path):
    put(tmp_path, "elsewhere/1.jpg")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ann").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "again").symlink_to(tmp_path / "elsewhere")
    assert read_folder(tmp_path / "data").table["path"].tolist() == ["ann/1.jpg"]


def test_mixed_forms_name_both(tmp_path):
    put(tmp_path, "stray.jpg", "ann/1.jpg")
    with pytest.raises(AasError, match=r"'stray\.jpg'.*'ann/1\.jpg'"):
        read_folder(tmp_path)


def test_deeper_images_are_named(tmp_path):
    put(tmp_path, "ann/1.jpg", "train/bob/2.jpg")
    with pytest.raises(AasError, match=r"more than one folder down: 'train/bob/2\.jpg'"):
        read_folder(tmp_path)


def test_an_empty_folder_is_an_error(tmp_path):
    put(tmp_path, "notes.txt")
    with pytest.raises(AasError, match="has no images"):
        read_folder(tmp_path)


def test_a_folder_that_is_none_is_an_error(tmp_path):
    with pytest.raises(AasError, match="is not a folder"):
        read_folder(tmp_path / "nowhere")


def test_a_csv_of_wildlife_reid_10k(tmp_path):
    put(tmp_path, "images/1.jpg", "images/2 é.jpg")
    catalogue = read_csv(
        tmp_path,
        "image_id,identity,path,species,date,orientation,split,dataset\n"
        "i1,7,images/2 é.jpg,cat,2020-01-01,left,train,Cats\n"
        "i2,,images/1.jpg,cat,,,test,Cats\n",
    )
    assert catalogue.table["path"].tolist() == ["images/2 é.jpg", "images/1.jpg"]
    assert catalogue.table["identity"].tolist() == ["7", pd.NA]
    assert catalogue.table["split"].tolist() == ["train", "test"]
    assert catalogue.table["orientation"].tolist() == ["left", pd.NA]
    assert (catalogue.name, catalogue.root) == (tmp_path.name, tmp_path)


def test_a_csv_needs_only_paths(tmp_path):
    put(tmp_path, "1.jpg")
    assert not read_csv(tmp_path, "path\n1.jpg\n").has_identities


def test_a_csv_may_have_its_images_elsewhere(tmp_path):
    put(tmp_path, "photos/1.jpg")
    catalogue = read_csv(tmp_path, "path\n1.jpg\n", root=tmp_path / "photos", title="herd")
    assert (catalogue.name, catalogue.root) == ("herd", tmp_path / "photos")


@pytest.mark.parametrize(("written", "read"), [("7.0", "7"), ("07", "07"), ("Nan", pd.NA), ("Nana", "Nana")])
def test_identities_are_text_and_blanks_are_missing(tmp_path, written, read):
    put(tmp_path, "1.jpg", "2.jpg")
    catalogue = read_csv(tmp_path, f"path,identity\n1.jpg,{written}\n2.jpg,\n")
    assert catalogue.table["identity"].tolist() == [read, pd.NA]


def test_a_csv_saved_by_a_spreadsheet(tmp_path):
    put(tmp_path, "1.jpg")
    catalogue = read_csv(tmp_path, "\ufeffpath,identity\r\n1.jpg,ann\r\n")
    assert catalogue.table[["path", "identity"]].iloc[0].tolist() == ["1.jpg", "ann"]


def test_a_csv_without_paths_names_the_file_and_its_columns(tmp_path):
    with pytest.raises(AasError, match=r"metadata\.csv has no column 'path' but 'file', 'identity'"):
        read_csv(tmp_path, "file,identity\n1.jpg,ann\n")


def test_duplicates_and_missing_files_of_a_csv_are_named(tmp_path):
    put(tmp_path, "1.jpg")
    with pytest.raises(AasError, match=r"more than once: '1\.jpg'"):
        read_csv(tmp_path, "path\n1.jpg\n1.jpg\n")
    with pytest.raises(AasError, match=r"not in .*: '2\.jpg'"):
        read_csv(tmp_path, "path\n1.jpg\n2.jpg\n")


def test_a_csv_with_only_a_header_has_no_images(tmp_path):
    with pytest.raises(AasError, match="has no images"):
        read_csv(tmp_path, "path,identity\n")


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00p", b'path\n"unclosed', b"path,split\na.jpg,b,c"])
def test_a_file_that_is_no_csv_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "metadata.csv").write_bytes(content)
    with pytest.raises(AasError, match=r"metadata\.csv"):
        csv(CsvOptions(path=tmp_path / "metadata.csv"))


@pytest.mark.parametrize("options", [FolderOptions, CsvOptions])
def test_an_unknown_option_is_refused(options):
    with pytest.raises(ValidationError, match="colour"):
        options(path="x", colour="red")
