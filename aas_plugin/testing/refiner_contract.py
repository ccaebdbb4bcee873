"""What every refiner does, as tests to inherit."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from aas_plugin import hookspecs
from aas_plugin.active.learner import ActiveLearner
from aas_plugin.active.refining import refined_by
from aas_plugin.clustering.dense import DenseGraph
from aas_plugin.clustering.labels import by_first_appearance
from aas_plugin.constraints.closure import Constraints
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.settings.models import ActiveSettings, ClusteringSettings
from aas_plugin.testing.sampler_contract import herd

Scene = tuple[np.ndarray, Constraints, DenseGraph]


def scene(n: int, answers: int, seed: int, clusters: int = 4) -> Scene:
    """Make up labels, consistent answers that know nothing of them, and distances of which no two are equal.

    Args:
        n: number of images.
        answers: how many pairs are drawn to be answered.
        seed: of all draws.
        clusters: labels go from -1 to one less.

    Returns:
        Labels, int64 (n,), the answers, and the distances.
    """
    rng = np.random.default_rng(seed)
    individual = rng.integers(0, max(n // 3, 1), n)
    constraints = Constraints(n)
    for u, v in rng.integers(0, n, (answers, 2)).tolist():
        if u != v:
            constraints.add(u, v, same=bool(individual[u] == individual[v]))
    upper = np.triu(rng.permutation(n * n).reshape(n, n) + 1, 1) / (n * n + 1)
    return rng.integers(-1, clusters, n), constraints, DenseGraph(upper + upper.T)


def scenes() -> Iterator[Scene]:
    """Make up scenes of many sizes: few and many answers, one image, all in one cluster, all in none."""
    for seed in range(12):
        yield scene(4 + 3 * seed, 5 * seed, seed)
    yield scene(1, 0, 0)
    labels, constraints, graph = scene(20, 40, 99)
    yield np.zeros_like(labels), constraints, graph
    yield np.full_like(labels, -1), constraints, graph


class RefinerContract:
    """Inherit this with the name of a refiner, and pytest runs what every refiner has to pass.

    Attributes:
        refiner: the name it is registered under.
        modules: plugin modules to load, for a refiner that no installed package registers.
        options: options of the refiner.
    """

    refiner: ClassVar[str]
    modules: ClassVar[Sequence[str]] = ()
    options: ClassVar[Mapping[str, Any]] = {}

    def make(self) -> Any:
        """Make a fresh refiner, as a run makes it."""
        return load_plugins(self.modules).component("refiner", self.refiner).make(self.options)

    def refine(self, labels: np.ndarray, constraints: Constraints, graph: DenseGraph) -> np.ndarray:
        """Let a fresh refiner work, and check that every answer holds.

        Args:
            labels: int64 (N,).
            constraints: answers.
            graph: distances.

        Returns:
            int64 (N,).

        Raises:
            AasError: an answer does not hold.
        """
        return refined_by(self.make(), constraints, labels, graph)

    def test_it_takes_what_the_hook_offers(self) -> None:
        """Its arguments are some of those of `aas_refine`."""
        offered = set(inspect.signature(hookspecs.aas_refine).parameters)
        assert set(inspect.signature(self.make().aas_refine).parameters) <= offered

    def test_every_answer_holds_on_scenes_of_every_kind(self) -> None:
        """Also where labels know nothing of the answers; labels count from 0 by their first image."""
        for labels, constraints, graph in scenes():
            refined = self.refine(labels, constraints, graph)
            assert refined.shape == labels.shape and refined.min() >= -1
            used = np.unique(refined[refined >= 0])
            if any(constraints.violations(labels)):
                np.testing.assert_array_equal(used, np.arange(len(used)))

    def test_it_draws_nothing_and_changes_nothing_that_it_is_given(self) -> None:
        """Twice the same, whatever the global generators say; labels and links stay."""
        labels, constraints, graph = scene(30, 60, 5)
        given = labels, constraints.must_links, constraints.cannot_links
        before, state = [array.copy() for array in given], repr(np.random.get_state())
        first = self.refine(labels, constraints, graph)
        assert all(np.array_equal(one, other) for one, other in zip(before, given, strict=True))
        assert repr(np.random.get_state()) == state
        np.random.seed(3)
        np.testing.assert_array_equal(self.refine(labels, constraints, graph), first)

    def test_permuting_the_images_permutes_the_labels(self) -> None:
        """Up to the names of clusters."""
        for seed in range(6):
            labels, constraints, graph = scene(24, 30, seed)
            order = np.random.default_rng(seed).permutation(24)
            place = np.argsort(order)
            moved = Constraints(24)
            for links, same in ((constraints.must_links, True), (constraints.cannot_links, False)):
                for u, v in place[links].tolist():
                    moved.add(u, v, same)
            there = self.refine(labels[order], moved, DenseGraph(graph.matrix[np.ix_(order, order)]))
            here = self.refine(labels, constraints, graph)[order]
            np.testing.assert_array_equal(by_first_appearance(here), by_first_appearance(there))

    def test_labels_that_break_nothing_stay_if_it_says_so(self) -> None:
        """What `keeps_satisfied` claims is true of the hook itself."""
        if not getattr(self.make(), "keeps_satisfied", False):
            return
        for labels, constraints, graph in scenes():
            satisfied = self.refine(labels, constraints, graph)
            again = self.make().aas_refine(
                labels=satisfied,
                must_links=constraints.must_links,
                cannot_links=constraints.cannot_links,
                graph=graph,
            )
            np.testing.assert_array_equal(by_first_appearance(again), by_first_appearance(satisfied))

    def test_it_works_in_somebody_elses_loop(self, tmp_path: Path) -> None:
        """The plugin object is handed to `ActiveLearner` as it is, without a run."""
        features = herd(8, 6, 1.0)
        individual = np.repeat(np.arange(8), 6)
        learner = ActiveLearner(
            [f"{i}.jpg" for i in range(len(features))],
            lambda question: "same" if individual[question.u] == individual[question.v] else "different",
            tmp_path,
            refiner=self.make(),
            active=ActiveSettings(every=1, cycles=3, budget=10),
            clustering=ClusteringSettings(k1=8, k2=3, min_samples=3),
        )
        for epoch in range(3):
            result = learner.step(features, np.full(len(features), -1), epoch=epoch)
            assert learner.constraints.violations(result.labels) == (0, 0)
        assert len(learner.constraints.must_links) + len(learner.constraints.cannot_links) > 10
