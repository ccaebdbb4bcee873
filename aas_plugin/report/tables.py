"""The tables: results as in the paper's Table 1, questions by cycle, the test between samplers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from aas_plugin.report.compare import Comparison, Group
from aas_plugin.report.document import Cell, Table
from aas_plugin.report.read import FinishedRun
from aas_plugin.report.settings import differing
from aas_plugin.report.statistics import LEVEL, METRICS, SignedRank, Stat, number, stat

KEYS = (*METRICS, "asked_total", "asked_share")
COLUMNS = [*(f"{name} %" for name in METRICS.values()), "questions", "% of all pairs"]
UNTRAINED = ("adapter.", "backbone.", "training.height", "training.width")


@dataclass(frozen=True)
class Row:
    """A row of results.

    Attributes:
        method: the base method's name.
        sampler: the sampler's label, or "untrained".
        seeds: the numbers by seed and key.
        stats: their mean and deviation, by key.
        datasets: the data sets it is of.
    """

    method: str
    sampler: str
    seeds: dict[str, dict[str, float]]
    stats: dict[str, Stat]
    datasets: tuple[str, ...]


def results(groups: Sequence[Group]) -> list[Row]:
    """Rows of one data set: of each method the untrained model, then a row a sampler."""
    rows = []
    for method in dict.fromkeys(group.method for group in groups):
        of_method = [group for group in groups if group.method == method]
        rows += _untrained(of_method)
        for group in of_method:
            finals = {run.seed: {key: number(run.final.get(key)) for key in KEYS} for run in group.runs}
            rows.append(_row(method, group.label, finals, group.dataset))
    return rows


def over_datasets(comparison: Comparison) -> list[Row]:
    """Rows that are means over several data sets; none where there are no such.

    A row that has two versions of one data set, kept apart because they differ, is left out.
    The deviation is over seeds, of the seed's mean over data sets, from the seeds that all its data sets have.
    """
    tables = [row for dataset in comparison.datasets() for row in results(comparison.of(dataset))]
    rows = []
    for method, sampler in sorted({(row.method, row.sampler): None for row in tables}, key=lambda name: name[0]):
        own = [row for row in tables if (row.method, row.sampler) == (method, sampler)]
        titles = {comparison.titles[row.datasets[0]] for row in own}
        if len(own) < 2 or len(titles) < len(own):
            continue
        seeds = {
            seed: {key: float(np.mean([row.seeds[seed][key] for row in own])) for key in KEYS}
            for seed in own[0].seeds
            if all(seed in row.seeds for row in own)
        }
        stats = {}
        for key in KEYS:
            spread = stat(numbers[key] for numbers in seeds.values())
            stats[key] = Stat(float(np.mean([row.stats[key].mean for row in own])), spread.deviation, spread.n)
        rows.append(Row(method, sampler, seeds, stats, tuple(row.datasets[0] for row in own)))
    return rows


def results_table(rows: Sequence[Row], caption: str, covered: bool = False) -> Table:
    """Lay out rows; the best of each metric is marked where rows can be compared.

    With `covered` a column says how many data sets a row is a mean of, and only rows of the same ones compete.
    """
    # The widest cover competes, and of several the one that most rows have.
    covers = [row.datasets for row in rows]
    widest = max(covers, key=lambda cover: (len(cover), covers.count(cover)))
    full = [row for row in rows if row.datasets == widest]
    best = {key: max((row.stats[key].mean for row in full), key=_or_least) for key in METRICS}
    lines = []
    for row in rows:
        cells = [Cell(row.method), Cell(row.sampler), Cell(str(len(row.seeds)))]
        cells += [Cell(str(len(row.datasets)))] if covered else []
        for key in METRICS:
            marked = row in full and len(full) > 1 and math.isclose(row.stats[key].mean, best[key], abs_tol=1e-12)
            cells.append(_cell(row.stats[key], 100, 1, len(row.seeds), best=marked, below=_is_below(row, key, rows)))
        cells.append(_cell(row.stats["asked_total"], 1, 0, len(row.seeds)))
        share = row.stats["asked_share"]
        cells.append(_cell(share, 100, _decimals(100 * share.mean), len(row.seeds)))
        lines.append(cells)
    more = ["data sets"] if covered else []
    return Table(["method", "sampler", "seeds", *more, *COLUMNS], lines, labels=2, caption=caption)


def questions_table(groups: Sequence[Group]) -> Table:
    """Questions answered in each cycle, mean and deviation over seeds."""
    last = max(int(report["cycle"]) for group in groups for run in group.runs for report in run.cycles)
    lines = []
    for group in groups:
        cells = [Cell(group.dataset), Cell(group.method), Cell(group.label), Cell(str(len(group.runs)))]
        for cycle in range(1, last + 1):
            asked = [report.get("asked") for run in group.runs for report in run.cycles if report["cycle"] == cycle]
            cells.append(_cell(stat(asked), 1, 0, len(group.runs)) if asked else Cell(""))
        cells.append(_cell(stat(run.final.get("asked_total") for run in group.runs), 1, 0, len(group.runs)))
        budgets = [r["budget"] for run in group.runs for r in run.cycles if r["cycle"] and run.asks and "budget" in r]
        cells.append(Cell(_range(budgets)))
        lines.append(cells)
    cycles = [f"cycle {cycle}" for cycle in range(1, last + 1)]
    return Table(["data set", "method", "sampler", "seeds", *cycles, "all", "allowed a cycle"], lines, labels=3)


def significance_table(tests: Sequence[SignedRank]) -> Table:
    """The signed-rank test between each two samplers."""
    lines = []
    for test in tests:
        verdict = "" if test.p is None else "yes" if test.p < LEVEL else "no"
        lines.append(
            [
                Cell(f"{test.one} against {test.other}"),
                Cell(str(test.n)),
                Cell(f"{test.wins} of {test.n}"),
                Cell("-" if not test.n else f"{100 * test.difference:+.1f}"),
                Cell("-" if test.statistic is None else f"{test.statistic:g}"),
                Cell("-" if test.p is None else f"{test.p:.2g}"),
                Cell(f"{test.smallest_p:.2g}"),
                Cell(verdict or "too few pairs to tell"),
            ]
        )
    columns = ["samplers", "pairs n", "first better", "mAP difference", "W", "p", "smallest possible p", f"p < {LEVEL}"]
    return Table(columns, lines, labels=1)


def _untrained(groups: Sequence[Group]) -> list[Row]:
    """The model before any training, where it was evaluated; a row for each way to begin."""
    ways: list[tuple[dict[str, str], list[Group]]] = []
    for group in groups:
        way = {key: value for key, value in group.settings.items() if key.startswith(UNTRAINED)}
        members = next((members for other, members in ways if other == way), None)
        if members is None:
            ways.append((way, [group]))
        else:
            members.append(group)
    keys = differing([way for way, _ in ways])
    rows = []
    for way, members in ways:
        label = ", ".join(["untrained", *(f"{key} {way.get(key, 'not set')}" for key in keys)])
        row = _row(members[0].method, label, _first_reports(members), members[0].dataset)
        if any(row.stats[key].n for key in METRICS):
            rows.append(row)
    return rows


def _first_reports(groups: Sequence[Group]) -> dict[str, dict[str, float]]:
    """Reports of cycle 0 by seed; runs of a seed begin alike, so their mean is that of any."""
    runs: dict[str, list[FinishedRun]] = {}
    for group in groups:
        for run in group.runs:
            if run.cycles[0]["cycle"] == 0:
                runs.setdefault(run.seed, []).append(run)
    return {seed: {key: stat(run.cycles[0].get(key) for run in of).mean for key in KEYS} for seed, of in runs.items()}


def _is_below(row: Row, key: str, rows: Sequence[Row]) -> bool:
    """Whether the untrained model of the same method is better; where there are several, all of them."""
    own = [other for other in rows if (other.method, other.datasets) == (row.method, row.datasets)]
    levels = [other.stats[key].mean for other in own if other.sampler.split(",")[0] == "untrained" and other is not row]
    return bool(levels) and not row.sampler.startswith("untrained") and row.stats[key].mean < min(levels)


def _row(method: str, sampler: str, seeds: dict[str, dict[str, float]], dataset: str) -> Row:
    stats = {key: stat(numbers[key] for numbers in seeds.values()) for key in KEYS}
    return Row(method, sampler, seeds, stats, (dataset,))


def _cell(value: Stat, factor: float, digits: int, n: int, best: bool = False, below: bool = False) -> Cell:
    if not value.n and math.isnan(value.mean):
        return Cell("-")
    deviation = "-" if math.isnan(value.deviation) else f"{factor * value.deviation:.{digits}f}"
    fewer = f" (n = {value.n})" if value.n < n else ""
    return Cell(f"{factor * value.mean:.{digits}f}", f"± {deviation}{fewer}", best, below)


def _decimals(value: float) -> int:
    """Decimals that show two figures of a number, however small."""
    return 0 if not value or math.isnan(value) else max(2, 1 - math.floor(math.log10(value)))


def _range(values: Iterable[int]) -> str:
    kept = sorted(set(values))
    return "-" if not kept else f"{kept[0]}" if len(kept) == 1 else f"{kept[0]} to {kept[-1]}"


def _or_least(value: float) -> float:
    return -math.inf if math.isnan(value) else value
