"""Simulations as tables and as curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.table import Table

from aas_plugin.evaluation.equal_questions import SHARES, at_equal_questions
from aas_plugin.settings.models import ClusteringSettings

MEASURES = ("precision", "recall", "F1")
STROKES = ("-", "--", ":", "-.")
WAY = ["sampler", "refiner"]
GROUP = ["features", *WAY, "error_rate"]
AT = [f"at {share:.0%}" for share in SHARES]


def described(images: Sequence[int], clusterings: Sequence[ClusteringSettings]) -> str:
    """How many images a data set has, and how they are clustered; ranges where it is drawn anew for each seed."""
    values: dict[str, list[float]] = {"images": list(images)}
    for name in ("k1", "k2", "eps", "min_samples"):
        values[name] = [getattr(clustering, name) for clustering in clusterings]
    spans = {name: sorted({min(of), max(of)}) for name, of in values.items()}
    told = {name: " to ".join(f"{value:g}" for value in span) for name, span in spans.items()}
    return f"{told.pop('images')} images, " + ", ".join(f"{name} {value}" for name, value in told.items())


def means(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds, a row for each data set, sampler, refiner, error rate and cycle, in the order they come in.

    Args:
        rows: as `aas simulate -o` writes them.
    """
    numbers = ["asked", "ARI", *MEASURES, "individuals"]
    # What is undefined in every row, such as the precision where nothing is clustered, is no number yet.
    measured = rows.astype(dict.fromkeys(numbers, float))
    return measured.groupby([*GROUP, "cycle"], sort=False)[numbers].mean().reset_index()


def equal(rows: pd.DataFrame) -> pd.DataFrame:
    """ARI at equal questions, a row for each simulation: `at 25%` and so on, and `area`; see `at_equal_questions`.

    What is compared shares the data, the seed and the error rate.

    Args:
        rows: as `aas simulate -o` writes them.
    """
    found: list[dict[str, Any]] = []
    for (features, seed, rate), beside in rows.groupby(["features", "seed", "error_rate"], sort=False):
        of_way: Any = beside.groupby(WAY, sort=False)
        told = {way: (one["asked"].tolist(), one["ARI"].tolist()) for way, one in of_way}
        for (sampler, refiner), one in at_equal_questions(told).items():
            given = {"features": features, "seed": seed, "error_rate": rate, "sampler": sampler, "refiner": refiner}
            found.append({**given, **dict(zip(AT, one.at, strict=True)), "area": one.area})
    return pd.DataFrame(found)


def final_tables(rows: pd.DataFrame) -> list[Table]:
    """Every combination on one data set, a table for each error rate, beside the labels before any question.

    Args:
        rows: as `aas simulate -o` writes them, of one data set.
    """
    truth = rows.groupby("seed")["true_individuals"].first().mean()
    found, curves = means(rows), equal(rows).groupby(GROUP, sort=False)[[*AT, "area"]].mean().reset_index()
    last = found[found["cycle"] == found["cycle"].max()].merge(curves, on=GROUP)
    none = found.iloc[[0]].assign(sampler="(none yet)", refiner="-")
    none = none.assign(**{name: none["ARI"] for name in (*AT, "area")})
    tables = []
    for rate, of_rate in last.groupby("error_rate", sort=False):
        table = _table(f"{rate:.0%} of answers wrong")
        table.add_column("asked", justify="right")
        for name in (f"ARI {AT[0]}", *AT[1:], "area", "prec.", "recall", "F1", f"found of {truth:.0f}"):
            table.add_column(name, justify="right")
        ranked = of_rate.sort_values("area", ascending=False, kind="stable")
        for _, row in pd.concat([none, ranked]).iterrows():
            measured = [f"{row[name]:.3f}" for name in (*AT, "area", *MEASURES)]
            table.add_row(*(row[name] for name in WAY), f"{row['asked']:.0f}", *measured, f"{row['individuals']:.0f}")
        tables.append(table)
    tables[-1].caption = (
        f"means of {_seeds(rows)}; ARI at shares of the questions of whoever asked most, and its mean over all of them "
        "(area), the best first; the rest is after the last cycle"
    )
    return tables


def overview(rows: pd.DataFrame) -> Table:
    """The area of every sampler, refiner and error rate, a column for each data set.

    Args:
        rows: as `aas simulate -o` writes them.
    """
    areas = equal(rows).groupby(GROUP, sort=False)["area"].mean().unstack("features", sort=False)
    table = _table("mean ARI over equal questions (area)")
    table.caption = f"means of {_seeds(rows)}, the best of each error rate bold"
    for name in ("wrong", *areas.columns):
        table.add_column(str(name), justify="right")
    for rate, of_rate in areas.groupby("error_rate", sort=False):
        best = of_rate.max()
        order = of_rate.mean(axis=1).sort_values(ascending=False, kind="stable").index
        for sampler, refiner, _ in order:
            values = of_rate.loc[(sampler, refiner, rate)]
            told = [f"[bold]{one:.3f}[/bold]" if one == best[name] else f"{one:.3f}" for name, one in values.items()]
            table.add_row(sampler, refiner, f"{rate:.0%}", *told)
    return table


def _table(title: str) -> Table:
    table = Table(box=None, pad_edge=False, collapse_padding=True, title=title, title_justify="left")
    for name in WAY:
        table.add_column(name, no_wrap=True)
    return table


def _seeds(rows: pd.DataFrame) -> str:
    count = rows["seed"].nunique()
    return f"{count} seed{'' if count == 1 else 's'}"


def draw_curves(rows: pd.DataFrame, path: Path) -> None:
    """Draw ARI over the questions asked: a colour a sampler, a stroke a refiner, a panel a data set and error rate.

    Args:
        rows: as `aas simulate -o` writes them.
        path: of the picture; its ending says the kind.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    found = means(rows)
    sets, rates, samplers, refiners = (found[name].unique().tolist() for name in ("features", "error_rate", *WAY))
    height = max(4.0 * len(sets), 0.5 + 0.2 * len(samplers) * len(refiners))
    figure = Figure(figsize=(2 + 4.5 * len(rates), height), layout="constrained")
    panels = figure.subplots(len(sets), len(rates), sharey="row", squeeze=False)
    for (row, name), (column, rate) in ((one, other) for one in enumerate(sets) for other in enumerate(rates)):
        panel = panels[row, column]
        shown = found[(found["features"] == name) & (found["error_rate"] == rate)]
        for (sampler, refiner), line in shown.groupby(WAY, sort=False):
            colour = colormaps["tab20"](samplers.index(sampler) % 20)
            stroke = STROKES[refiners.index(refiner) % len(STROKES)]
            label = f"{sampler}, {refiner}" if panel is panels[0, 0] else None
            panel.plot(line["asked"], line["ARI"], stroke, color=colour, marker="o", markersize=3, label=label)
        panel.set_title(f"{name}, {rate:.0%} of answers wrong")
        panel.set_xlabel("questions")
        panel.grid(alpha=0.3)
    for panel in panels[:, 0]:
        panel.set_ylabel("ARI")
    figure.legend(loc="outside right upper", fontsize=8)
    figure.savefig(path, dpi=120)
