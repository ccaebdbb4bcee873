"""The two clustering views that ambiguity-aware sampling compares."""

from collections.abc import Callable
from dataclasses import dataclass

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
    """

    features: NDArray[np.float32]
    graph: Graph
    a: NDArray[np.int64]
    inlier: NDArray[np.bool_]
    b: NDArray[np.int64]


def make_views(
    features: NDArray[np.float32],
    graph: Graph,
    refine: Callable[[NDArray[np.int64]], NDArray[np.int64]],
    eps: float = 0.6,
    min_samples: int = 4,
    finch_partition: int = 0,
) -> Views:
    """Cluster the images twice, with DBSCAN and with FINCH, and apply the known answers to both.

    Source: paper, Algorithm 1, step 1a. Ours: the partition of FINCH; noise is decided after `refine`, so
    an image that a must-link took out of noise counts as an inlier.

    Args:
        features: float32 (N, D), L2-normalised rows; (N, 0) where only distances are known.
        graph: k-reciprocal Jaccard distances between the images.
        refine: gives labels that satisfy every known answer; int64 (N,) to int64 (N,), -1 for noise.
        eps: DBSCAN's radius, inclusive, in (0, 1).
        min_samples: neighbours that make an image a core image, itself included.
        finch_partition: 0 is FINCH's finest partition.

    Returns:
        Both views.

    Raises:
        AasError: a coarser partition of FINCH is asked for without features.
    """
    if finch_partition > 0 and features.shape[1] == 0:
        raise AasError(
            f"FINCH's partition {finch_partition} is made from features, and only distances are given; take 0"
        )
    clustered = refine(dbscan(graph, eps, min_samples))
    inlier = clustered >= 0
    a = clustered.copy()
    a[~inlier] = clustered.max() + 1 + np.arange(np.count_nonzero(~inlier))
    b = refine(finch(features, graph.neighbours, finch_partition))
    return Views(features=features, graph=graph, a=a, inlier=inlier, b=b)
