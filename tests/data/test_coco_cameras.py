"""COCO Camera Traps, and the table of Timelapse: what becomes a row, and what is said of the rest."""

import json

import numpy as np
import pytest
from PIL import Image

from aas_plugin.data.coco_cameras import CocoOptions, coco_cameras
from aas_plugin.data.images import open_upright
from aas_plugin.data.timelapse import TimelapseOptions, timelapse
from aas_plugin.errors import AasError

CATEGORIES = [
    {"id": 0, "name": "empty"},
    {"id": 1, "name": "leopard"},
    {"id": 2, "name": "human"},
    {"id": 3, "name": "hyena"},
]


@pytest.fixture
def traps(tmp_path):
    """Four photos of two cameras; each is red left, blue right."""
    pixels = np.zeros((40, 60, 3), dtype=np.uint8)
    pixels[:, :30], pixels[:, 30:] = (200, 0, 0), (0, 0, 200)
    for name in ("a/1.jpg", "a/2.jpg", "b/1.jpg", "b/2.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / name, quality=95)
    return tmp_path


def image(number, name, **more):
    place = {"width": 60, "height": 40, "location": name[0], "datetime": f"2024-05-01 02:0{number}:00", "seq_id": "s"}
    return {"id": number, "file_name": name} | place | more


IMAGES = [image(1, "a/1.jpg"), image(2, "a/2.jpg"), image(3, "b/1.jpg", individual="tom"), image(4, "b/2.jpg")]


def read(folder, annotations, images=IMAGES, **options):
    content = {"info": {}, "images": images, "annotations": annotations, "categories": CATEGORIES}
    (folder / "coco.json").write_text(json.dumps(content))
    return coco_cameras(CocoOptions(path=folder / "coco.json", **options))


def said(image_id, category=1, bbox=None, **more):
    return {"id": "x", "image_id": image_id, "category_id": category} | ({"bbox": bbox} if bbox else {}) | more


def test_boxes_are_parts_of_photos_and_what_has_none_is_a_whole_one(traps):
    annotations = [said(1, bbox=[0, 0, 30, 40], individual_id=7), said(1, bbox=[30.2, 0, 29.9, 40.3]), said("3")]
    with pytest.warns(UserWarning, match="left out: 2 photos without an animal$"):
        found = read(traps, annotations)
    assert found.table["path"].tolist() == ["a/1.jpg#xywh=0,0,30,40", "a/1.jpg#xywh=30,0,30,40", "b/1.jpg"]
    assert found.table["identity"].fillna("").tolist() == ["7", "", "tom"]
    assert found.table["camera"].tolist() == ["a", "a", "b"] and found.table["image_id"].tolist() == ["1", "1", "3"]
    assert found.table["date"][2] == "2024-05-01 02:03:00"
    red, blue = (np.asarray(open_upright(traps / path)) for path in found.table["path"][:2])
    assert red[20, 10, 0] > 150 and blue[20, 20, 2] > 150


@pytest.mark.parametrize("name", ["individual_id", "individual", "individualID", "identity", "name", "individual_ids"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_individuals_are_found_under_several_names(traps, name):
    value = ["leo"] if name.endswith("s") else "leo"
    assert read(traps, [said(1, **{name: value})]).table["identity"].tolist() == ["leo"]


def test_what_does_not_count_is_counted(traps):
    annotations = [
        said(1), said(2, 0), said(3, 2), said(9), said(4, 3, [0, 0, 0, 9]), said(2, bbox=[90, 0, 9, 9]),
        said(4, score=0.4), said(2, 3, [0, 0, 9, 9], score=0.9),
    ]  # fmt: skip
    with pytest.warns(UserWarning) as told:
        found = read(traps, annotations, confidence=0.5)
    assert found.table["path"].tolist() == ["a/1.jpg", "a/2.jpg#xywh=0,0,9,9"]
    text = str(told[0].message)
    for part in (
        "1 annotations of empty", "1 annotations of human", "1 annotations of images that are not listed",
        "1 annotations whose box is none (such as [0, 0, 0, 9] of b/2.jpg)", "1 annotations below confidence 0.5",
        "1 animals whose box lies beside", "animals are of 2 species, 2 leopard, 1 hyena",
    ):  # fmt: skip
        assert part in text, part
    with pytest.warns(UserWarning, match="annotations of other species"):
        assert len(read(traps, annotations, species=["HYENA"])) == 1


def test_boxes_of_larger_originals_are_scaled(traps):
    with pytest.warns(
        UserWarning, match="the files of 1 photos have another size than their list says; boxes are scaled"
    ):
        found = read(traps, [said(1, bbox=[300, 0, 300, 400])], images=[image(1, "a/1.jpg", width=600, height=400)])
    assert found.table["path"].tolist() == ["a/1.jpg#xywh=30,0,30,40"]


def test_what_is_said_of_sequences_and_mixed_zones_are_told(traps):
    images = [image(1, "a/1.jpg"), image(2, "a/2.jpg", datetime="2024-05-01T02:00:00+02:00")]
    with pytest.warns(UserWarning, match=r"1 animals are said of whole sequences.*1 of 2 times have no zone"):
        read(traps, [said(1, sequence_level_annotation=True), said(2)], images=images)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("annotations", "images", "message"),
    [
        ([], IMAGES, r"lists no animal on a photo \(left out: 4 photos without an animal\)"),
        ([said(1, 2)], IMAGES, r"no animal on a photo .*1 annotations of human"),
        ([said(1)], [image(1, "a/1.jpg"), image(1, "a/2.jpg")], "more than one image of the id '1'"),
        ([said(1)], [image(1, "z/1.jpg")], "none of the 1 photos .* dataset.root=FOLDER"),
        ([said(1)], [], "is no COCO .*an object with 'info', 'images'"),
        ({}, IMAGES, "is no COCO"),
    ],
)
def test_bad_coco_is_told_in_one_sentence(traps, annotations, images, message):
    with pytest.raises(AasError, match=message) as told:
        read(traps, annotations, images)
    assert "\n" not in str(told.value)


def read_table(folder, text, **options):
    (folder / "TimelapseData.csv").write_text(text)
    return timelapse(TimelapseOptions(path=folder / "TimelapseData.csv", **options))


TABLE = """RootFolder,File,RelativePath,DateTime,DeleteFlag,Leopard,Species
x,1.jpg,a,2024-05-01 02:00:00,false,leo,leopard
x,1.jpg,b,01-May-2024 02:01:00,false,,hyena
x,2.jpg,b\\,2024-05-01 02:02:00,false,tom,leopard
"""


def test_a_table_of_timelapse_is_read_with_its_own_columns(traps):
    with pytest.warns(UserWarning, match="animals are of 2 species"):
        found = read_table(traps, TABLE, columns={"identity": "leopard"})
    assert found.table["path"].tolist() == ["a/1.jpg", "b/1.jpg", "b/2.jpg"]
    assert found.table["camera"].tolist() == ["a", "b", "b"]
    assert found.table["identity"].fillna("").tolist() == ["leo", "", "tom"]
    assert found.table["date"].tolist() == [f"2024-05-01 02:0{n}:00" for n in range(3)]
    with pytest.warns(UserWarning, match="2 rows of other species"):
        assert len(read_table(traps, TABLE, species="hyena")) == 1


def test_species_that_are_none_are_left_out_of_timelapse_and_case_makes_no_two(traps):
    table = TABLE.replace("hyena", "Empty").replace("tom,leopard", "tom,Leopard") + "x,2.jpg,a,,false,,Human\n"
    with pytest.warns(UserWarning, match="left out: 1 rows of Empty, 1 rows of Human$"):
        assert read_table(traps, table).table["path"].tolist() == ["a/1.jpg", "b/2.jpg"]
    with pytest.warns(UserWarning, match="3 rows of other species"):
        assert len(read_table(traps, table, species="human")) == 1


def test_older_tables_and_several_rows_of_a_photo(traps):
    text = "File,RelativePath,Date,Time,identity\n1.jpg,a,03-Jun-2016,02:00:00,leo\n1.jpg,a,03-Jun-2016,02:00:00,leo\n"
    with pytest.warns(UserWarning, match=r"1 rows without a file, 1 files .*\.avi .*, 1 further observations"):
        found = read_table(traps, text + ",a,,,\nfilm.avi,a,,,\n")
    assert found.table[["path", "identity", "date"]].to_numpy().tolist() == [["a/1.jpg", "leo", "2016-06-03 02:00:00"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,identity\na/1.jpg,leo\n", "is no table of Timelapse"),
        ("File,RelativePath\n1.jpg,z\n", "none of the 1 photos"),
        ("File,RelativePath\n", "lists no animal on a photo; give another file"),
    ],
)
def test_bad_tables_are_told(traps, text, message):
    with pytest.raises(AasError, match=message):
        read_table(traps, text)
