"""`aas embed` and `aas match` on photos whose individuals are colours, and what they say to bad input."""

import shutil

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
    assert "1 of 2 photos show an unknown individual: p_unknown above 0.5, if about 50% of them do" in said
    assert "on 6 gallery photos; a rough guide only, as no more than 3 individuals have two photos" in said
    table = pd.read_csv("matches.csv")
    assert table["path"].tolist() == ["ben 0.png"] * 2 + ["dan 0.png"] * 2
    assert table["rank"].tolist() == [1, 2, 1, 2]
    assert table["individual"][0] == "ben" and table["score"][0] > 0.99
    assert table["unknown"].tolist() == [False, False, True, True]
    assert (table["score"][::2].to_numpy() >= table["score"][1::2].to_numpy()).all()
    assert (table["unknown"] == (table["p_unknown"] > 0.5)).all() and table["p_unknown"].is_monotonic_increasing
    assert (table.groupby("path")["probability"].sum() + table["p_unknown"][::2].to_numpy() <= 1.0002).all()
    assert table["probability"][0] > 0.5 > table["probability"][2]


def test_the_share_of_unknown_ones_that_is_expected_moves_the_odds(here):
    odds = []
    for share in ("0.2", "0.5"):
        said = aas("match", "mine", "gallery", "new", "--unknown-share", share)
        p = pd.read_csv("matches.csv").groupby("path")["p_unknown"].first()
        odds.append(p / (1 - p))
    assert "if about 50% of them do" in said
    np.testing.assert_allclose(odds[1] / odds[0], 4, rtol=0.01)
    aas("match", "mine", "gallery", "new", "--unknown-share", "0")
    table = pd.read_csv("matches.csv")
    assert (table["p_unknown"] == 0).all() and not table["unknown"].any()


def test_copies_in_a_gallery_change_no_probability(here):
    aas("match", "mine", "gallery", "new", "-o", "before.csv")
    for number in range(3):
        shutil.copy(here / "gallery" / "ada" / "ada 0.png", here / "gallery" / "ada" / f"copy {number}.png")
    said = aas("match", "mine", "gallery", "new")
    assert "on 6 gallery photos; 3 copies in the gallery count as one photo with their originals" in said
    pd.testing.assert_frame_equal(pd.read_csv("matches.csv"), pd.read_csv("before.csv"))


def test_probabilities_that_rest_on_one_individual_are_not_to_be_trusted(here):
    draw(here / "mostly", ["ada", "ben"], each=1)
    draw(here / "mostly", ["cleo"], each=3)
    said = aas("match", "mine", "mostly", "new")
    assert "do not trust probability and p_unknown: one individual alone has two different photos" in said
    assert pd.read_csv("matches.csv")["p_unknown"].between(0, 1).all()


def test_a_given_threshold_is_taken(here):
    assert "0 of 2 photos show an unknown individual: best score below 0.1000, given" in aas(
        "match", "mine", "gallery", "new", "--threshold", "0.1", "-o", "m.csv"
    )
    table = pd.read_csv("m.csv")
    assert not table["unknown"].any() and (table["p_unknown"] > 0.5).any()


def test_single_photos_flag_nothing_and_say_so(here):
    draw(here / "singles", ["ada", "ben"], each=1)
    said = aas("match", "mine", "singles", "new")
    assert "no photo is flagged" in said and "the gallery cannot calibrate them, which takes two individuals" in said
    assert "-k 5 is more than there are individuals; 2 are listed" in said
    table = pd.read_csv("matches.csv")
    assert not table["unknown"].any() and table[["probability", "p_unknown"]].isna().all(axis=None)
    assert (
        aas("match", "mine", "singles", "new", "--threshold", "0.99").count("photos show an unknown individual: best")
        == 1
    )


@pytest.mark.parametrize("share", ["1.5", "-0.1", "half"])
def test_a_share_is_a_number_from_0_to_1(here, share):
    with pytest.raises(SystemExit) as ended:
        aas("match", "mine", "gallery", "new", "--unknown-share", share)
    assert ended.value.code == 2


def test_a_gallery_in_a_csv_leaves_out_photos_of_nobody(here):
    names = ["ada", "", "ben", "ben", "cleo", "cleo"]
    paths = [f"{name}/{name} {number}.png" for name in ("ada", "ben", "cleo") for number in (0, 1)]
    pd.DataFrame({"path": paths, "identity": names}).to_csv("gallery/list.csv", index=False)
    said = aas("match", "mine", "gallery/list.csv", "new", "-k", "3")
    assert "gallery: 5 photos of 3 individuals, 1 photos without an individual left out" in said
    assert pd.read_csv("matches.csv")["individual"][0] == "ben"


def spoil(place):
    """Three of the photos in a folder of at least four become short, empty and a page that was not found."""
    short, empty, page = sorted(place.rglob("*.png"))[:3]
    short.write_bytes(short.read_bytes()[:-40])
    empty.write_bytes(b"")
    page.write_text("<html>not found</html>")
    return [path.relative_to(place).as_posix() for path in (short, empty, page)]


def test_photos_that_cannot_be_read_have_a_reason_and_the_rest_is_embedded(here):
    whole = embedded("gallery")
    lost = spoil(here / "gallery")
    with pytest.raises(SystemExit) as ended:
        aas("embed", "mine", "gallery")
    assert ended.value.code == 3
    table = pd.read_parquet("features.parquet").set_index("path")
    assert table["embedding"].isna().to_dict() == {path: path in lost for path in whole}
    assert table["unreadable"].notna().to_dict() == {path: path in lost for path in whole}
    for path in whole.keys() - set(lost):
        np.testing.assert_array_equal(table["embedding"][path], whole[path])


def embedded(folder):
    aas("embed", "mine", folder)
    table = pd.read_parquet("features.parquet")
    return dict(zip(table["path"], table["embedding"], strict=True))


def test_photos_that_cannot_be_read_are_rows_with_a_reason_among_the_matches(here):
    draw(here / "new", ["ada", "cleo", "dan"], each=2, nested=False, seed=4)
    lost = spoil(here / "new")
    pd.DataFrame({"path": [*(path.name for path in (here / "new").glob("*.png")), "gone.png"]}).to_csv("new/list.csv")
    result = CliRunner().invoke(app, ["match", "mine", "gallery", "new/list.csv", "-k", "2"])
    assert result.exit_code == 3 and "4 of 8 photos cannot be read" in result.stdout
    table = pd.read_csv("matches.csv")
    reasons = table[table["unreadable"].notna()]
    assert sorted(reasons["path"]) == sorted([*lost, "gone.png"])
    assert reasons[["rank", "individual", "score", "unknown"]].isna().all(axis=None)
    best = table[table["rank"] == 1].set_index("path")
    shown = {path.split()[0]: individual for path, individual in best["individual"].items()}
    assert len(best) == 4 and all(individual == name for name, individual in shown.items() if name != "dan")
    assert list(dict.fromkeys(table["path"])) == pd.read_csv("new/list.csv")["path"].tolist()


def test_a_gallery_does_without_photos_that_cannot_be_read(here):
    spoil(here / "gallery")
    result = CliRunner().invoke(app, ["match", "mine", "gallery", "new"])
    assert result.exit_code == 3 and "gallery: 3 photos of 2 individuals" in result.stdout
    assert "unreadable" not in pd.read_csv("matches.csv")


def test_codes_for_nobody_are_no_individual_of_a_gallery_unless_they_are_said_to_be_one(here):
    draw(here / "gallery", ["dan"], each=1)
    for name, code in (("ben", "NA"), ("dan", "Unknown")):
        (here / "gallery" / name).rename(here / "gallery" / code)
    with pytest.warns(UserWarning, match="2 photos in 'NA', 1 photos in 'Unknown' are taken as not identified"):
        said = aas("match", "mine", "gallery", "new")
    assert "gallery: 4 photos of 2 individuals, 3 photos without an individual left out" in said
    said = aas("match", "mine", "gallery", "new", "--set", "dataset.unknown=[unknown]")
    assert "gallery: 6 photos of 3 individuals" in said
    assert pd.read_csv("matches.csv", keep_default_na=False)["individual"][0] == "NA"


def test_animals_of_one_photo_are_matched_by_their_boxes(here):
    both = np.concatenate([np.full((12, 9, 3), COLOURS[name], dtype=np.uint8) for name in ("ben", "cleo")], axis=1)
    Image.fromarray(both).save(here / "new" / "both.png")
    boxes = [[0, 0, 9, 12], [9, 0, 9, 12]]
    table = pd.DataFrame({"Image ID": ["x", "y"], "filePath": "both.png", "bbox": boxes})
    table.to_csv("new/list.csv", index=False, sep=";")
    aas("match", "mine", "gallery", "new/list.csv", "-k", "1", "--set", "dataset.columns.path=filePath")
    found = pd.read_csv("matches.csv")
    assert found[["path", "image_id", "individual"]].to_numpy().tolist() == [
        ["both.png", "x", "ben"], ["both.png", "y", "cleo"]
    ]  # fmt: skip
    assert found["bbox"].tolist() == [str(box) for box in boxes]


def test_boxes_in_paths_and_headers_of_one_table_alone_are_taken(here):
    both = np.concatenate([np.full((12, 9, 3), COLOURS[name], dtype=np.uint8) for name in ("ben", "cleo")], axis=1)
    Image.fromarray(both).save(here / "new" / "both.png")
    pd.DataFrame({"path": [f"both.png#xywh={left},0,9,12" for left in (0, 9)]}).to_csv("new/list.csv")
    paths = [path.relative_to(here / "gallery").as_posix() for path in sorted((here / "gallery").rglob("*.png"))]
    pd.DataFrame({"path": paths, "who": [path.split("/")[0] for path in paths]}).to_csv("gallery/list.csv")
    named = ("--set", "dataset.columns.identity=who", "-k", "1")
    aas("match", "mine", "gallery/list.csv", "new/list.csv", *named)
    found = pd.read_csv("matches.csv")
    assert found[["path", "bbox", "individual"]].to_numpy().tolist() == [
        ["both.png", "[0, 0, 9, 12]", "ben"], ["both.png", "[9, 0, 9, 12]", "cleo"]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("embed", "absent", "new"), "there is no model 'absent'"),
        (("embed", "new/ben 0.png", "new"), "ben 0.png is no model"),
        (("embed", "mine", "empty"), "has no images"),
        (("embed", "mine", "nowhere"), "is not a folder"),
        (("embed", "mine", "broken"), "none of the 2 photos in .* can be read"),
        (("match", "mine", "broken", "new"), "none of the 2 photos in .* can be read"),
        (("embed", "mine", "new", "--set", "dataset.nope=1"), r"dataset\.nope: unknown"),
        (("match", "mine", "gallery", "new", "--set", "seed=1"), "only settings of dataset and evidence"),
        (("match", "mine", "new", "new"), "says of no photo who is on it"),
        (("embed", "mine", "new", "--device", "cuda:99"), "usable GPUs"),
        (("embed", "mine", "new", "-p", "no_such_module"), "no such module"),
    ],
)
def test_bad_input_is_one_sentence(here, arguments, message):
    (here / "empty").mkdir()
    (here / "broken" / "ada").mkdir(parents=True)
    for name in ("text.png", "empty.jpg"):
        (here / "broken" / "ada" / name).write_text("no photo"[: 8 * (name == "text.png")])
    with pytest.raises(AasError, match=message):
        aas(*arguments)
    assert not list(here.glob("*.parquet")) and not list(here.glob("*.csv"))


def test_less_than_one_individual_is_refused(here):
    assert CliRunner().invoke(app, ["match", "mine", "gallery", "new", "-k", "0"]).exit_code == 2
