"""Photos that cannot be read: found before a run, and left out of it where that is wanted."""

import csv

import pytest
from PIL import Image


@pytest.fixture
def broken(tmp_path):
    for name in ("ann", "bob", "cat"):
        (tmp_path / "herd" / name).mkdir(parents=True)
        for number in range(5):
            shade = 20 * number + 100 * (name == "bob")
            Image.effect_noise((48, 48), shade + 10).convert("RGB").save(tmp_path / "herd" / name / f"{number}.jpg")
    short, empty, page = (tmp_path / "herd" / name for name in ("ann/0.jpg", "bob/1.jpg", "cat/2.jpg"))
    short.write_bytes(short.read_bytes()[:-40])
    empty.write_bytes(b"")
    page.write_text("<html>not found</html>")
    return ["ann/0.jpg", "bob/1.jpg", "cat/2.jpg"]


TINY = (
    "--set", "training.epochs=1", "--set", "training.iterations=1", "--set", "training.height=32",
    "--set", "training.width=32", "--set", "tracking.mlflow=false", "--set", "backbone=efficientnet_lite0",
    "--set", "training.batch_size=8", "--set", "training.freeze=backbone", "--set", "active.budget=3",
    "--device", "cpu",
)  # fmt: skip


def test_looking_at_a_data_set_finds_them_and_still_draws_the_others(broken, tmp_path, aas):
    said = aas("data", "show", "herd", "--sheet", "sheet.png", status=3)
    assert "3 images cannot be read" in said and all(path in said for path in broken)
    assert Image.open(tmp_path / "sheet.png").width > 96
    said = aas("data", "show", "herd", "--set", "unreadable=leave_out", status=3)
    assert "12 images" in said and all(path in said for path in broken)


def test_boxes_are_told_and_one_beside_its_photo_is_found(broken, tmp_path, aas):
    rows = 'path,bbox\nann/1.jpg,"0,0,20,48"\nann/1.jpg,"20,0,20,48"\nann/2.jpg,"90,0,9,9"\nann/3.jpg,\n'
    (tmp_path / "herd" / "boxes.csv").write_text(rows)
    said = aas("data", "show", "herd/boxes.csv", status=3)
    assert "4 images" in said and "3 are the part of a photo that their box holds" in said
    assert "1 images cannot be read" in said and "ann/2.jpg#xywh=90,0,9,9: its box 90, 0, 9, 9 holds no pixel" in said


def test_a_run_stops_and_names_the_way_to_do_without_them(broken, tmp_path, aas):
    said = aas("run", "--dataset", "herd", "--adapter", "spcl", *TINY, status=2)
    assert "3 of 15 images" in said and "--set unreadable=leave_out" in said and all(path in said for path in broken)


def test_a_run_without_them_lists_them_in_its_folder_and_goes_on_without_them(broken, tmp_path, aas):
    given = ("--dataset", "herd", "--adapter", "spcl", "--set", "unreadable=leave_out", "--run-name", "mine")
    said = aas("run", *given, *TINY)
    assert "3 of 15 images cannot be read and are left out" in said
    with (tmp_path / "runs" / "mine" / "unreadable.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == broken and all(row["reason"] for row in rows)
    aas("run", "--resume", "--run-name", "mine")


def test_a_photo_of_a_table_that_is_missing_is_one_that_cannot_be_read(broken, tmp_path, aas):
    good = [f"ann/{number}.jpg" for number in range(1, 5)]
    (tmp_path / "herd" / "some.csv").write_text("\n".join(["path", *good, *(f"cat/gone{n}.jpg" for n in range(7))]))
    said = aas("data", "show", "herd/some.csv", status=3)
    assert "7 images cannot be read" in said and "cat/gone6.jpg" in said and "4 images" in said
    assert "unreadable=leave_out" in aas("run", "--dataset", "herd/some.csv", *TINY, status=2)
    said = aas("run", "--dataset", "herd/some.csv", "--set", "unreadable=leave_out", "--sampler", "none", *TINY)
    assert "7 of 11 images cannot be read and are left out" in " ".join(said.split())


def test_nothing_that_can_be_read_is_said(broken, tmp_path, aas):
    (tmp_path / "all").mkdir()
    for name in ("a.png", "b.png"):
        (tmp_path / "all" / name).write_text("no photo")
    assert "2 images cannot be read" in aas("data", "show", "all", "--sheet", "sheet.png", status=3)
    for path in (tmp_path / "herd").rglob("*.jpg"):
        path.write_bytes(b"")
    said = aas("run", "--dataset", "herd", "--set", "unreadable=leave_out", *TINY, status=2)
    assert "none of the 15 images" in said
