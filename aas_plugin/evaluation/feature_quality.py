"""What features say of a data set before any training: who is near whom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.jaccard import JaccardGraph
from aas_plugin.clustering.knn import nearest

DEEPEST = 100
"""Neighbours that are looked at, at most."""


class Purity(NamedTuple):
    """How often near images are of one individual, over images whose individual has another one.

    Attributes:
        top1: share whose nearest other image is of their individual.
        top1_chance: the same for neighbours that are drawn.
        at_k: mean share among as many neighbours as the individual has other images, at most `DEEPEST`.
        at_k_chance: the same for neighbours that are drawn.
        images: over how many images.
    """

    top1: float
    top1_chance: float
    at_k: float
    at_k_chance: float
    images: int


def purity(features: NDArray[np.float32], individual: NDArray[np.int64]) -> Purity | None:
    """Measure the purity of neighbours.

    Args:
        features: float32 (N, D), L2-normalised rows.
        individual: int64 (N,), -1 where unknown; such images are left out.

    Returns:
        The purity, or None where no individual has two images.
    """
    known = np.flatnonzero(individual >= 0)
    names, sizes = np.unique(individual[known], return_inverse=True, return_counts=True)[1:]
    others = sizes[names] - 1
    if not (others > 0).any():
        return None
    ranks = nearest(np.ascontiguousarray(features[known]), min(int(others.max()), DEEPEST) + 1).ranks[:, 1:]
    right = names[ranks] == names[:, None]
    several = others > 0
    depth = np.minimum(others, ranks.shape[1])
    hits = np.cumsum(right, axis=1)[several, depth[several] - 1]
    chance = float((others[several] / (len(known) - 1)).mean())
    return Purity(
        float(right[several, 0].mean()), chance, float((hits / depth[several]).mean()), chance, int(several.sum())
    )


class Flanks(NamedTuple):
    """From which sides individuals are seen, and whether features rather tell sides than individuals apart.

    Attributes:
        names: the sides.
        one_only: individuals that are seen from one side only, or None where no individual is known.
        individuals: individuals with a known side, or None.
        neighbours: share of images whose nearest other image shows the same side.
        neighbours_chance: the same for neighbours that are drawn.
        alone: purity where only images of the same side are compared, or None where no individual has two.
    """

    names: list[str]
    one_only: int | None
    individuals: int | None
    neighbours: float
    neighbours_chance: float
    alone: Purity | None


def flanks(
    features: NDArray[np.float32], orientation: NDArray[np.object_], individual: NDArray[np.int64]
) -> Flanks | None:
    """Describe sides; images without one are left out.

    Args:
        features: float32 (N, D), L2-normalised rows.
        orientation: object (N,), None where unknown.
        individual: int64 (N,), -1 where unknown.

    Returns:
        What the sides say, or None where fewer than two sides or fewer than two images have one.
    """
    seen = np.flatnonzero(np.array([side is not None for side in orientation], dtype=bool))
    names, side = np.unique(orientation[seen].astype(str), return_inverse=True)
    if len(names) < 2:
        return None
    near = nearest(np.ascontiguousarray(features[seen]), 2).ranks[:, 1]
    sizes = np.bincount(side)
    own = individual[seen]
    pairs = np.unique(np.stack([own, side], axis=1)[own >= 0], axis=0)
    count = np.unique(pairs[:, 0], return_counts=True)[1]
    # An individual's two sides are two individuals here, each compared within its side.
    parts = [purity(features[seen[side == one]], own[side == one]) for one in range(len(names))]
    return Flanks(
        names.tolist(),
        int((count == 1).sum()) if len(count) else None,
        len(count) or None,
        float((side[near] == side).mean()),
        float(((sizes[side] - 1) / (len(seen) - 1)).mean()),
        _weighted([part for part in parts if part is not None]),
    )


def near_duplicates(features: NDArray[np.float32], threshold: float) -> int:
    """Count images that have an earlier image at a cosine similarity of at least `threshold`.

    Args:
        features: float32 (N, D), L2-normalised rows.
        threshold: cosine similarity.

    Returns:
        How many of the images could be left out; only the `DEEPEST` nearest of each are looked at.
    """
    if len(features) < 2:
        return 0
    ranks, similarity = nearest(features, DEEPEST + 1)
    near = (similarity >= threshold) & (ranks < np.arange(len(features))[:, None])
    return int(near[:, 1:].any(axis=1).sum())


def stability(graph: JaccardGraph, labels: NDArray[np.int64], radii: Iterable[float], min_samples: int) -> float | None:
    """Compare a clustering with those at other radii.

    Args:
        graph: distances, at least up to the largest radius.
        labels: int64 (N,), the clustering, -1 for un-clustered.
        radii: the others.
        min_samples: core size.

    Returns:
        Mean adjusted Rand index of images that are clustered in both, or None where there is no cluster.
    """
    values = []
    for radius in radii:
        other = dbscan(graph, radius, min_samples)
        both = (labels >= 0) & (other >= 0)
        if both.sum() > 1:
            values.append(adjusted_rand_score(labels[both], other[both]))
    return float(np.mean(values)) if values else None


def _weighted(parts: list[Purity]) -> Purity | None:
    images = sum(part.images for part in parts)
    if not images:
        return None

    def mean(values: list[float]) -> float:
        return sum(value * part.images for value, part in zip(values, parts, strict=True)) / images

    return Purity(
        mean([part.top1 for part in parts]),
        mean([part.top1_chance for part in parts]),
        mean([part.at_k for part in parts]),
        mean([part.at_k_chance for part in parts]),
        images,
    )
