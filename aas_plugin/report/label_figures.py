"""The quality of pseudo-labels by epoch: the method's own, the repaired ones, and what answers did when asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from aas_plugin.report.compare import Group
from aas_plugin.report.figures import GREY, drawing, styles
from aas_plugin.report.statistics import number, stat


def label_curves(groups: Sequence[Group]) -> list[tuple[str, str]]:
    """SVG and a description for each group of one method on one data set; groups without numbers are left out."""
    kept = []
    for group in groups:
        raw, repaired = by_epoch(group, "ARI_raw"), by_epoch(group, "ARI")
        if len(raw) and len(repaired):
            kept.append((_panel(groups, group, raw, repaired), _in_words(group, raw, repaired)))
    return kept


def by_epoch(group: Group, key: str) -> np.ndarray:
    """Float64 `(epochs, 3)`: epoch, mean and deviation over seeds of a figure of its labels, as a fraction.

    Epochs are those of which all seeds tell it.
    """
    of_run = [{int(row["epoch"]): row[key] for row in run.epochs if key in row} for run in group.runs]
    points = []
    for epoch in sorted(set.intersection(*map(set, of_run))):
        values = stat(told[epoch] for told in of_run)
        points.append((epoch, values.mean, values.deviation))
    return np.array(points, dtype=np.float64).reshape(-1, 3)


def askings(group: Group) -> np.ndarray:
    """Float64 `(cycles, 3)`: the epoch that asked, mean ARI of its labels without and with the cycle's answers.

    Cycles in which some seed asked nothing are left out.
    """
    of_run = [{int(report["cycle"]): report for report in run.cycles} for run in group.runs]
    points = []
    for cycle in sorted(set.intersection(*map(set, of_run))):
        reports = [told[cycle] for told in of_run]
        if not all(report.get("asked") and report.get("ARI_before") is not None for report in reports):
            continue
        before, after = (stat(number(report[key]) for report in reports).mean for key in ("ARI_before", "ARI_after"))
        points.append(((cycle - 1) * int(group.runs[0].settings["active"]["every"]), before, after))
    return np.array(points, dtype=np.float64).reshape(-1, 3)


def _panel(groups: Sequence[Group], group: Group, raw: np.ndarray, repaired: np.ndarray) -> str:
    colour = styles(groups)[group.label][0]

    def draw(axes: Any) -> None:
        lines = ((raw, GREY, "--", "the method's own labels"), (repaired, colour, "-", "repaired by all answers"))
        for points, shade, line, label in lines:
            mean, deviation = 100 * points[:, 1], 100 * np.nan_to_num(points[:, 2])
            axes.plot(points[:, 0], mean, line, color=shade, linewidth=1.6, label=label)
            axes.fill_between(points[:, 0], mean - deviation, mean + deviation, color=shade, alpha=0.12, linewidth=0)
        asked = askings(group)
        if len(asked):
            epochs, before, after = asked[:, 0], 100 * asked[:, 1], 100 * asked[:, 2]
            axes.vlines(epochs, before, after, color="black", linewidth=1.2, zorder=3)
            look: Any = {"color": "black", "linestyle": "none", "markersize": 5, "zorder": 4}
            axes.plot(epochs, before, marker="o", fillstyle="none", label="when asked, without the new answers", **look)
            axes.plot(epochs, after, marker="o", label="when asked, with them", **look)
        axes.set_title(group.label, fontsize=10, loc="left")
        axes.set_ylabel("ARI of labels, %")
        axes.set_xlabel("epoch")

    return drawing(draw, below=True)


def _in_words(group: Group, raw: np.ndarray, repaired: np.ndarray) -> str:
    words = (
        f"ARI by epoch, {group.label}: from {100 * raw[0, 1]:.1f} % to {100 * raw[-1, 1]:.1f} % for the method's own "
        f"labels, from {100 * repaired[0, 1]:.1f} % to {100 * repaired[-1, 1]:.1f} % for the repaired ones"
    )
    lifts = [f"{100 * (after - before):+.1f}" for _, before, after in askings(group)]
    return words + (f"; the answers of each cycle changed it by {', '.join(lifts)} points" if lifts else "")
