"""The curves of the paper's Figure 3, as SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from io import StringIO
from typing import Any, Literal

import numpy as np

from aas_plugin.report.compare import Group
from aas_plugin.report.statistics import METRICS, number, stat

Axis = Literal["questions", "cycle"]

# Okabe and Ito's colours, which the colour-blind can tell apart, darkest on white first.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
MARKERS = ("o", "s", "^", "D", "v", "P")
GREY = "#666666"
PANELS: tuple[tuple[str, Axis], ...] = (
    ("mAP", "questions"),
    ("mAP", "cycle"),
    ("BAKS", "questions"),
    ("AUC_ROC", "questions"),
)


def curves(groups: Sequence[Group]) -> list[tuple[str, str]]:
    """SVG and a description of each panel for one method on one data set; panels without numbers are left out."""
    kept = []
    for metric, axis in PANELS:
        if any(report.get(metric) is not None for group in groups for run in group.runs for report in run.cycles):
            by = "questions asked" if axis == "questions" else "cycle"
            kept.append((_panel(groups, metric, axis), f"{METRICS[metric]} by {by}: {_in_words(groups, metric)}"))
    return kept


def curve(group: Group, metric: str) -> np.ndarray:
    """Float64 `(cycles, 4)`: cycle, questions so far, mean and deviation of the metric over seeds, as fractions.

    Cycles are those that all seeds have.
    """
    of_run = [{int(report["cycle"]): report for report in run.cycles} for run in group.runs]
    points = []
    for cycle in sorted(set.intersection(*(set(reports) for reports in of_run))):
        asked = stat(reports[cycle].get("asked_total") for reports in of_run)
        values = stat(number(reports[cycle].get(metric)) for reports in of_run)
        points.append((cycle, asked.mean, values.mean, values.deviation))
    return np.array(points, dtype=np.float64)


def styles(groups: Sequence[Group]) -> dict[str, tuple[str, str]]:
    """Colour and marker by the group's label, the last row of the tables first; grey for what asks nothing."""
    found: dict[str, tuple[str, str]] = {}
    asking = [group.label for group in groups if group.sampler != "none"]
    for place, label in enumerate(dict.fromkeys(reversed(asking))):
        found[label] = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
    return {group.label: found.get(group.label, (GREY, "x")) for group in groups}


def drawing(draw: Callable[[Any], None], below: bool = False) -> str:
    """A small diagram as SVG, the same bytes for the same numbers.

    Args:
        draw: fills matplotlib's axes.
        below: whether the legend stands below the axes, because it is long.
    """
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    look: Any = {
        "font.size": 10,
        "svg.hashsalt": "aas",
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with matplotlib.rc_context(look):
        figure = Figure(figsize=(5.2, 3.5), layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        axes.grid(color="#e4e4e4", linewidth=0.8)
        axes.set_axisbelow(True)
        if below:
            figure.legend(frameon=False, fontsize=8, loc="outside lower center", ncols=2)
        else:
            axes.legend(frameon=False, fontsize=9, loc="best")
        written = StringIO()
        figure.savefig(written, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = written.getvalue()
    return text[text.index("<svg") :]


def _panel(groups: Sequence[Group], metric: str, axis: Axis) -> str:
    def draw(axes: Any) -> None:
        for group in groups:
            colour, marker = styles(groups)[group.label]
            points = curve(group, metric)
            points = points[~np.isnan(points[:, 2])]
            if not len(points):
                continue
            mean, deviation = 100 * points[:, 2], 100 * np.nan_to_num(points[:, 3])
            if axis == "questions" and not any(run.asks for run in group.runs):
                # Without questions there is no way along this axis: a level to compare with.
                label = f"{group.label} (no questions)"
                axes.axhline(mean[-1], color=colour, linestyle="--", linewidth=1.4, label=label)
                axes.axhspan(mean[-1] - deviation[-1], mean[-1] + deviation[-1], color=colour, alpha=0.12, linewidth=0)
                continue
            x = points[:, 1] if axis == "questions" else points[:, 0]
            line = "--" if group.sampler == "none" else "-"
            axes.plot(x, mean, line, color=colour, marker=marker, markersize=5, linewidth=1.8, label=group.label)
            axes.fill_between(x, mean - deviation, mean + deviation, color=colour, alpha=0.15, linewidth=0)
        for place, level in enumerate(untrained_levels(groups, metric)):
            named = None if place else "untrained"
            axes.axhline(100 * level, color="black", linestyle=":", linewidth=1.4, label=named)
        axes.set_ylabel(f"{METRICS[metric]}, %")
        axes.set_xlabel("questions asked so far" if axis == "questions" else "cycle (0: untrained)")

    return drawing(draw)


def untrained_levels(groups: Sequence[Group], metric: str) -> list[float]:
    """What the untrained model reaches, as a fraction; several values where groups begin from several models."""
    first = [points[0, 2] for points in (curve(group, metric) for group in groups) if len(points) and not points[0, 0]]
    return sorted({round(float(level), 4) for level in first if not math.isnan(level)})


def _in_words(groups: Sequence[Group], metric: str) -> str:
    ends = []
    for group in groups:
        points = curve(group, metric)
        if len(points) and not math.isnan(points[-1, 2]):
            ends.append(f"{group.label} ends at {100 * points[-1, 2]:.1f} % after {points[-1, 1]:.0f} questions")
    return "; ".join(ends)
