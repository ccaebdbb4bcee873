"""`aas embed` and `aas match` on photos whose individuals are colours, and what they say to bad input."""

import numpy as np
import pandas as pd
import pytest
import torch
from animals import Colour
from PIL import Image
from typer.testing import CliRunner

from aas_plugin.cli import app
from aas_plugin.errors import AasError
from aas_plugin.models.portable import PortableModel

COLOURS = {"ada": (250, 10, 10), "ben": (10, 250, 10), "cleo": (10, 200, 250), "dan": (240, 240, 10)}


def draw(folder, names, each=2, nested=True, seed=0):
    rng = np.random.default_rng(seed)
    for name in names:
        for number in range(each):
            place = folder / name if nested else folder
            place.mkdir(parents=True, exist_ok=True)
            noise = rng.integers(-10, 11, (12, 9, 3))
            pixels = np.clip(np.array(COLOURS[name]) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(place / f"{name} {number}.png")
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    torch.save(PortableModel(Colour(), 8, 8), tmp_path / "runs" / "mine" / "model.pt")
    draw(tmp_path / "gallery", ["ada", "ben", "cleo"])
    draw(tmp_path / "new", ["ben", "dan"], each=1, nested=False, seed=1)
    return tmp_path


def aas(*arguments):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None:
        raise done.exception
    return done.stdout


def test_photos_that_were_embedded_before_are_not_embedded_again(here):
    def kept():
        return sorted(len(np.load(path)["hashes"]) for path in (here / "runs" / ".aas_cache").rglob("*.npz"))

    aas("embed", "mine", "gallery")
    first = pd.read_parquet("features.parquet")
    assert kept() == [6]
    draw(here / "gallery", ["dan"], each=1, seed=9)
    aas("embed", "mine", "gallery")
    assert kept() == [1, 6]
    second = pd.read_parquet("features.parquet")
    np.testing.assert_array_equal(np.stack(second["embedding"][:6]), np.stack(first["embedding"]))


def test_embeddings_are_written_with_the_identities(here):
    assert "features.parquet: 6 photos, 3 features" in aas("embed", "mine", "gallery")
    table = pd.read_parquet("features.parquet")
    assert table["identity"].tolist() == ["ada", "ada", "ben", "ben", "cleo", "cleo"]
    rows = np.stack(table["embedding"])
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    assert (rows.argmax(axis=1) == [0, 0, 1, 1, 2, 2]).all()


@pytest.mark.parametrize("model", ["mine", "runs/mine", "runs/mine/model.pt"])
def test_a_model_is_found_by_name_folder_and_file(here, model):
    aas("embed", model, "new", "-o", "some/where.parquet")
    assert list(pd.read_parquet("some/where.parquet").columns) == ["path", "embedding"]


def test_photos_are_matched_and_the_stranger_is_flagged(here):
    said = aas("match", "mine", "gallery", "new", "-k", "2")
    assert "gallery: 6 photos of 3 individuals" in said
    assert "1 of 2 photos show an unknown individual: best score below 0." in said
    assert "estimated in the gallery" in said
    table = pd.read_csv("matches.csv")
    assert table["path"].tolist() == ["ben 0.png"] * 2 + ["dan 0.png"] * 2
    assert table["rank"].tolist() == [1, 2, 1, 2]
    assert table["individual"][0] == "ben" and table["score"][0] > 0.99
    assert table["unknown"].tolist() == [False, False, True, True]
    assert (table["score"][::2].to_numpy() >= table["score"][1::2].to_numpy()).all()


def test_a_given_threshold_is_taken(here):
    assert "0 of 2 photos show an unknown individual: best score below 0.1000, given" in aas(
        "match", "mine", "gallery", "new", "--threshold", "0.1", "-o", "m.csv"
    )
    assert not pd.read_csv("m.csv")["unknown"].any()


def test_single_photos_flag_nothing_and_say_so(here):
    draw(here / "singles", ["ada", "ben"], each=1)
    said = aas("match", "mine", "singles", "new")
    assert "no threshold can be estimated" in said and "no photo is flagged" in said
    assert "-k 5 is more than there are individuals; 2 are listed" in said
    assert not pd.read_csv("matches.csv")["unknown"].any()


def test_a_gallery_in_a_csv_leaves_out_photos_of_nobody(here):
    names = ["ada", "", "ben", "ben", "cleo", "cleo"]
    paths = [f"{name}/{name} {number}.png" for name in ("ada", "ben", "cleo") for number in (0, 1)]
    pd.DataFrame({"path": paths, "identity": names}).to_csv("gallery/list.csv", index=False)
    said = aas("match", "mine", "gallery/list.csv", "new", "-k", "3")
    assert "gallery: 5 photos of 3 individuals, 1 photos without an individual left out" in said
    assert pd.read_csv("matches.csv")["individual"][0] == "ben"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("embed", "absent", "new"), "there is no model 'absent'"),
        (("embed", "new/ben 0.png", "new"), "ben 0.png is no model"),
        (("embed", "mine", "empty"), "has no images"),
        (("embed", "mine", "nowhere"), "is not a folder"),
        (("embed", "mine", "broken"), "1 of 2 images in .* cannot be read"),
        (("match", "mine", "broken", "new"), "cannot be read"),
        (("match", "mine", "new", "new"), "says of no photo who is on it"),
        (("embed", "mine", "new", "--device", "cuda:99"), "usable GPUs"),
        (("embed", "mine", "new", "-p", "no_such_module"), "no such module"),
    ],
)
def test_bad_input_is_one_sentence(here, arguments, message):
    (here / "empty").mkdir()
    draw(here / "broken", ["ada"], each=1)
    (here / "broken" / "ada" / "text.png").write_text("no photo")
    with pytest.raises(AasError, match=message):
        aas(*arguments)
    assert not list(here.glob("*.parquet")) and not list(here.glob("*.csv"))


def test_less_than_one_individual_is_refused(here):
    assert CliRunner().invoke(app, ["match", "mine", "gallery", "new", "-k", "0"]).exit_code == 2
