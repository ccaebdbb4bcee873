"""`aas simulate`: real loops on drawn features, by the command line, and what it says to bad input."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from aas_plugin.clustering.choosing import fit_clustering
from aas_plugin.simulation.showing import equal
from aas_plugin.testing.sampler_contract import herd

KEYS = {"sampler", "refiner", "seed", "error_rate", "cycle", "asked", "ARI", "precision", "recall", "F1", "individuals"}
INDIVIDUAL = np.repeat(np.arange(12), 8)
SMALL = ["--cycles", 3, "--budget", 30]


@pytest.fixture
def files(tmp_path):
    np.savez(tmp_path / "herd.npz", features=7 * herd(12, 8, 0.9), labels=INDIVIDUAL)
    return tmp_path


def simulated(aas, folder, *arguments):
    shown = aas("simulate", *SMALL, "-o", folder / "out.json", *arguments)
    return shown, pd.DataFrame(json.loads((folder / "out.json").read_text()))


def test_all_combinations_are_told_cycle_by_cycle(aas, files):
    wide = ["--samplers", "aas,topk", "--refiners", "np3,answers", "--seeds", "0,1", "--error-rate", "0,0.2"]
    shown, rows = simulated(aas, files, "--features", files / "herd.npz", *wide)
    assert set(rows) >= KEYS
    assert len(rows) == 2 * 2 * 2 * 2 * 4
    for _, one in rows.groupby(["sampler", "refiner", "seed", "error_rate"]):
        assert one["cycle"].tolist() == [0, 1, 2, 3]
        assert one["asked"].is_monotonic_increasing and one["asked"].iloc[0] == 0
        assert one["asked"].max() <= 90
    assert rows[rows["cycle"] == 0]["ARI"].nunique() == 1
    for name in ("aas", "topk", "answers", "20%"):
        assert name in shown


def test_right_answers_help_and_wrong_ones_harm(aas, files):
    np.savez(files / "blurred.npz", features=herd(12, 8, 1.4), labels=INDIVIDUAL)
    _, rows = simulated(aas, files, "--features", files / "blurred.npz", "--samplers", "topk", "--error-rate", "0,0.3")
    last = rows[rows["cycle"] == 3].set_index("error_rate")["ARI"]
    assert last[0.0] > rows[rows["cycle"] == 0]["ARI"].iloc[0] + 0.05
    assert last[0.0] > last[0.3] + 0.05


def test_the_same_seed_gives_the_same_rows_from_every_kind_of_file(aas, files):
    features = herd(12, 8, 0.9)
    np.save(files / "features.npy", features)
    pd.DataFrame({"identity": [f"animal {one}" for one in INDIVIDUAL]}).to_csv(files / "who.csv", index=False)
    table = pd.DataFrame({"path": [f"{i}.jpg" for i in range(96)], "identity": INDIVIDUAL.astype(str)})
    table["embedding"] = list(features)
    table.to_parquet(files / "table.parquet")
    given = (
        ["--features", files / "herd.npz"],
        ["--features", files / "features.npy", "--labels", files / "who.csv"],
        ["--features", files / "table.parquet"],
    )
    first, *others = [simulated(aas, files, *arguments)[1] for arguments in given]
    for rows in others:
        pd.testing.assert_frame_equal(rows.drop(columns="features"), first.drop(columns="features"))


def test_clustering_fits_the_features_unless_it_is_set(aas, files):
    shown, _ = simulated(aas, files, "--features", files / "herd.npz")
    fitted = fit_clustering(herd(12, 8, 0.9))
    assert f"k1 {fitted.k1}, k2 {fitted.k2}, eps {fitted.eps:g}, min_samples {fitted.min_samples}" in shown
    shown, _ = simulated(aas, files, "--features", files / "herd.npz", "--set", "clustering.k1=7")
    assert "k1 7, k2 2" in shown


def test_several_data_sets_are_compared_at_equal_questions_and_drawn_ones_anew_for_each_seed(aas, files):
    sources = ["--features", f"synthetic:1.0,{files / 'herd.npz'}", "--seeds", "0,1", "--samplers", "topk,none"]
    shown, rows = simulated(aas, files, *sources)
    assert rows["features"].unique().tolist() == ["synthetic:1.0", "herd.npz"]
    begun = rows[rows["cycle"] == 0].groupby("features")["ARI"].nunique()
    assert begun["synthetic:1.0"] == 2 and begun["herd.npz"] == 1
    table = equal(rows).set_index(["features", "sampler", "seed"])
    for way, one in rows.groupby(["features", "sampler", "seed"]):
        assert table.loc[way, "at 100%"] == pytest.approx(one["ARI"].iloc[-1])
    assert "mean ARI over equal questions" in shown
    for name in ("ARI at", "50%", "synthetic:1.0", "herd.npz"):
        assert name in " ".join(shown.split())


def test_a_parquet_file_and_a_picture_hold_the_same_rows(aas, files):
    aas("simulate", *SMALL, "--features", files / "herd.npz", "-o", files / "rows.parquet", "--plot", files / "ari.png")
    _, rows = simulated(aas, files, "--features", files / "herd.npz")
    pd.testing.assert_frame_equal(pd.read_parquet(files / "rows.parquet"), rows, check_dtype=False)
    assert (files / "ari.png").read_bytes().startswith(b"\x89PNG")


def test_a_plugins_sampler_is_compared_too(aas, files, monkeypatch):
    (files / "mine.py").write_text(
        "from aas_plugin import hookimpl\n"
        "from aas_plugin.sampling.baselines import random_pairs\n"
        "class Mine:\n"
        "    def __init__(self, options): pass\n"
        "    @hookimpl\n"
        "    def aas_select_pairs(self, views, known, budget, rng):\n"
        "        return random_pairs(len(views.a), min(budget, 1), rng, known)\n"
        "class Greedy(Mine):\n"
        "    @hookimpl\n"
        "    def aas_select_pairs(self, views, known, budget, rng):\n"
        "        return random_pairs(len(views.a), budget + 1, rng, known)\n"
        "@hookimpl\n"
        "def aas_register(registry):\n"
        "    registry.register('sampler', 'mine', Mine)\n"
        "    registry.register('sampler', 'greedy', Greedy)\n"
    )
    monkeypatch.syspath_prepend(files)
    given = ["-p", "mine", "--features", files / "herd.npz", "--samplers"]
    _, rows = simulated(aas, files, *given, "mine")
    assert rows["asked"].tolist() == [0, 5, 10, 15]
    assert "pairs" in aas("simulate", *SMALL, *given, "greedy", status=2)


def test_everything_may_be_asked_and_is_then_known(aas, files):
    np.savez(files / "few.npz", features=herd(3, 3, 1.5), labels=np.repeat([0, 1, 2], 3))
    _, rows = simulated(aas, files, "--features", files / "few.npz", "--samplers", "full", "--budget", 10**6)
    assert rows["ARI"].iloc[-1] == 1 and rows["asked"].iloc[-1] <= 36
    assert rows["individuals"].iloc[-1] == 3


def test_options_of_what_is_compared_are_set_like_those_of_a_run(aas, files):
    given = ["--features", files / "herd.npz", "--samplers", "aas", "--set"]
    _, usual = simulated(aas, files, *given, "seed=0")
    _, groups = simulated(aas, files, *given, "refiner.merge=groups")
    assert usual["ARI"].tolist() != groups["ARI"].tolist()
    mass = ["--features", files / "herd.npz", "--samplers", "mass", "--set", "sampler.name=mass"]
    asked = [simulated(aas, files, *mass, "--set", f"sampler.neighbours={k}")[1]["asked"].iloc[1] for k in (1, 7)]
    assert asked[0] < asked[1]


def test_options_stand_behind_a_name_so_that_parts_of_a_sampler_are_taken_away_side_by_side(aas, files):
    ways = "aas,aas:pools=over,aas:pools=under:closest=false,aas:pi=[0,0,1]"
    _, rows = simulated(aas, files, "--features", files / "herd.npz", "--samplers", ways)
    assert rows["sampler"].unique().tolist() == [*ways.split(",", 3)[:3], "aas:pi=[0,0,1]"]
    assert rows[rows["cycle"] == 1].groupby("sampler")["asked"].first()["aas:pools=over"] < 30
    for wrong, words in (("aas:pool=over", "unknown key"), ("aas:pools=no", "pools"), ("ass:pools=over", "or 'aas'?")):
        assert words in " ".join(
            aas("simulate", "--features", files / "herd.npz", "--samplers", wrong, status=2).split()
        )


def test_where_nothing_is_clustered_there_is_a_table_all_the_same(aas, files):
    np.savez(files / "loners.npz", features=herd(30, 1, 1.0), labels=np.repeat(np.arange(15), 2))
    loose = ["--set", "clustering.eps=0.01", "--set", "clustering.k1=4", "--set", "clustering.min_samples=9"]
    shown, rows = simulated(aas, files, "--features", files / "loners.npz", "--samplers", "none", *loose)
    assert rows["precision"].isna().all() and rows["individuals"].tolist() == [30] * 4
    assert "none" in shown


BROKEN = {
    "nan": ({"features": np.full((4, 2), np.nan), "labels": [0, 0, 1, 1]}, "4 of 4 rows of features"),
    "zero": ({"features": np.eye(3)[[0, 1, 2, 0]] * [[1], [1], [0], [1]], "labels": [0, 0, 1, 1]}, "first is row 2"),
    "short": ({"features": np.eye(4), "labels": [0, 1, 1]}, "3 individuals for 4 rows"),
    "alike": ({"features": np.eye(4), "labels": [5, 5, 5, 5]}, "are of one individual"),
    "nobody": ({"features": np.eye(4)}, "says nothing of individuals"),
    "flat": ({"features": np.ones(4), "labels": [0, 0, 1, 1]}, r"the shape \(4,\)"),
    "square": ({"features": np.eye(4), "labels": [[0], [0], [1], [1]]}, r"the shape \(4, 1\); one for each image"),
    "unnamed": ({"vectors": np.eye(4)}, "holds vectors; features are looked for under 'features'"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_file_that_says_nothing_useful_is_refused_in_a_sentence(aas, tmp_path, kind):
    arrays, sentence = BROKEN[kind]
    np.savez(tmp_path / "bad.npz", **arrays)
    shown = aas("simulate", "--features", tmp_path / "bad.npz", status=2)
    assert re.search(sentence, " ".join(shown.split())), shown


@pytest.mark.parametrize("name", ["cut.npz", "empty.npz", "empty.npy", "words.npz", "cut.parquet", "empty.parquet"])
def test_a_damaged_file_is_refused_in_a_sentence(aas, tmp_path, name):
    whole = tmp_path / "whole.npz"
    np.savez_compressed(whole, features=np.eye(40), labels=np.arange(40) // 2)
    content = {"cut": whole.read_bytes()[:300], "empty": b"", "words": b"no features"}[name.split(".")[0]]
    (tmp_path / name).write_bytes(content)
    shown = " ".join(aas("simulate", "--features", tmp_path / name, status=2).split())
    assert "cannot be read" in shown and "Traceback" not in shown


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--samplers", "ass"], "or 'aas'?"),
        (["--refiners", "np4"], "did you mean 'np3'"),
        (["--samplers", ","], "name at least one"),
        (["--seeds", "1.5"], "write whole numbers"),
        (["--features", "synthetic:much"], "synthetic features take a noise, such as synthetic:2.0"),
        (["--features", "synthetic:1,synthetic:2", "--labels", "who.csv"], "--labels belong to one file"),
        (["--error-rate", "2"], "error_rate"),
        (["--budget", "1.5"], "budget must be a share below 1"),
        (["-o", "rows.csv"], "must end in .json or .parquet"),
        (["--labels", "gone.npy"], "gone.npy: no such file"),
    ],
)
def test_wrong_arguments_are_told_in_a_sentence(aas, files, arguments, sentence):
    shown = aas("simulate", "--features", files / "herd.npz", *arguments, status=2)
    assert sentence in " ".join(shown.split())
