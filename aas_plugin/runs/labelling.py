"""Labelling as a base method that trains nothing: one epoch is one batch of questions about the backbone as it is."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import pandas as pd

from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.jaccard import JaccardGraph
from aas_plugin.files import write_json
from aas_plugin.hookspecs import hookimpl
from aas_plugin.individuals.targets import most_questions, parse_targets, reached
from aas_plugin.models.zero_shot import ZeroShot
from aas_plugin.runs.outlook import FILE, outlook_of
from aas_plugin.runs.run import NativeRun
from aas_plugin.settings.labelling import LabellingOptions


class Labelling(ZeroShot):
    """Embeds once, clusters, and asks batch by batch until the target is reached or nothing is left to ask.

    Attributes:
        options: of the adapter.
        outlook: how it stands after the last batch; see `aas_plugin.runs.outlook`.
        trains: nothing is trained, so nothing is compared with an untrained model.
    """

    trains = False

    def __init__(self, options: LabellingOptions) -> None:
        self.options = options
        self.targets = parse_targets(options.until) if options.until is not None else ()
        self.outlook: dict[str, Any] = {}
        self._features: np.ndarray | None = None
        self._graph: JaccardGraph | None = None

    @hookimpl
    def aas_features(self, run: NativeRun) -> np.ndarray:
        """Features of the backbone as it is: the same array in every epoch."""
        if self._features is None:
            self._features = self.aas_embed(run, run.train)
        return self._features

    @hookimpl
    def aas_pseudo_labels(self, run: NativeRun, features: np.ndarray, graph: JaccardGraph) -> np.ndarray:
        """Cluster, before any answer."""
        self._graph = graph
        clustering = run.active.clustering
        labels = dbscan(graph, clustering.eps, clustering.min_samples)
        if not self.outlook:
            self._look(run, features, run.active.refine(labels, graph))
        return labels

    @hookimpl(wrapper=True)
    def aas_select_pairs(self, run: NativeRun) -> Generator[None, pd.DataFrame | None, pd.DataFrame | None]:
        """Choose no more pairs than the target allows questions."""
        chosen = yield
        most = most_questions(self.targets)
        if chosen is None or most is None:
            return chosen
        return chosen.head(max(0, most - _answered(run)))

    @hookimpl
    def aas_train_epoch(self, run: NativeRun, features: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        """Train nothing; look how it stands."""
        self._look(run, features, labels)
        figures = ("individuals", "wrong_merges", "wrong_splits", "remaining")
        return {name: float(self.outlook[name]["value"]) for name in figures if self.outlook[name] is not None}

    @hookimpl
    def aas_stop(self, run: NativeRun, report: dict[str, Any] | None) -> bool | None:
        """Stop where nothing is left to ask, or the target is reached."""
        if report is None:
            return None
        return not report.get("proposed") or bool(reached(self.targets, self.outlook)) or None

    @hookimpl
    def aas_save_state(self, run: NativeRun) -> dict[str, Any]:
        """How it stands, by which it is decided whether to stop."""
        return {"outlook": self.outlook}

    @hookimpl
    def aas_load_state(self, run: NativeRun, state: dict[str, Any]) -> bool:
        """Go on from there."""
        self.outlook = state["outlook"]
        return True

    def _look(self, run: NativeRun, features: np.ndarray, labels: np.ndarray) -> None:
        assert self._graph is not None  # it was clustered before
        found = outlook_of(run, features, self._graph, labels, self.targets)
        found |= {"target": self.options.until or "", "reached": reached(self.targets, found)}
        self.outlook = found
        write_json(run.folder / FILE, found)


def _answered(run: NativeRun) -> int:
    return sum(answer.cycle > 0 for answer in run.active.answers())
