"""The points that are drawn, and the drawings."""

import json
import statistics
import xml.etree.ElementTree as ET

import pytest

from aas_plugin.report.compare import compare
from aas_plugin.report.figures import curve, curves, styles, untrained_levels
from aas_plugin.report.label_figures import askings, by_epoch, label_curves
from aas_plugin.report.read import find_runs, read_runs


@pytest.fixture
def groups(runs):
    for seed in (0, 1):
        runs.add(f"none{seed}", "none", seed, asked=(0, 0))
        runs.add(f"aas{seed}", "aas", seed, asked=(6 + seed, 3))
    return compare(read_runs(find_runs(["runs"]))[0]).groups


def test_points_are_means_over_seeds_at_each_cycle(groups, runs):
    points = curve(groups[1], "mAP")
    assert points.shape == (3, 4)
    for cycle, (number, asked, mean, deviation) in enumerate(points):
        files = [json.loads((runs.root / f"runs/aas{s}/cycles/{cycle:02d}/report.json").read_text()) for s in (0, 1)]
        values = [file["mAP"] for file in files]
        assert number == cycle and asked == statistics.mean(file["asked_total"] for file in files)
        assert (mean, deviation) == (pytest.approx(statistics.mean(values)), pytest.approx(statistics.stdev(values)))


def test_drawings_are_svg_with_words(groups):
    drawn = curves(groups)
    assert [words.split(":")[0] for _, words in drawn] == [
        "mAP by questions asked",
        "mAP by cycle",
        "BAKS by questions asked",
        "AUC-ROC by questions asked",
    ]
    assert all(ET.fromstring(svg).tag.endswith("svg") for svg, _ in drawn)
    assert "none ends at" in drawn[0][1] and "after 0 questions; aas ends at" in drawn[0][1]


def test_samplers_look_different(groups):
    looks = styles(groups)
    assert looks["none"][0] != looks["aas"][0] and looks["none"][1] != looks["aas"][1]


def test_the_untrained_level_is_that_of_cycle_0(runs):
    for sampler in ("none", "aas"):
        folder = runs.add(sampler, sampler)
        report = json.loads((folder / "cycles/00/report.json").read_text())
        runs.write(folder / "cycles/00/report.json", report | {"mAP": 0.53})
    groups = compare(read_runs(find_runs(["runs"]))[0]).groups
    assert untrained_levels(groups, "mAP") == [0.53]
    assert len(untrained_levels(groups, "BAKS")) == 2


def test_labels_by_epoch_are_means_over_seeds_and_askings_stand_at_their_epochs(runs):
    epochs = [(0.3, 0.4), (0.2, 0.3), (0.1, 0.2), (0.1, 0.3)]
    for seed, lift in ((0, 0.0), (1, 0.1)):
        folder = runs.add(f"aas{seed}", seed=seed)
        runs.labels(
            folder, [(raw, repaired + lift) for raw, repaired in epochs], [(0.3, 0.4 + lift), (0.2, 0.2 + lift)]
        )
    runs.add("old", "random")
    [aas] = [group for group in compare(read_runs(find_runs(["runs"]))[0]).groups if group.sampler == "aas"]
    assert by_epoch(aas, "ARI_raw")[:, :2].tolist() == [[0, 0.3], [1, 0.2], [2, 0.1], [3, 0.1]]
    assert by_epoch(aas, "ARI")[:, 1] == pytest.approx([0.45, 0.35, 0.25, 0.35])
    assert by_epoch(aas, "ARI")[:, 2] == pytest.approx([0.0707] * 4, abs=1e-4)
    assert askings(aas).tolist() == [[0, 0.3, pytest.approx(0.45)], [2, 0.2, pytest.approx(0.25)]]
    [(svg, words)] = label_curves(compare(read_runs(find_runs(["runs"]))[0]).groups)
    assert ET.fromstring(svg).tag.endswith("svg")
    assert "from 30.0 % to 10.0 % for the method's own labels, from 45.0 % to 35.0 % for the repaired ones" in words
    assert words.endswith("changed it by +15.0, +5.0 points")


def test_runs_of_earlier_versions_have_no_labels_by_epoch(runs):
    folder = runs.add("old")
    (folder / "plots").mkdir()
    (folder / "plots/epochs.csv").write_text("epoch,loss\n0,1.5\n")
    assert label_curves(compare(read_runs(find_runs(["runs"]))[0]).groups) == []
