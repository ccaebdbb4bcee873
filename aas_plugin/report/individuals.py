"""How many individuals there are, how many names are wrong, and whether probabilities were right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from aas_plugin.evaluation.reliability import calibration_error, reliability_curve
from aas_plugin.report.compare import Group
from aas_plugin.report.document import Block, Cell, Curves, Heading, Paragraph, Table
from aas_plugin.report.figures import COLOURS, drawing
from aas_plugin.report.pairs import asked_pairs
from aas_plugin.report.read import FinishedRun
from aas_plugin.runs.outlook import read_outlook

COLUMNS = [
    "run",
    "groups",
    "single photos",
    "individuals (95 %)",
    "wrong merges (90 %)",
    "wrong splits (90 %)",
    "checks",
]
LEAST = 20
"""Questions with a probability from which on they are drawn."""


def individuals(groups: Sequence[Group]) -> list[Block]:
    """What labelling runs say of individuals, and how right probabilities of all runs were; nothing without either."""
    runs = [run for group in groups for run in group.runs]
    told = {run.name: read_outlook(run.folder) for run in runs}
    rows = [[Cell(text) for text in (name, *_row(outlook))] for name, outlook in told.items() if outlook]
    blocks: list[Block] = []
    if rows:
        reasons = [f"{name}: {one['reason']}" for name, one in told.items() if one and one.get("reason")]
        blocks += [Heading("Individuals"), Table(COLUMNS, rows, labels=1)]
        blocks.append(
            Paragraph(
                "A wrong merge is an individual too many in a group, a wrong split a group too many of an individual; "
                "both are estimated from answers and random checks." + (f" ({'; '.join(reasons)})" if reasons else ""),
                muted=True,
            )
        )
    drawn = [found for run in runs if (found := _reliability(run)) is not None]
    if drawn:
        blocks += [Heading("Probabilities before the answers", 3), Curves(drawn)]
    return blocks


def _row(outlook: dict[str, Any]) -> list[str]:
    estimates = [_estimate(outlook.get(name)) for name in ("individuals", "wrong_merges", "wrong_splits")]
    return [str(outlook["groups"]), str(outlook.get("single", "-")), *estimates, str(outlook.get("audits", "-"))]


def _estimate(told: dict[str, float] | None) -> str:
    if told is None:
        return "-"
    return f"{told['value']:.0f} ({math.floor(told['low'])} to {math.ceil(told['high'])})"


def _reliability(run: FinishedRun) -> tuple[str, str] | None:
    """A drawing of what a run said of pairs before they were answered, and in words; None where it said too little."""
    pairs = [pair for pair in asked_pairs(run) if pair.answer["decision"] in ("same", "different")]
    said = np.array([float(pair.proposed.get("p_same", math.nan)) for pair in pairs])
    same = np.array([pair.answer["decision"] == "same" for pair in pairs], dtype=bool)
    known = ~np.isnan(said)
    if known.sum() < LEAST:
        return None
    points = reliability_curve(said[known], same[known])
    error = calibration_error(said[known], same[known])

    def draw(axes: Any) -> None:
        axes.plot([0, 100], [0, 100], color="black", linestyle=":", linewidth=1.4, label="right")
        axes.plot(100 * points[:, 0], 100 * points[:, 1], "-o", color=COLOURS[0], markersize=5, label=run.name)
        for at, share, number in points:
            axes.annotate(f"{number:.0f}", (100 * at, 100 * share), (4, -10), textcoords="offset points", fontsize=8)
        axes.set_xlabel("P(same) before the answer, %")
        axes.set_ylabel("answered same, %")

    words = f"{run.name}: {int(known.sum())} pairs whose probability was said before they were answered, off by "
    return drawing(draw), f"{words}{100 * error:.1f} points in the mean"
