"""What every sampler does, as tests to inherit."""

from __future__ import annotations

import inspect
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from aas_plugin import hookspecs
from aas_plugin.active.learner import ActiveLearner
from aas_plugin.active.proposals import checked
from aas_plugin.active.questions import call_with_needed
from aas_plugin.clustering.jaccard import jaccard_graph
from aas_plugin.constraints.closure import Constraints
from aas_plugin.constraints.evidence import evidence_from
from aas_plugin.constraints.np3 import np3
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.sampling.proposal import KnownPairs
from aas_plugin.sampling.views import Views, make_views
from aas_plugin.settings.models import ActiveSettings, ClusteringSettings

BUDGETS = (0, 1, 7, 10**6)


def herd(individuals: int, photos: int, noise: float, seed: int = 0) -> np.ndarray:
    """Make up features of animals; those of one individual lie close together.

    Args:
        individuals: how many.
        photos: of each.
        noise: standard deviation of photos around their individual; that of individuals is 1.
        seed: of the draw.

    Returns:
        float32 (individuals * photos, 16), L2-normalised rows, individual by individual.
    """
    rng = np.random.default_rng(seed)
    centres = np.repeat(rng.normal(size=(individuals, 16)), photos, axis=0)
    found = centres + noise * rng.normal(size=centres.shape)
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def herds() -> dict[str, np.ndarray]:
    """Make up features of every kind that a sampler meets: float32 (N, 16) each, by what they are."""
    same = np.zeros((9, 16), dtype=np.float32)
    same[:, 0] = 1
    return {
        "clear": herd(6, 5, 0.3),
        "blurred": herd(8, 6, 1.0),
        "noise only": herd(30, 1, 1.0),
        "each photo twice": np.repeat(herd(5, 4, 0.8), 2, axis=0),
        "all the same": same,
        "two images": herd(2, 1, 1.0),
        "one image": herd(1, 1, 1.0),
    }


class SamplerContract:
    """Inherit this with the name of a sampler, and pytest runs what every sampler has to pass.

    Example:
        >>> class TestMine(SamplerContract):
        ...     sampler = "mine"
        ...     modules = ("my_plugin",)

    Attributes:
        sampler: the name it is registered under.
        modules: plugin modules to load, for a sampler that no installed package registers.
        options: options of the sampler.
        asks: whether it asks anything at all.
    """

    sampler: ClassVar[str]
    modules: ClassVar[Sequence[str]] = ()
    options: ClassVar[Mapping[str, Any]] = {}
    asks: ClassVar[bool] = True

    def make(self) -> Any:
        """Make a fresh sampler, as a run makes it."""
        component = load_plugins(self.modules).component("sampler", self.sampler)
        return component.make(self.options)

    def views(self, features: np.ndarray, constraints: Constraints | None = None) -> Views:
        """Cluster features twice, with the answers applied.

        Args:
            features: float32 (N, D), L2-normalised rows.
            constraints: answers about these images; none by default.

        Returns:
            Both views.
        """
        graph = jaccard_graph(features, 8, 3, radius=0.7)
        known = constraints or Constraints(len(features))
        return make_views(
            features, graph, lambda labels: np3(labels, known.must_links, known.cannot_links, graph.between), 0.6, 3
        )

    def choose(
        self,
        views: Views,
        known: KnownPairs,
        budget: int,
        seed: int = 0,
        constraints: Constraints | None = None,
    ) -> pd.DataFrame:
        """Let a fresh sampler choose, and check that it keeps the rules.

        Args:
            views: two clusterings of N images.
            known: from pairs, int64 (P, 2), to whether each needs no question, bool (P,).
            budget: most pairs to choose.
            seed: of the generator that the sampler draws from.
            constraints: answers so far; none by default.

        Returns:
            The pairs that were chosen, one a row.

        Raises:
            AasError: the sampler breaks a rule.
        """
        rng = np.random.default_rng(seed)
        evidence = evidence_from(constraints or Constraints(len(views.a)))
        labels = np.where(views.inlier, views.a, -1)
        table = call_with_needed(
            self.make().aas_select_pairs,
            views=views, labels=labels, evidence=evidence, known=known, budget=budget, rng=rng, run=None,
        )  # fmt: skip
        return checked(table, len(views.a), budget, known, evidence)

    def test_it_takes_what_the_hook_offers(self) -> None:
        """Its arguments are some of those of `aas_select_pairs`, and none is needed that a stranger's loop lacks."""
        offered = set(inspect.signature(hookspecs.aas_select_pairs).parameters)
        taken = set(inspect.signature(self.make().aas_select_pairs).parameters)
        assert taken <= offered, f"{self.sampler} takes {sorted(taken - offered)}, which the hook does not give"

    @pytest.mark.parametrize("budget", BUDGETS)
    def test_it_keeps_the_rules_on_data_of_every_kind(self, budget: int) -> None:
        """Pairs u < v, each once, none known, at most the budget; also of one image, copies, or noise alone."""
        for kind, features in herds().items():
            chosen = self.choose(self.views(features), Constraints(len(features)).entailed_mask, budget)
            assert len(chosen) <= budget, kind

    def test_it_asks(self) -> None:
        """Where two clusterings disagree there is something to ask, unless it is a sampler that asks nothing."""
        features = herds()["blurred"]
        chosen = self.choose(self.views(features), Constraints(len(features)).entailed_mask, 10)
        assert bool(len(chosen)) == self.asks

    def test_it_leaves_out_what_is_known(self) -> None:
        """What follows from the answers is not asked, and where everything follows nothing is."""
        features = herds()["blurred"]
        constraints = Constraints(len(features))
        individual = np.repeat(np.arange(8), 6)
        for _ in range(6):
            views = self.views(features, constraints)
            chosen = self.choose(views, constraints.entailed_mask, 12, constraints=constraints)
            for u, v in chosen[["u", "v"]].itertuples(index=False):
                constraints.add(u, v, same=bool(individual[u] == individual[v]))
        everything = lambda pairs: np.ones(len(pairs), dtype=bool)  # noqa: E731
        assert len(self.choose(self.views(features), everything, 12)) == 0

    def test_its_generator_decides(self) -> None:
        """The same seed gives the same pairs in the same order, whatever else drew numbers meanwhile."""
        features = herds()["blurred"]
        views, known = self.views(features), Constraints(len(features)).entailed_mask
        first = self.choose(views, known, 9, seed=4)
        random.seed(9)
        np.random.seed(9)
        pd.testing.assert_frame_equal(self.choose(views, known, 9, seed=4), first)

    def test_it_changes_nothing_that_it_is_given(self) -> None:
        """Views and global generators are afterwards as they were."""
        features = herds()["blurred"]
        views = self.views(features)
        arrays: list[np.ndarray] = [views.features, views.a, views.b, views.inlier]
        before = [array.copy() for array in arrays]
        generators = random.getstate(), repr(np.random.get_state())
        self.choose(views, Constraints(len(features)).entailed_mask, 9)
        assert all(np.array_equal(one, other) for one, other in zip(before, arrays, strict=True))
        assert (random.getstate(), repr(np.random.get_state())) == generators

    def test_it_works_in_somebody_elses_loop(self, tmp_path: Path) -> None:
        """The plugin object is handed to `ActiveLearner` as it is, without a run."""
        features = herds()["blurred"]
        individual = np.repeat(np.arange(8), 6)
        learner = ActiveLearner(
            [f"{i}.jpg" for i in range(len(features))],
            lambda question: "same" if individual[question.u] == individual[question.v] else "different",
            tmp_path,
            select=self.make(),
            active=ActiveSettings(every=1, cycles=3, budget=10),
            clustering=ClusteringSettings(k1=8, k2=3, min_samples=3),
        )
        asked = []
        for epoch in range(3):
            result = learner.step(features, np.full(len(features), -1), epoch=epoch)
            assert result.report is not None
            asked.append(result.report["asked"])
        assert bool(sum(asked)) == self.asks
