"""Simulations as a table and as curves."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from rich.table import Table

MEASURES = ("ARI", "precision", "recall", "F1")
STROKES = ("-", "--", ":", "-.")
GROUP = ["sampler", "refiner", "error_rate"]


def means(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds, a row for each sampler, refiner, error rate and cycle, in the order they come in.

    Args:
        rows: as `aas simulate -o` writes them.
    """
    numbers = ["asked", *MEASURES, "individuals"]
    # What is undefined in every row, such as the precision where nothing is clustered, is no number yet.
    measured = rows.astype(dict.fromkeys(numbers, float))
    return measured.groupby([*GROUP, "cycle"], sort=False)[numbers].mean().reset_index()


def final_table(rows: pd.DataFrame) -> Table:
    """The last cycle of every combination, beside the labels before any question.

    Args:
        rows: as `aas simulate -o` writes them.
    """
    seeds = rows["seed"].nunique()
    truth = int(rows["true_individuals"].iloc[0])
    table = Table(box=None, pad_edge=False, title=None)
    for name in ("sampler", "refiner", "wrong answers"):
        table.add_column(name)
    for name in ("asked", *MEASURES, f"found of {truth}"):
        table.add_column(name, justify="right")
    found = means(rows)
    first, last = found[found["cycle"] == 0], found[found["cycle"] == found["cycle"].max()]
    ranked = last.sort_values("ARI", ascending=False, kind="stable")
    none = first.iloc[[0]].assign(sampler="(none yet)", refiner="-", error_rate=float("nan"))
    for row in pd.concat([none, ranked]).itertuples(index=False):
        wrong = "-" if pd.isna(row.error_rate) else f"{row.error_rate:.0%}"
        measured = [f"{getattr(row, name):.3f}" for name in MEASURES]
        table.add_row(row.sampler, row.refiner, wrong, f"{row.asked:.0f}", *measured, f"{row.individuals:.0f}")
    table.caption = f"after the last cycle, mean of {seeds} seed{'' if seeds == 1 else 's'}, the best ARI first"
    return table


def draw_curves(rows: pd.DataFrame, path: Path) -> None:
    """Draw ARI over the questions asked: a colour a sampler, a stroke a refiner, a panel an error rate.

    Args:
        rows: as `aas simulate -o` writes them.
        path: of the picture; its ending says the kind.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    found = means(rows)
    rates, samplers, refiners = (found[name].unique().tolist() for name in ("error_rate", "sampler", "refiner"))
    figure = Figure(
        figsize=(2 + 4.5 * len(rates), max(4, 0.5 + 0.2 * len(samplers) * len(refiners))), layout="constrained"
    )
    panels = figure.subplots(1, len(rates), sharey=True, squeeze=False)[0]
    for panel, rate in zip(panels, rates, strict=True):
        of_rate = found[found["error_rate"] == rate]
        for (sampler, refiner), line in of_rate.groupby(["sampler", "refiner"], sort=False):
            colour = colormaps["tab20"](samplers.index(sampler) % 20)
            stroke = STROKES[refiners.index(refiner) % len(STROKES)]
            name = f"{sampler}, {refiner}" if panel is panels[0] else None
            panel.plot(line["asked"], line["ARI"], stroke, color=colour, marker="o", markersize=3, label=name)
        panel.set_title(f"{rate:.0%} of answers wrong")
        panel.set_xlabel("questions")
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("ARI")
    figure.legend(loc="outside right upper", fontsize=8)
    figure.savefig(path, dpi=120)
