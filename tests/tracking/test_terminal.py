"""The table of a run in a terminal of 120 columns, and what is said at the end."""

import io
import json

import pytest
from rich.console import Console

from aas_plugin.runs.outcome import unmeasured_in_words
from aas_plugin.tracking.terminal import COLUMNS, GROUPS, Terminal


def shown(ready, *layers):
    written = io.StringIO()
    ready.engine(*layers, observers=(Terminal(Console(file=written, width=120)),)).execute()
    return written.getvalue().splitlines()


def test_a_row_a_cycle_fits_and_stands_under_its_heading(ready):
    lines = shown(ready, {"active": {"budget": 60}})
    head = next(place for place, line in enumerate(lines) if line.lstrip().startswith("cycle "))
    rows = lines[head + 1 : head + 4]
    assert all(len(line) <= 120 for line in lines[head - 1 : head + 4])
    width = sum(width for _, _, width in COLUMNS)
    end = sum(width for width, _ in GROUPS)
    assert lines[head - 1].index("ARI at the end") < lines[head].index("repaired") < end <= width
    for cycle, row in enumerate(rows):
        report = json.loads((ready.folder / "run" / f"cycles/{cycle:02d}/report.json").read_text())
        place = 0
        for key, title, wide in COLUMNS:
            value = report.get(key)
            cell = "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
            assert row[place : place + wide].strip() == cell, title
            place += wide


def test_the_end_tells_the_untrained_model_beside_the_last(ready):
    lines = shown(ready)
    told = json.loads((ready.folder / "run" / "metrics.json").read_text())
    done = next(line for line in lines if line.startswith("Done in"))
    assert f"mAP {told['untrained.mAP']:.3f} untrained -> {told['mAP']:.3f} trained, with " in done
    assert not any("did not help" in line for line in lines)
    assert f"model.pt is the {told['kept']} model: {told['kept_because']}." in lines


@pytest.mark.parametrize(("budget", "told"), [(0.0002, 1), (5, 0)])
def test_a_share_that_is_few_questions_is_told_and_a_number_is_not(ready, budget, told):
    lines = shown(ready, {"active": {"budget": budget}})
    assert sum("--set active.budget=100" in line for line in lines) == told


@pytest.mark.parametrize(
    ("identity", "test", "reason"),
    [
        (["a", "b", "c"], ["c"], "every individual has one photo"),
        (["a", None, "b"], [None], "every individual has one photo"),
        ([None, None], [None], "no photo has an individual"),
        (["a", "a", None], [None], "no test photo has an individual"),
        (["a", "a", "b"], ["b"], "in the gallery"),
    ],
)
def test_why_a_run_has_no_map_and_how_to_get_one(identity, test, reason):
    words = unmeasured_in_words(identity, test)
    assert words.startswith("There is no mAP because") and reason in words and words.count(".") < 4
