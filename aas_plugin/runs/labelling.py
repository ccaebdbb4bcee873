"""Labelling as a base method that trains nothing: one epoch is one batch of questions about the backbone as it is."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import pandas as pd

from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.jaccard import JaccardGraph
from aas_plugin.errors import AasError
from aas_plugin.files import write_json
from aas_plugin.hookspecs import hookimpl
from aas_plugin.individuals.outlook import LEAST_AUDITS
from aas_plugin.individuals.targets import most_questions, parse_targets, reached
from aas_plugin.models.zero_shot import ZeroShot
from aas_plugin.runs.outlook import FILE, names_are_whole, outlook_of
from aas_plugin.runs.run import NativeRun
from aas_plugin.sampling.proposal import KnownPairs
from aas_plugin.sampling.ranked import most_similar_pairs
from aas_plugin.sampling.views import Views
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
    def aas_setup(self, run: NativeRun) -> bool:
        """Build the backbone.

        Raises:
            AasError: the target is about errors, and the sampler draws no questions at random.
        """
        of_errors = [str(one) for one in self.targets if one.quantity != "questions"]
        if of_errors and not _draws_checks(run):
            raise AasError(
                f"target {of_errors[0]!r} cannot be promised, as {_NO_CHECKS.format(run.settings.sampler.name)}; take "
                'the sampler cal with an audit above 0, as without --set, or a target such as "questions <= 200"'
            )
        return super().aas_setup(run)

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
    def aas_select_pairs(
        self, run: NativeRun, views: Views, known: KnownPairs, budget: int
    ) -> Generator[None, pd.DataFrame | None, pd.DataFrame | None]:
        """Choose no more pairs than the target allows questions; of a handful of photos the most similar ones.

        A sampler may be in no doubt before the first answer, where photos are too few to be a cluster.
        """
        chosen = yield
        if chosen is None:
            return None
        answered = _answered(run)
        if chosen.empty and not answered and run.settings.sampler.name != "none":
            chosen = most_similar_pairs(views, budget, known)
        most = most_questions(self.targets)
        return chosen if most is None else chosen.head(max(0, most - answered))

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
        """Go on from there; the target may be another one now, and files that are gone or damaged are made anew."""
        self._keep(run, state["outlook"])
        if not names_are_whole(run.folder):
            features = self.aas_features(run)
            self._graph = run.active.graph(features, None)
            clustering = run.active.clustering
            labels = dbscan(self._graph, clustering.eps, clustering.min_samples)
            self._look(run, features, run.active.refine(labels, self._graph))
        return True

    def _look(self, run: NativeRun, features: np.ndarray, labels: np.ndarray) -> None:
        assert self._graph is not None  # it was clustered before
        found = outlook_of(run, features, self._graph, labels, self.targets)
        if found["reason"] and found["audits"] < LEAST_AUDITS and not _draws_checks(run):
            found["reason"] = _NO_CHECKS.format(run.settings.sampler.name)
        self._keep(run, found)

    def _keep(self, run: NativeRun, found: dict[str, Any]) -> None:
        self.outlook = found | {"target": self.options.until or "", "reached": reached(self.targets, found)}
        write_json(run.folder / FILE, self.outlook)


_NO_CHECKS = "the sampler {!r} draws no questions at random"


def _draws_checks(run: NativeRun) -> bool:
    return bool(run.settings.sampler.options.get("audit"))


def _answered(run: NativeRun) -> int:
    return sum(answer.cycle > 0 for answer in run.active.answers())
