"""The points that are drawn, and the drawings."""

import json
import statistics
import xml.etree.ElementTree as ET

import pytest

from aas_plugin.report.compare import compare
from aas_plugin.report.figures import curve, curves, styles
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
