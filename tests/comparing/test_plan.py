"""Which runs a comparison has, and which of the paper's data sets are found."""

import pytest
import yaml

from aas_plugin.comparing.paper import PERSONS, WAYS, datasets_there
from aas_plugin.comparing.plan import Dataset, named_apart, plan, state_of, ways
from aas_plugin.errors import AasError
from aas_plugin.files import write_json, write_text
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.settings.resolving import resolve


def test_every_combination_stands_once_and_nothing_asked_needs_one_refiner():
    found = ways(["spcl", "pplr"], ["none", "aas"], ["np3", "cal"])
    assert len(found) == len(set(found)) == 2 * (1 + 2)
    runs = plan("x", [Dataset("my herd", ("--dataset", "my herd")), Dataset("b", ("--dataset", "b"))], found, [0, 1])
    assert len({run.name for run in runs}) == len(runs) == 24
    assert [run.words[-1] for run in runs] == ["0"] * 12 + ["1"] * 12
    assert all(set(run.name) <= set("abcdefghijklmnopqrstuvwxyz_-0123456789") for run in runs)


def test_all_that_the_papers_table_names_is_registered():
    plugins = load_plugins()
    for way in WAYS:
        for kind in ("adapter", "sampler", "refiner"):
            plugins.component(kind, getattr(way, kind))


def test_data_sets_are_those_that_are_there(tmp_path):
    assert [one.name for one in datasets_there(tmp_path)] == ["coats"]
    rows = ["identity,path,split,dataset"]
    for subset in ("MPDD", "ATRW"):
        image = tmp_path / "wildlife10k" / "images" / subset / "1.jpg"
        image.parent.mkdir(parents=True)
        image.write_bytes(b"x")
        rows.append(f"a,images/{subset}/1.jpg,train,{subset}")
    (tmp_path / "wildlife10k" / "metadata.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / PERSONS[0]).mkdir()
    found = datasets_there(tmp_path)
    assert [one.name for one in found] == ["MPDD", PERSONS[0]]
    assert "dataset.subset=MPDD" in found[0].flags


def test_data_sets_of_one_name_get_runs_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "herd.csv").write_text("path\n")
    assert named_apart(["photos.v1", "photos.v2", "herd.csv", "coats"]) == ["photos.v1", "photos.v2", "herd", "coats"]
    assert named_apart(["one/photos", "two/photos/", "a"]) == ["one/photos", "two/photos/", "a"]
    assert named_apart(["."]) == [tmp_path.name]
    alike = [Dataset("a b", ("--dataset", "a b")), Dataset("a_b", ("--dataset", "a_b"))]
    with pytest.raises(AasError, match="would lie in one folder, x-a_b-spcl-aas-np3-0"):
        plan("x", alike, ways(["spcl"], ["aas"], ["np3"]), [0])


def test_a_run_of_other_settings_or_data_is_not_taken_for_one_of_the_comparison(tmp_path):
    settings = resolve(load_plugins(), [{"seed": 1}])
    there = {"data_hash": "aa", "constraints_hash": None}
    assert state_of(tmp_path, settings, lambda: there) == "new"
    write_text(tmp_path / "config.yaml", yaml.safe_dump(settings.model_dump(mode="json")))
    assert state_of(tmp_path, settings, lambda: there) == "begun"
    write_json(tmp_path / "run.json", {**there, "code_hash": "cc"})
    (tmp_path / "metrics.json").touch()
    assert state_of(tmp_path, settings, lambda: there) == "done"
    with pytest.raises(AasError, match=r"another configuration \(seed: 1 -> 2\).*another --name"):
        state_of(tmp_path, resolve(load_plugins(), [{"seed": 2}]), lambda: there)
    with pytest.raises(AasError, match="a run on other data than there are now"):
        state_of(tmp_path, settings, lambda: there | {"data_hash": "bb"})
    with pytest.raises(AasError, match="a run on other answers to begin with than"):
        state_of(tmp_path, settings, lambda: there | {"constraints_hash": "bb"})
