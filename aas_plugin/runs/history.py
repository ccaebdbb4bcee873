"""What a run writes down as it goes: reports of cycles and epochs, labels, plots, the summary."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from aas_plugin.clustering.labels import count_clusters
from aas_plugin.evaluation.clustering_quality import clustering_quality
from aas_plugin.files import read_table, write_json, write_table, write_text
from aas_plugin.runs.run import Run

NOTHING_ASKED = ("asked", "budget", "asked_total", "asked_share", "must_links", "cannot_links")


class History:
    """The reports of a run so far; they are written into its folder, and observers are told.

    Attributes:
        run: the run.
        asking: what the last step asked, None before any and where nothing is asked.
        seconds: what the stages of this cycle took, by name.
        epochs: one report an epoch.
        cycles: one report a cycle.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.asking: dict[str, Any] | None = None
        self.seconds: dict[str, float] = {}
        self.epochs: list[dict[str, Any]] = []
        self.cycles: list[dict[str, Any]] = []

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add what the block takes to the seconds of a stage of this cycle."""
        started = perf_counter()
        yield
        self.add_seconds(stage, perf_counter() - started)

    def add_seconds(self, stage: str, seconds: float) -> None:
        """Add to the seconds of a stage of this cycle."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds

    def begin_cycle(self) -> None:
        """Forget what the last cycle asked and took."""
        self.seconds, self.asking = {}, None

    def finish_epoch(self, labels: np.ndarray, scalars: dict[str, Any], seconds: float) -> None:
        """Report an epoch to observers.

        Args:
            labels: int64 (N,), those it was trained on, -1 for un-clustered.
            scalars: its losses and other numbers, by name.
            seconds: what it took.
        """
        clusters, noise = count_clusters(labels), int((labels == -1).sum())
        self.epochs.append(
            {"epoch": self.run.epoch, **scalars, "clusters": clusters, "noise": noise, "seconds": seconds}
        )
        self.run.notify("aas_epoch_finished", report=self.epochs[-1])

    def finish_cycle(self, cycle: int, labels: np.ndarray, metrics: dict[str, float]) -> None:
        """Write what a cycle gave, and report it to observers.

        Args:
            cycle: from 1; 0 is the state before any question.
            labels: int64 (N,), its last pseudo-labels, -1 for un-clustered.
            metrics: of its evaluation, by name.
        """
        run = self.run
        quality = clustering_quality(labels, pd.array(run.identity[run.train], dtype="string"))
        asking = self.asking or dict.fromkeys(NOTHING_ASKED, 0)
        seconds = dict(self.seconds)
        for stage, spent in asking.get("seconds", {}).items():
            seconds[stage] = seconds.get(stage, 0.0) + spent
        report = {**asking, "cycle": cycle, "epoch": run.epoch if cycle else -1, **quality, **metrics}
        report["seconds"] = seconds
        folder = run.folder / "cycles" / f"{cycle:02d}"
        paths = run.catalogue.table["path"].iloc[run.train]
        write_table(folder / "labels.parquet", pd.DataFrame({"path": paths.to_numpy(), "label": labels}))
        write_json(folder / "report.json", report)
        self.cycles.append(report)
        self._write_plots()
        run.notify("aas_cycle_finished", report=report)

    def read_cycles(self, next_epoch: int) -> None:
        """Take up the reports that an earlier process wrote.

        Args:
            next_epoch: the first to train now; reports of this or a later epoch are left out.
        """
        for path in sorted((self.run.folder / "cycles").glob("*/report.json")):
            report = json.loads(path.read_text(encoding="utf-8"))
            if report["epoch"] < next_epoch:
                self.cycles.append(report)

    def write_summary(self, **more: float) -> None:
        """Write the last cycle's numbers as those of the run, with a hash of its labels to compare runs by.

        Args:
            more: other numbers of the run, by name.
        """
        last = self.cycles[-1]
        labels = read_table(self.run.folder / "cycles" / f"{last['cycle']:02d}" / "labels.parquet")
        digest = hashlib.sha256(labels.to_csv(index=False).encode()).hexdigest()[:16]
        write_json(self.run.folder / "metrics.json", {**_flat(last), **more, "labels_hash": digest})

    def _write_plots(self) -> None:
        plots = self.run.folder / "plots"
        write_text(plots / "cycles.csv", pd.DataFrame([_flat(report) for report in self.cycles]).to_csv(index=False))
        write_text(plots / "epochs.csv", pd.DataFrame(self.epochs).to_csv(index=False))


def _flat(report: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in report.items() if key != "seconds"}
