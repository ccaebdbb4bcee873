"""`aas data check` on small folders: what it prints, what it writes, and what is no data."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

TINY = ("-p", "aas_plugin.testing.backbone", "--set", "backbone=tiny", "--set", "training.height=32")
TINY = (*TINY, "--set", "training.width=32", "--device", "cpu")


def draw(folder, individuals=6, each=4, nested=True):
    rng = np.random.default_rng(0)
    for i in range(individuals):
        pattern = rng.integers(0, 256, (8, 8, 3))
        for j in range(each):
            place = folder / f"animal {i}" if nested else folder
            place.mkdir(parents=True, exist_ok=True)
            pixels = np.clip(pattern + rng.integers(-20, 21, pattern.shape), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).resize((40, 30)).save(place / f"{i} {j}.png")
    return folder


def test_individuals_copies_and_broken_photos_are_counted_and_named(tmp_path, aas):
    draw(tmp_path / "herd")
    shutil.copy(tmp_path / "herd" / "animal 0" / "0 0.png", tmp_path / "herd" / "animal 0" / "copy.png")
    (tmp_path / "herd" / "animal 1" / "broken.png").write_bytes(b"no image")
    shown = aas("data", "check", "herd", *TINY, "--json", "check.json")
    result = json.loads((tmp_path / "check.json").read_text())
    assert "25 photos, 6 individuals" in shown
    assert "animal 1/broken.png" in shown
    assert list(result["unreadable"]) == ["animal 1/broken.png"]
    assert result["exact_duplicates"] == 1
    assert result["purity"]["images"] == 24
    assert result["purity"]["top1"] > 0.8
    assert f"clustering.k1={result['clustering']['k1']}" in shown
    assert result["verdict"] == "good"
    assert "nan" not in shown.lower().split()


def test_photos_without_individuals(tmp_path, aas):
    draw(tmp_path / "herd", nested=False)
    shown = aas("data", "check", "herd", *TINY)
    assert "24 photos, no individual is known" in shown
    assert "neighbours" not in shown
    assert "Without known individuals this is a guess" in shown


def test_flanks_of_a_csv(tmp_path, aas):
    draw(tmp_path / "herd", nested=False)
    rows = ["path,identity,orientation"]
    rows += [f"herd/{i} {j}.png,{i},{'left' if j % 2 or i == 0 else 'right'}" for i in range(6) for j in range(4)]
    (tmp_path / "herd.csv").write_text("\n".join(rows))
    assert "left, right: 1 of 6 individuals from one only" in aas("data", "check", "herd.csv", *TINY)


@pytest.mark.parametrize("each", [1, 2])
def test_one_photo_and_two(tmp_path, aas, each):
    draw(tmp_path / "herd", 1, each, nested=False)
    assert "too few different photos" in aas("data", "check", "herd", *TINY)


def test_an_empty_folder_is_one_sentence(tmp_path, aas):
    (tmp_path / "herd").mkdir()
    assert "has no images" in aas("data", "check", "herd", *TINY, status=2)
