"""The command line as a user meets it: in an empty folder, with bad input, and on photos of their own."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

SMALL = [
    "training.epochs=2", "training.iterations=1", "training.batch_size=4", "training.instances=2",
    "training.height=32", "training.width=32", "training.padding=2", "active.every=1", "active.cycles=2",
    "active.budget=5", "tracking.system_metrics=false",
]  # fmt: skip
TINY = ["-p", "aas_plugin.testing.backbone"]


def process(folder, *arguments, status=0):
    """What a process of its own says to stdout and to stderr."""
    command = [sys.executable, "-m", "aas_plugin", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr


def flags(*settings):
    return ["run", *(part for setting in (*SMALL, *settings) for part in ("--set", setting))]


@pytest.fixture
def run(aas):
    """`aas run` with small settings, on two convolutions, without a new process."""
    return lambda *arguments, status=0: aas(*flags("backbone=tiny"), *TINY, *arguments, status=status)


def photos(folder, individuals=3, each=4, seed=0, nested=True):
    rng = np.random.default_rng(seed)
    for i in range(individuals):
        for j in range(each):
            place = folder / f"animal {i}" if nested else folder
            place.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((40, 30)).save(place / f"é{i} {j}.jpg")
    return folder


def test_photos_of_ones_own_in_an_empty_folder_and_a_second_look(tmp_path):
    photos(tmp_path / "herd")
    shown = process(tmp_path, *flags("backbone=efficientnet_lite0"), "--dataset", "herd")[0]
    assert "12 images of 3 individuals" in shown
    assert f"mlflow ui --backend-store-uri sqlite:///{tmp_path}/mlflow.db" in shown
    assert [line.split()[0] for line in shown.splitlines() if line[:5].strip().isdigit()] == ["0", "1", "2"]
    assert (tmp_path / "mlflow.db").exists()
    assert (tmp_path / "runs" / "spcl-folder-aas-0" / "answers.jsonl").exists()

    saved = json.loads((tmp_path / "runs" / "spcl-folder-aas-0" / "metrics.json").read_text())
    again = json.loads(process(tmp_path, "evaluate", "spcl-folder-aas-0", "--json")[0])
    for name in ("mAP", "top1", "BAKS"):
        assert again[name] == saved[name] or abs(again[name] - saved[name]) < 1e-6


def test_params_yaml_is_read_and_flags_are_stronger(tmp_path, run):
    photos(tmp_path / "herd")
    (tmp_path / "params.yaml").write_text("dataset: {name: folder, path: herd}\nseed: 5\nsampler: random\n")
    run("--sampler", "none", "--run-name", "mine")
    config = (tmp_path / "runs" / "mine" / "config.yaml").read_text()
    assert "seed: 5" in config
    assert "sampler:\n  name: none" in config


def test_photos_without_identities_train_without_questions(tmp_path, run):
    photos(tmp_path / "herd", nested=False)
    assert "has no identity" in run("--dataset", "herd", status=2)
    assert "Done in" in run("--dataset", "herd", "--sampler", "none")


@pytest.mark.parametrize("adapter", ["spcl", "cluster-contrast", "pplr"])
def test_every_method_trains_on_photos_of_every_mode(tmp_path, run, adapter):
    herd = photos(tmp_path / "herd", individuals=2, each=3)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (40, 30), 90).save(herd / "animal 0" / "grey.jpg")
    Image.new("CMYK", (40, 30), (0, 90, 90, 0)).save(herd / "animal 0" / "cmyk.jpg")
    Image.new("RGBA", (40, 30), (200, 90, 0, 128)).save(herd / "animal 1" / "alpha.png")
    Image.new("RGB", (40, 30), (9, 90, 0)).save(herd / "animal 1" / "turned.jpg", exif=exif)
    shown = run("--dataset", "herd", "--adapter", adapter)
    assert "10 images of 2 individuals" in shown and "Done in" in shown


def test_unreadable_images_are_all_named_before_training(tmp_path, run):
    herd = photos(tmp_path / "herd")
    (herd / "animal 0" / "text.jpg").write_text("not a photo")
    whole = (herd / "animal 1" / "é1 0.jpg").read_bytes()
    (herd / "animal 1" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    shown = run("--dataset", "herd", status=2)
    assert "text.jpg" in shown
    assert "cut.jpg" in shown
    assert not (tmp_path / "runs" / "spcl-folder-aas-0" / "config.yaml").exists()


@pytest.mark.parametrize(("individuals", "each"), [(1, 3), (1, 12), (12, 1)])
def test_odd_herds_end_well(tmp_path, run, individuals, each):
    photos(tmp_path / "herd", individuals, each)
    assert "Done in" in run("--dataset", "herd")


def test_identical_images_end_well(tmp_path, run):
    herd = photos(tmp_path / "herd", individuals=3, each=1)
    for i in range(3):
        for j in range(1, 5):
            shutil.copy(herd / "animal 0" / "é0 0.jpg", herd / f"animal {i}" / f"copy{j}.jpg")
    assert "Done in" in run("--dataset", "herd")


def test_bad_input_is_one_sentence_to_stderr_and_status_2(tmp_path):
    shown, error = process(tmp_path, "run", "--adapter", "splc", status=2)
    assert "error" not in shown
    assert error.count("error:") == 1 and "did you mean 'spcl'" in error


def test_each_bad_input_is_one_sentence(tmp_path, run):
    (tmp_path / "empty").mkdir()
    photos(tmp_path / "one", individuals=1, each=1)
    (tmp_path / "list.csv").write_text("file,identity\na.jpg,1\n")
    photos(tmp_path / "herd")
    (tmp_path / "twice.csv").write_text("path,identity\nherd/animal 0/é0 0.jpg,1\nherd/animal 0/é0 0.jpg,2\n")
    for arguments, message in [
        (["--dataset", "empty"], "empty"),
        (["--dataset", "one"], "at least 2"),
        (["--dataset", "list.csv"], "path"),
        (["--dataset", "twice.csv"], "é0 0.jpg"),
        (["--dataset", "cots"], "did you mean 'coats'"),
        (["--adapter", "splc"], "did you mean 'spcl'"),
        (["--resume"], "no run to go on with"),
        (["--run-name", "../x"], "--run-name"),
        (["--device", "cuda:99", "--dataset", "herd"], "GPU"),
        (["-p", "no_such_module"], "no such module"),
        (
            ["--adapter", "pplr", "--dataset", "herd", "--set", "backbone=efficientnet_lite0"],
            "3 stripes, but images of training.height 32 give maps of height 1",
        ),
        (["--set", "training.batch_size=6", "--set", "training.instances=4"], "must be a multiple"),
    ]:
        shown = run(*arguments, status=2)
        assert message in shown, (arguments, shown)
        assert shown.count("error:") == 1


def test_resuming_with_another_setting_names_it(tmp_path, run, aas):
    photos(tmp_path / "herd")
    run("--dataset", "herd")
    shown = aas("run", *TINY, "--resume", "--set", "training.epochs=9", status=2)
    assert "training.epochs: 2 -> 9" in shown
    (tmp_path / "herd" / "animal 0" / "é0 0.jpg").write_bytes(
        (tmp_path / "herd" / "animal 0" / "é0 1.jpg").read_bytes()
    )
    assert "changed since" in aas("run", *TINY, "--resume", status=2)


def test_plugins_and_data_are_shown(tmp_path, aas):
    rows = json.loads(aas("plugins", "--json"))
    assert {"default", "spcl"} <= {row["name"] for row in rows}
    photos(tmp_path / "herd")
    shown = aas("data", "show", "herd", "--sheet", "sheet.png")
    assert "12 images" in shown
    assert Image.open(tmp_path / "sheet.png").width > 100


@pytest.mark.nightly
def test_a_herd_of_singletons_is_told_why_there_is_no_map(tmp_path, run):
    photos(tmp_path / "herd", individuals=12, each=1)
    assert "There is no mAP because every individual has one photo" in run("--dataset", "herd")
