"""Samplers at equal questions: quality at shares of the questions, and the area under the curve."""

from __future__ import annotations

import math
from collections.abc import Sequence

from aas_plugin.evaluation.equal_questions import SHARES, AtEqualQuestions, at_equal_questions
from aas_plugin.report.compare import Group
from aas_plugin.report.document import Cell, Table
from aas_plugin.report.read import FinishedRun
from aas_plugin.report.settings import agree
from aas_plugin.report.statistics import Stat, number, stat

Found = dict[FinishedRun, AtEqualQuestions]


def equal_questions(groups: Sequence[Group], metric: str = "mAP") -> Found:
    """Each run beside those of the same data set, method, seed and settings, whatever the refiner.

    Runs without numbers are left out.
    """
    curves: dict[Group, dict[FinishedRun, tuple[list[float], list[float]]]] = {}
    for group in groups:
        for run in group.runs:
            asked = [number(report.get("asked_total")) for report in run.cycles]
            quality = [number(report.get(metric)) for report in run.cycles]
            if not any(map(math.isnan, [*asked, *quality])):
                curves.setdefault(group, {})[run] = (asked, quality)
    found: Found = {}
    for group, own in curves.items():
        beside = [other for other in curves if _comparable(group, other)]
        for run in own:
            same_seed = {it: curve for other in beside for it, curve in curves[other].items() if it.seed == run.seed}
            found[run] = at_equal_questions(same_seed)[run]
    return found


def _comparable(one: Group, other: Group) -> bool:
    """Whether two groups differ in sampler and refiner alone."""
    settings = [
        {key: value for key, value in group.settings.items() if not key.startswith("refiner.")}
        for group in (one, other)
    ]
    return (one.dataset, one.method) == (other.dataset, other.method) and agree(*settings)


def equal_table(groups: Sequence[Group], found: Found) -> Table | None:
    """Rows of all samplers; None where none asks, or nothing was measured."""
    if not any(one.questions for one in found.values()):
        return None
    stats: list[tuple[Group, list[Stat]]] = []
    for group in groups:
        own = [found[run] for run in group.runs if run in found]
        if own:
            values = [*zip(*(one.at for one in own), strict=True), [one.area for one in own]]
            stats.append((group, [stat([one.questions for one in own]), *map(stat, values)]))
    lines = []
    for group, (questions, *measured) in stats:
        beside = [other for other, _ in stats if _comparable(group, other)]
        cells = [Cell(group.dataset), Cell(group.method), Cell(group.label), Cell(str(questions.n))]
        cells.append(Cell(f"{questions.mean:.0f}"))
        for place, value in enumerate(measured):
            best = max(values[1 + place].mean for other, values in stats if other in beside)
            deviation = "-" if math.isnan(value.deviation) else f"{100 * value.deviation:.1f}"
            marked = len(beside) > 1 and value.mean == best
            cells.append(Cell(f"{100 * value.mean:.1f}", f"± {deviation}", best=marked))
        lines.append(cells)
    shares = [f"mAP % at {share:.0%}" for share in SHARES]
    return Table(
        ["data set", "method", "sampler", "seeds", "most questions", *shares, "area %"],
        lines,
        3,
        "mAP at equal questions",
    )
