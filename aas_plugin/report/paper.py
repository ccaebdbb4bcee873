"""The paper's Table 1 beside what was run."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from aas_plugin.report.document import Cell, Table
from aas_plugin.report.statistics import METRICS
from aas_plugin.report.tables import Row

FIGURES: tuple[tuple[str, str, str, tuple[float, float, float, float, float], str], ...] = (
    ("ResNet-50, untrained", "spcl", "untrained", (38.88, 21.34, 48.37, 48.62, 60.87), "0"),
    ("ResNet-50, all labels", "supervised", "none", (64.29, 49.75, 72.88, 72.04, 80.02), "100"),
    ("PPLR", "pplr", "none", (51.23, 32.62, 63.78, 61.99, 71.49), "0"),
    ("ClusterContrast", "cluster-contrast", "none", (45.92, 27.81, 58.15, 57.97, 69.43), "0"),
    ("SpCL", "spcl", "none", (44.95, 27.37, 56.65, 55.38, 67.01), "0"),
    ("SpCL + Random", "spcl", "random", (46.67, 29.02, 58.11, 57.28, 68.33), "0.1"),
    ("SpCL + GBAS", "spcl", "gbas", (48.61, 30.35, 60.56, 60.53, 71.50), "0.1"),
    ("SpCL + LBAS", "spcl", "lbas", (52.15, 34.06, 63.99, 63.62, 73.15), "0.1"),
    ("SpCL + NIS", "spcl", "nis", (50.72, 32.73, 61.78, 61.21, 72.30), "0.1"),
    ("SpCL + AAS", "spcl", "aas", (56.14, 38.17, 67.71, 67.15, 75.21), "0.033"),
)
"""Rows of the paper that have one here: its words, method and sampler here, the metrics in the order of `METRICS` in
percent, and its questions in percent of all pairs. Means of 13 data sets."""


def paper_table(rows: Sequence[Row]) -> Table | None:
    """The paper's figures beside ours, a mean over the data sets; None where no row of the paper was run.

    Args:
        rows: of all data sets, from `tables.results`.
    """
    lines = []
    for words, method, sampler, figures, budget in FIGURES:
        own = [row for row in rows if row.method == method and row.sampler.split(",")[0] == sampler]
        if not own:
            continue
        cells = [Cell(words), Cell(str(len({row.datasets for row in own})))]
        for key, figure in zip(METRICS, figures, strict=True):
            cells.append(Cell(_mean([row.stats[key].mean for row in own], 1), f"({figure:.1f})"))
        # Who is told every individual asks nothing, and knows all pairs.
        share = "100" if method == "supervised" else _mean([row.stats["asked_share"].mean for row in own], 3)
        lines.append([*cells, Cell(share, f"({budget})")])
    if not lines:
        return None
    names = [f"{name} %" for name in (*METRICS.values(), "pairs asked")]
    return Table(
        ["", "data sets here", *names], lines, labels=1, caption="Here, and in the paper's Table 1 (in brackets)"
    )


def _mean(values: Sequence[float], digits: int) -> str:
    mean = float(np.mean(values))
    return "-" if math.isnan(mean) else f"{100 * mean:.{digits}f}"
