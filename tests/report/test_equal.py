"""The table at equal questions, against the files of the runs."""

import json
import statistics

import pytest

from aas_plugin.evaluation.equal_questions import quality_at

MARKS = str.maketrans("", "", "*▼")


def curve(runs, name):
    reports = [
        json.loads(path.read_text()) for path in sorted((runs.root / "runs" / name).glob("cycles/*/report.json"))
    ]
    return [one["asked_total"] for one in reports], [one["mAP"] for one in reports]


def test_shares_are_of_the_questions_of_whoever_asked_most_with_the_same_seed(runs, read_tables):
    for seed, most in ((0, 30), (1, 60)):
        runs.add(f"random{seed}", "random", seed, asked=(most // 2, most // 2))
        runs.add(f"aas{seed}", "aas", seed, asked=(6, 3))
        runs.add(f"none{seed}", "none", seed, asked=(0, 0))
    _, text, _ = runs.report()
    table = {row["sampler"]: row for row in read_tables(text)["mAP at equal questions"]}
    assert list(table) == ["none", "random", "aas"]
    for sampler, row in table.items():
        assert row["most questions"] == "45"
        for share in (0.25, 0.5, 0.75, 1.0):
            values = [quality_at(*curve(runs, f"{sampler}{seed}"), share * (30, 60)[seed]) for seed in (0, 1)]
            shown = float(row[f"mAP % at {share:.0%}"].translate(MARKS).split(" ± ")[0])
            assert shown == pytest.approx(100 * statistics.mean(values), abs=0.051)
    assert (
        table["aas"]["mAP % at 100%"].translate(MARKS).split(" ")[0]
        == f"{50 * sum(curve(runs, f'aas{s}')[1][-1] for s in (0, 1)):.1f}"
    )
    flat = {table["none"][name].translate(MARKS) for name in ("mAP % at 25%", "mAP % at 100%", "area %")}
    assert len(flat) == 1


def test_curves_of_other_settings_do_not_stretch_those_beside_them(runs, read_tables):
    for refiner in ("np3", "cal"):
        runs.add(f"aas-{refiner}", "aas", asked=(6, 3), refiner__name=refiner)
    runs.add("random", "random", asked=(10, 10), refiner__name="np3")
    runs.add("many", "random", asked=(300, 300), refiner__name="np3", active__budget=300.0)
    runs.add("none", "none", asked=(0, 0))
    table = read_tables(runs.report()[1])["mAP at equal questions"]
    most = {row["sampler"]: row["most questions"] for row in table}
    few = [value for name, value in most.items() if name != "none" and "300" not in name]
    assert few == ["20"] * 3 and sorted(most.values())[-1] == "600"


def test_the_test_between_samplers_is_also_on_the_areas(runs):
    for seed in range(6):
        runs.add(f"random{seed}", "random", seed, asked=(8, 8))
        runs.add(f"aas{seed}", "aas", seed, asked=(6, 3))
    _, text, _ = runs.report()
    section = text[text.index("At equal questions") : text.index("Do the samplers differ?")]
    assert "aas against random" in section and "Wilcoxon" in section


def test_without_a_question_there_is_no_such_table(runs):
    runs.add("none0", "none", asked=(0, 0))
    assert "At equal questions" not in runs.report()[1]
