"""What a run writes down as it goes: reports of cycles and epochs, labels, plots, the summary."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from aas_plugin.active.begun import of_cycles
from aas_plugin.active.refining import MakeGraph
from aas_plugin.clustering.graph import Graph
from aas_plugin.clustering.labels import count_clusters
from aas_plugin.errors import AasError
from aas_plugin.evaluation.clustering_quality import clustering_quality
from aas_plugin.files import read_json, read_table, write_json, write_table, write_text
from aas_plugin.runs.answered import answers_until
from aas_plugin.runs.outcome import UNTRAINED
from aas_plugin.runs.run import Run

NOTHING_ASKED = ("asked", "budget", "asked_total", "asked_share", "must_links", "cannot_links")
RAW = ("ARI", "pairwise_precision", "pairwise_recall")
"""Figures that are told of the method's own labels as well, as `ARI_raw` and so on."""


class History:
    """The reports of a run so far; they are written into its folder, and observers are told.

    Attributes:
        run: the run.
        asking: what the last step asked, None before any and where nothing is asked.
        raw: int64 (N,), the method's own labels of this epoch, before answers are put into force.
        seconds: what the stages of this cycle took, by name.
        epochs: one report an epoch.
        cycles: one report a cycle.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.asking: dict[str, Any] | None = None
        self.raw = np.empty(0, dtype=np.int64)
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

    def asked(self, report: dict[str, Any], cycle: int, graph: Graph | MakeGraph, labels: np.ndarray) -> None:
        """Take what a step asked, and what its answers did to the labels of the epoch that asked.

        Features are the same before and after, so that the effect of answers is told apart from that of epochs.

        Args:
            report: of the step.
            cycle: that asked.
            graph: of this epoch, or a function that makes it.
            labels: int64 (N,), this epoch's labels with all answers.
        """
        before = self.run.active.refine(self.raw, graph, answers_until(self.run, cycle - 1))
        told = {"ARI_before": self._quality(before)["ARI"], "ARI_after": self._quality(labels)["ARI"]}
        self.asking = {**report, **told}

    def finish_epoch(self, labels: np.ndarray, scalars: dict[str, Any], seconds: float) -> None:
        """Report an epoch to observers; where individuals are known, with the quality of its labels.

        Args:
            labels: int64 (N,), those it was trained on, -1 for un-clustered.
            scalars: its losses and other numbers, by name.
            seconds: what it took.
        """
        clusters, noise = count_clusters(labels), int((labels == -1).sum())
        quality = self._quality(labels)
        told = {**self._quality_of_raw(), **{key: quality[key] for key in RAW}}
        known = {} if np.isnan(quality["ARI"]) else {k: None if np.isnan(v) else v for k, v in told.items()}
        counts = {"clusters": clusters, "noise": noise}
        self.epochs.append({"epoch": self.run.epoch, **scalars, **counts, **known, "seconds": seconds})
        self._write_epochs()
        self.run.notify("aas_epoch_finished", report=self.epochs[-1])

    def finish_cycle(self, cycle: int, labels: np.ndarray, metrics: Mapping[str, float | None]) -> None:
        """Write what a cycle gave, and report it to observers.

        Args:
            cycle: from 1; 0 is the state before any question.
            labels: int64 (N,), its last pseudo-labels, -1 for un-clustered.
            metrics: of its evaluation, by name.
        """
        run = self.run
        quality = {**self._quality(labels), **self._quality_of_raw()}
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
        plots = [_flat(report) for report in self.cycles]
        write_text(run.folder / "plots" / "cycles.csv", pd.DataFrame(plots).to_csv(index=False))
        self._write_epochs()
        run.notify("aas_cycle_finished", report=report)

    def read_cycles(self, next_epoch: int) -> None:
        """Take up the reports that an earlier process wrote.

        Args:
            next_epoch: the first to train now; reports of this or a later epoch are left out.
        """
        for path in of_cycles(self.run.folder, "report.json").values():
            report = read_json(path, "restore it; answers and checkpoints are whole")
            if not isinstance(report.get("epoch"), int):
                raise AasError(f"{path} names no epoch; restore it, answers and checkpoints are whole")
            if report["epoch"] < next_epoch:
                self.cycles.append(report)
        if not self.cycles:
            raise AasError(
                f"{self.run.folder / 'cycles'} has no report.json of a cycle that was trained; restore them, answers "
                "and checkpoints are whole"
            )

    def write_summary(self, **more: float | int | str | None) -> None:
        """Write the last cycle's numbers as those of the run, with a hash of its labels to compare runs by.

        Beside them stand the untrained model's, `untrained.mAP` and so on.

        Args:
            more: what else is to be told of the run, by name.
        """
        last = self.cycles[-1]
        labels = read_table(self.run.folder / "cycles" / f"{last['cycle']:02d}" / "labels.parquet")
        digest = hashlib.sha256(labels.to_csv(index=False).encode()).hexdigest()[:16]
        untrained = {f"untrained.{key}": self.cycles[0][key] for key in UNTRAINED if key in self.cycles[0]}
        write_json(self.run.folder / "metrics.json", {**_flat(last), **untrained, **more, "labels_hash": digest})

    def _quality(self, labels: np.ndarray) -> dict[str, float]:
        run = self.run
        return clustering_quality(labels, pd.array(run.identity[run.train], dtype="string"))

    def _quality_of_raw(self) -> dict[str, float]:
        quality = self._quality(self.raw)
        return {f"{key}_raw": quality[key] for key in RAW}

    def _write_epochs(self) -> None:
        write_text(self.run.folder / "plots" / "epochs.csv", pd.DataFrame(self.epochs).to_csv(index=False))


def _flat(report: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in report.items() if key != "seconds"}
