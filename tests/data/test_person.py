"""Market-1501 and PersonX from a few of their file names, and how they are evaluated."""

from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from aas_plugin.data.person import PersonOptions, person
from aas_plugin.data.splits import own_protocol
from aas_plugin.errors import AasError
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.settings.resolving import resolve

FIXTURES = Path(__file__).parent / "fixtures"


def unpack(root, name):
    for line in (FIXTURES / f"{name}.txt").read_text().split():
        (root / line).parent.mkdir(parents=True, exist_ok=True)
        if line.endswith(".jpg"):
            Image.new("RGB", (8, 16)).save(root / line)
        else:
            (root / line).write_bytes(b"")
    return root


def read(root, name="market1501"):
    return person(PersonOptions(path=root), name)


@pytest.mark.parametrize("inside", [".", "Market-1501-v15.09.15"])
def test_market1501_has_queries_a_gallery_with_distractors_and_junk_on_no_side(tmp_path, inside):
    unpack(tmp_path / inside, "market1501")
    catalogue = read(tmp_path)
    assert catalogue.name == "market1501"
    table = catalogue.table.set_index("path")
    assert len(table) == 12
    junk = table.loc["bounding_box_test/-1_c1s1_000401_03.jpg"]
    assert junk[["identity", "split"]].isna().all()
    distractor = table.loc["bounding_box_test/0000_c2s1_000801_04.jpg"]
    assert (distractor["split"], distractor["camera"]) == ("gallery", "2")
    assert pd.isna(distractor["identity"])
    assert table.loc["bounding_box_train/0007_c3s3_077419_03.jpg"].tolist()[:2] == ["0007", "train"]
    assert table.loc["query/0003_c4s6_015641_00.jpg"].tolist()[:4] == ["0003", "query", pd.NA, "4"]
    assert catalogue.describe() == {"images": 12, "individuals": 4, "train": 4, "test": 7, "orientations": 0}


def test_personx_has_cameras_beyond_9(tmp_path):
    table = read(unpack(tmp_path / "subset1", "personx").parent, "personx").table
    assert table["camera"].tolist() == ["12", "8", "3", "10", "3"]
    assert table["split"].tolist() == ["train", "train", "query", "gallery", "gallery"]
    assert table["identity"].tolist() == ["0001", "0001", "0411", "0411", "0411"]


def test_the_protocol_is_that_of_the_data_set(tmp_path):
    catalogue = read(unpack(tmp_path, "market1501"))
    protocol = own_protocol(catalogue)
    names = catalogue.table["path"].to_numpy()
    assert len(protocol.query) == 2 and protocol.known.all()
    assert len(protocol.gallery) == 5
    assert all(name.startswith("bounding_box_test/") for name in names[protocol.gallery])


def test_its_size_and_its_camera_filter_come_with_the_data_set(tmp_path):
    settings = resolve(load_plugins(), [{"dataset": {"name": "market1501", "path": str(tmp_path)}}])
    assert (settings.training.height, settings.training.width) == (256, 128)
    assert settings.evaluation.ignore_same_camera


def test_several_data_sets_in_a_folder_are_named(tmp_path):
    for number in "12":
        unpack(tmp_path / number, "personx")
    with pytest.raises(AasError, match="several data sets, '1', '2'; give the path of one"):
        read(tmp_path, "personx")


@pytest.mark.parametrize("folder", ["query", "bounding_box_train", "bounding_box_test"])
def test_a_folder_that_is_missing_is_named(tmp_path, folder):
    unpack(tmp_path, "personx")
    (tmp_path / folder).rename(tmp_path / "elsewhere")
    with pytest.raises(AasError, match=f"has no folder {folder};"):
        read(tmp_path)


def test_a_place_without_any_is_an_error(tmp_path):
    with pytest.raises(AasError, match="has no folder bounding_box_train, query, bounding_box_test"):
        read(tmp_path)
    with pytest.raises(AasError, match="nowhere is not a folder"):
        read(tmp_path / "nowhere")


def test_images_of_another_name_are_named(tmp_path):
    unpack(tmp_path, "market1501")
    Image.new("RGB", (8, 8)).save(tmp_path / "query" / "holiday.jpg")
    with pytest.raises(AasError, match=r"person and camera, such as 0002_c1: 'query/holiday\.jpg'"):
        read(tmp_path)
