"""WildlifeReID-10k from a few of its rows: subsets, groups, and a run for each."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from aas_plugin.cli import app
from aas_plugin.commands.sweep import sweep
from aas_plugin.data.wildlife import PAPER13, SUBSETS, WildlifeOptions, members, wildlife
from aas_plugin.errors import AasError
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.runs.folder import default_name
from aas_plugin.settings.resolving import resolve

ROWS = Path(__file__).parent / "fixtures" / "wildlife10k.csv"


@pytest.fixture
def root(tmp_path):
    """The folder as it is unpacked, without the images of BelugaID and MPDD."""
    (tmp_path / "metadata.csv").write_text(ROWS.read_text())
    rng = np.random.default_rng(0)
    with ROWS.open() as file:
        for row in csv.DictReader(file):
            if row["dataset"] not in ("BelugaID", "MPDD"):
                (tmp_path / row["path"]).parent.mkdir(parents=True, exist_ok=True)
                pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / row["path"])
    return tmp_path


def read(root, subset=None):
    return wildlife(WildlifeOptions(path=root, subset=subset))


def test_there_are_37_subsets_and_13_of_the_paper():
    assert len(set(SUBSETS)) == 37
    assert len(set(PAPER13)) == 13
    assert set(PAPER13) < set(SUBSETS)


def test_a_subset_has_its_own_split(root):
    catalogue = read(root, "ZakynthosTurtles")
    assert catalogue.name == "ZakynthosTurtles"
    assert catalogue.describe() == {"images": 6, "individuals": 2, "train": 4, "test": 2, "orientations": 2}
    assert catalogue.table["identity"].iloc[0] == "ZakynthosTurtles_t001"


@pytest.mark.parametrize(("group", "name"), [("paper13", "wildlife10k-paper13"), (None, "wildlife10k")])
def test_a_group_is_what_is_there_and_a_warning_names_the_rest(root, group, name):
    with pytest.warns(UserWarning, match=r"lacks .* subsets of .*AmvrakikosTurtles.*MPDD") as caught:
        catalogue = read(root, group)
    assert "CowDataset" not in str(caught[0].message)
    assert catalogue.name == name
    assert catalogue.describe()["images"] == 13


def test_members_are_those_with_images(root):
    found = members(WildlifeOptions(path=root, subset="paper13"))
    assert found.present == ("CowDataset", "ZakynthosTurtles")
    assert set(found.missing) == set(PAPER13) - set(found.present)
    assert WildlifeOptions(path=root, subset="CowDataset").members().present == ("CowDataset",)


def test_no_two_subsets_share_an_individual(root):
    text = ROWS.read_text().replace("CowDataset_", "").replace("ZakynthosTurtles_t00", "")
    (root / "metadata.csv").write_text(text)
    with pytest.warns(UserWarning):
        catalogue = read(root, "all")
    names = ["CowDataset_1", "CowDataset_2", "CowDataset_3", "ZakynthosTurtles_1", "ZakynthosTurtles_2"]
    assert sorted(catalogue.table["identity"].unique()) == names


@pytest.mark.parametrize(
    ("subset", "message"),
    [
        ("cowdataset", r"'cowdataset' is no subset .*did you mean 'CowDataset'"),
        ("paper31", "did you mean 'paper13'"),
        ("zebras of mine", "has CowDataset, ZakynthosTurtles; choose one"),
        ("MPDD", "'MPDD' is not there: .* has CowDataset, ZakynthosTurtles"),
    ],
)
def test_a_subset_that_is_not_there_is_named_with_what_is(root, subset, message):
    with pytest.raises(AasError, match=message):
        read(root, subset)


def test_a_folder_that_is_another_is_an_error(root):
    with pytest.raises(AasError, match=r"has no metadata\.csv"):
        read(root / "images")
    (root / "metadata.csv").write_text("path,identity\na.jpg,1\n")
    with pytest.raises(AasError, match=r"metadata\.csv has no column 'split', 'dataset' but 'path', 'identity'"):
        read(root)


def test_a_missing_image_of_a_subset_is_named(root):
    (root / "images/CowDataset/cow_2/2_cow_5.jpg").unlink()
    with pytest.raises(AasError, match=r"'images/CowDataset/cow_2/2_cow_5\.jpg'"):
        read(root, "CowDataset")


def test_a_run_is_named_after_the_subset(root):
    dataset = {"name": "wildlife10k", "path": str(root)}
    plugins = load_plugins()
    names = [
        default_name(resolve(plugins, [{"dataset": {**dataset, **subset}}]), root / "runs")
        for subset in ({}, {"subset": "CowDataset"})
    ]
    assert names == ["spcl-wildlife10k-aas-0", "spcl-CowDataset-aas-0"]


def test_each_wants_a_data_set_that_is_several_and_names_its_runs():
    plugins = load_plugins()
    settings = resolve(plugins, [])
    with pytest.raises(AasError, match="'coats' has no subsets"):
        sweep(plugins, settings, {"--resume": False})
    with pytest.raises(AasError, match="leave out --run-name"):
        sweep(plugins, settings, {"--resume": False, "--run-name": "mine"})


def test_each_subset_is_run_and_one_that_fails_stops_no_other(root, monkeypatch):
    place = ["--set", f"dataset.path={root}", "--set", "dataset.subset=paper13"]
    command = ["run", "--dataset", "wildlife10k", "--each", *place]
    started = []

    def start(arguments, env):
        started.append(arguments)
        return subprocess.CompletedProcess(arguments, 2 if arguments[-1].endswith("CowDataset") else 0)

    monkeypatch.setattr(sys, "argv", ["aas", *command])
    monkeypatch.setattr("aas_plugin.commands.sweep.subprocess.run", start)
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1, done.output
    again = [sys.executable, "-m", "aas_plugin", "run", "--dataset", "wildlife10k", *place, "--set"]
    assert started == [[*again, f"dataset.subset={name}"] for name in ("CowDataset", "ZakynthosTurtles")]
    assert "ZakynthosTurtles (2 of 2)" in done.output and "1 of 2 subsets done" in done.output
    assert "not in the folder: AmvrakikosTurtles, CatIndividualImages" in done.output
    assert "failed: CowDataset" in done.output
