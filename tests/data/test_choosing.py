"""What lies at a path is read by the source that it is for, on the command line and by what lists photos."""

import json
import re
import warnings

import numpy as np
import pytest
from PIL import Image

from aas_plugin.commands.embed import photo_settings, read_photos
from aas_plugin.data.choosing import SOURCES, source_of
from aas_plugin.errors import AasError
from aas_plugin.plugins.manager import load_plugins

BATCH = {
    "detection_categories": {"1": "animal"},
    "images": [
        {"file": f"{n}.jpg", "detections": [{"category": "1", "conf": 0.9, "bbox": [0.1, 0.1, 0.5, 0.5]}]}
        for n in range(8)
    ],
}
COCO = {
    "images": [{"id": n, "file_name": f"{n}.jpg"} for n in range(8)],
    "annotations": [{"image_id": n, "category_id": 1, "bbox": [5, 4, 24, 20]} for n in range(8)],
    "categories": [{"id": 1, "name": "leopard"}],
}
LIST = [{"file": f"{n}.jpg", "label": "animal", "confidence": 1, "bbox": [4.8, 4.0, 28.8, 23.9]} for n in range(8)]
FILES = {
    "batch.json": json.dumps(BATCH),
    "list.JSON": json.dumps(LIST),
    "coco.json": json.dumps(COCO),
    "timelapse.csv": "File,RelativePath,DateTime\n" + "".join(f"{n}.jpg,,\n" for n in range(8)),
    "table.csv": "path,file,relativepath\n" + "".join(f"{n}.jpg,x,y\n" for n in range(8)),
    "datapackage.json": json.dumps({"resources": [{"name": "deployments"}]}),
    "deployments.csv": "deploymentID\nd1\n",
    "media.csv": "mediaID,deploymentID,timestamp,filePath\n" + "".join(f"m{n},d1,,{n}.jpg\n" for n in range(8)),
    "observations.csv": "mediaID,observationType\n" + "".join(f"m{n},animal\n" for n in range(8)),
}


@pytest.fixture
def traps(tmp_path):
    folder = tmp_path / "traps"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for n in range(8):
        Image.fromarray(rng.integers(0, 255, (40, 48, 3), dtype=np.uint8)).save(folder / f"{n}.jpg")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


GIVEN = [
    (".", "camtrap-dp"), ("datapackage.json", "camtrap-dp"), ("batch.json", "megadetector"),
    ("list.JSON", "megadetector"), ("coco.json", "coco-cameras"), ("timelapse.csv", "timelapse"), ("table.csv", "csv"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "source"), GIVEN)
def test_each_is_read_by_its_source(traps, aas, name, source):
    assert source_of(traps / name) == source
    said = aas("data", "show", traps / name)
    assert "8 images" in said and "error" not in said
    assert ("8 are the part of a photo" in said) == (source in ("megadetector", "coco-cameras"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert len(read_photos(traps / name)) == 8


def test_a_folder_with_another_data_package_is_a_folder(traps):
    (traps / "datapackage.json").write_text('{"resources": [{"name": "prices"}]}')
    (traps / "deployments.csv").unlink()
    assert source_of(traps) == "folder"


def test_sources_of_paths_are_registered_under_their_names():
    plugins = load_plugins()
    for name, source in SOURCES.items():
        assert plugins.component("dataset", name).options is source.options


def test_photos_are_listed_with_settings_of_their_source_and_those_that_are_missing(traps):
    (traps / "3.jpg").unlink()
    given = photo_settings(["dataset.confidence=0.95", "dataset.columns={path: file}"])
    with pytest.raises(AasError, match=r"below confidence 0\.95"):
        read_photos(traps / "batch.json", given)
    assert len(read_photos(traps / "batch.json", photo_settings(["dataset.confidence=0.5"]))) == 8
    with pytest.raises(AasError, match=r"dataset\.confidence"):
        read_photos(traps / "batch.json", photo_settings(["dataset.confidence=7"]))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("no.json", '{"a": 1}', "looked for were MegaDetector's .* found was an object with 'a'; give one of these"),
        ("no.json", "[]", "found was an empty list"),
        ("no.json", "[1, 2]", "found was a list whose first entry is a single int"),
        ("no.json", "", "is empty"),
        ("no.json", json.dumps(BATCH)[:99], "ends too early"),
        ("no.zip", "PK", "unpack it, and give the folder"),
        ("gone.json", None, "there is no such"),
    ],
)
def test_what_is_none_of_them_is_told_in_one_sentence(tmp_path, aas, name, text, message):
    if text is not None:
        (tmp_path / name).write_text(text)
    for command in (("data", "show"), ("run", "--set", "tracking.mlflow=false", "--dataset")):
        said = aas(*command, tmp_path / name, status=2)
        assert re.search(message, said), said
        assert said.startswith("error: ") and said.count("\n") == 1


def test_a_run_on_detections_is_a_run_on_their_parts_of_photos(traps, aas, tmp_path):
    tiny = (
        "training.epochs=1", "training.iterations=1", "training.height=32", "training.width=32",
        "tracking.mlflow=false", "backbone=efficientnet_lite0", "training.batch_size=8",
        "training.freeze=backbone", "unreadable=leave_out",
    )  # fmt: skip
    (traps / "3.jpg").unlink()
    flags = [part for one in tiny for part in ("--set", one)]
    given = ("--dataset", traps / "batch.json", "--run-name", "mine", "--sampler", "none", "--device", "cpu")
    said = " ".join(aas("run", *given, *flags).split())
    assert "1 of 8 images cannot be read and are left out" in said
    written = (tmp_path / "runs" / "mine" / "unreadable.csv").read_text()
    assert "3.jpg#xywh=percent:10,10,50,50" in written
