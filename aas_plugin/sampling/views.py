"""The two clustering views that ambiguity-aware sampling compares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.finch import finch
from aas_plugin.clustering.graph import Graph
from aas_plugin.errors import AasError


@dataclass(frozen=True)
class Views:
    """Two clusterings of the same N images, both consistent with the known answers.

    Attributes:
        features: float32 (N, D), L2-normalised rows; (N, 0) where only distances are known.
        graph: k-reciprocal Jaccard distances between the images.
        a: int64 (N,), view A (DBSCAN); every noise image is a cluster of its own.
        inlier: bool (N,), whether view A clustered the image.
        b: int64 (N,), view B (FINCH).
        eps: radius of view A, in (0, 1).
        scored: distances 1 - P(same) by evidence beside the features; None where there is none that counts.
        labels_scored: whether the refiner makes its labels by these, too.
    """

    features: NDArray[np.float32]
    graph: Graph
    a: NDArray[np.int64]
    inlier: NDArray[np.bool_]
    b: NDArray[np.int64]
    eps: float = 0.6
    scored: Graph | None = None
    labels_scored: bool = False

    @property
    def ranking(self) -> Graph:
        """Distances by which pairs are ranked: 1 - P(same) where evidence counts, else those of `graph`."""
        return self.graph if self.scored is None else self.scored

    @property
    def doubtful(self) -> float:
        """The distance of `ranking` at which a pair is most in doubt: one half of P(same), or the radius of view A."""
        return self.eps if self.scored is None else 0.5

    def __getattr__(self, name: str) -> Any:
        """Refine a clustering when a sampler first looks at it, which most samplers never do."""
        made = self.__dict__.get("_on_demand", {})
        if name not in made:
            raise AttributeError(f"views have no {name!r}")
        self.__dict__[name] = made[name](self)
        return self.__dict__[name]


@dataclass(frozen=True)
class BareViews:
    """Two clusterings of the same N images before any answer is applied.

    Attributes:
        features: float32 (N, D), L2-normalised rows; (N, 0) where only distances are known.
        graph: k-reciprocal Jaccard distances between the images.
        dbscan: int64 (N,), -1 for noise.
        finch: int64 (N,).
        eps: radius of DBSCAN, in (0, 1).
    """

    features: NDArray[np.float32]
    graph: Graph
    dbscan: NDArray[np.int64]
    finch: NDArray[np.int64]
    eps: float = 0.6

    def refined(
        self,
        refine: Callable[[NDArray[np.int64]], NDArray[np.int64]],
        scored: Graph | None = None,
        labels_scored: bool = False,
    ) -> Views:
        """Apply the known answers to both.

        Source: paper, Algorithm 1, step 1a. Ours: noise is decided afterwards, so an image that a must-link took out
        of noise counts as an inlier.

        Args:
            refine: gives labels that satisfy every known answer; int64 (N,) to int64 (N,), -1 for noise.
            scored: distances 1 - P(same) by evidence beside the features, where there is some that counts.
            labels_scored: whether the refiner makes its labels by these, too.
        """
        views = object.__new__(Views)
        on_demand = {"a": self._a, "inlier": self._inlier, "b": lambda _: refine(self.finch)}
        views.__dict__.update(
            features=self.features, graph=self.graph, eps=self.eps, scored=scored, labels_scored=labels_scored
        )
        views.__dict__.update(_on_demand=on_demand | {"_clustered": lambda _: refine(self.dbscan)})
        return views

    @staticmethod
    def _inlier(views: Views) -> NDArray[np.bool_]:
        return np.asarray(views._clustered >= 0)

    @staticmethod
    def _a(views: Views) -> NDArray[np.int64]:
        a: NDArray[np.int64] = views._clustered.copy()
        a[~views.inlier] = a.max() + 1 + np.arange(np.count_nonzero(~views.inlier))
        return a


def cluster_twice(
    features: NDArray[np.float32],
    graph: Graph,
    eps: float = 0.6,
    min_samples: int = 4,
    finch_partition: int = 0,
) -> BareViews:
    """Cluster the images with DBSCAN and with FINCH.

    Source: paper, section 3.1. The partition of FINCH is ours.

    Args:
        features: float32 (N, D), L2-normalised rows; (N, 0) where only distances are known.
        graph: k-reciprocal Jaccard distances between the images.
        eps: DBSCAN's radius, inclusive, in (0, 1).
        min_samples: neighbours that make an image a core image, itself included.
        finch_partition: 0 is FINCH's finest partition.

    Returns:
        Both clusterings, to which answers can be applied more than once.

    Raises:
        AasError: a coarser partition of FINCH is asked for without features.
    """
    if finch_partition > 0 and features.shape[1] == 0:
        raise AasError(
            f"FINCH's partition {finch_partition} is made from features, and only distances are given; take 0"
        )
    return BareViews(
        features, graph, dbscan(graph, eps, min_samples), finch(features, graph.neighbours, finch_partition), eps
    )


def make_views(
    features: NDArray[np.float32],
    graph: Graph,
    refine: Callable[[NDArray[np.int64]], NDArray[np.int64]],
    eps: float = 0.6,
    min_samples: int = 4,
    finch_partition: int = 0,
) -> Views:
    """Cluster the images twice and apply the known answers: `cluster_twice`, then `BareViews.refined`."""
    return cluster_twice(features, graph, eps, min_samples, finch_partition).refined(refine)
