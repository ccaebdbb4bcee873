"""The sparse similarities that CAL works on, and how alike two images are by mean linkage."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from aas_plugin.clustering.calibration import TAU_PRIOR
from aas_plugin.clustering.graph import Graph
from aas_plugin.clustering.linkage import Merges, mean_linkage

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FLOOR = 0.05
"""Similarities below it count as 0."""

_LOWEST = 0.02
_CUTS = np.linspace(0.05, 0.7, 14)


class Similarity:
    """Similarities of N images, 1 - Jaccard distance or P(same), and their mean linkage without any answer.

    Args:
        graph: distances between the images.

    Attributes:
        matrix: float64 CSR (N, N), symmetric, without diagonal, values of at least `FLOOR`.
        merges: mean linkage down to 0.02.
        is_probability: whether they are P(same), which answers calibrated already.
    """

    def __init__(self, graph: Graph) -> None:
        near = graph.among(np.zeros(len(graph.neighbours), dtype=np.int64), 1 - FLOOR).tocoo()
        similarity = 1 - near.data.astype(np.float64)
        kept = (similarity >= FLOOR) & (near.row != near.col)
        n = near.shape[0]
        rows, columns = near.row[kept].astype(np.int64), near.col[kept].astype(np.int64)
        self.is_probability = bool(getattr(graph, "is_probability", False))
        self.matrix = csr_array((similarity[kept], (rows, columns)), shape=(n, n))
        self.merges = mean_linkage(self.matrix, np.ones(n), _LOWEST)
        self._parent = _parents(self.merges, n)

    def __len__(self) -> int:
        return len(self.merges.last)

    def linkage(self, pairs: Ints) -> Floats:
        """How alike the clusters of two images are when they meet, float64 (P,), for pairs int64 (P, 2).

        The linkage of the merge that brings both together; of two that are never brought together that of their last
        clusters.
        """
        n = len(self)
        u, v = pairs[:, 0].copy(), pairs[:, 1].copy()
        moving = u != v
        while moving.any():
            # A merge has a higher number than what it merges, so the lower of two nodes climbs.
            low = np.where(u < v, u, v)
            above = self._parent[low]
            apart = moving & (above < 0)
            moving &= ~apart
            u, v = np.where(moving & (u == low), above, u), np.where(moving & (v == low), above, v)
            moving &= u != v
        met = (u == v) & (u >= n)
        found = np.ones(len(pairs))
        found[met] = self.merges.linkage[u[met] - n]
        last = np.flatnonzero(u != v)
        if len(last):
            labels = self.merges.labels
            totals = linkage_between(self.matrix, labels)
            ends = labels[pairs[last]]
            found[last] = np.asarray(totals[ends[:, 0], ends[:, 1]]).ravel()
        return found

    def threshold(self, labels: Ints) -> float:
        """The linkage at which these merges agree best with labels, int64 (N,), -1 for un-clustered.

        That of the prior where no cut agrees better than chance, as where nothing is clustered; one half of P(same).
        """
        if self.is_probability:
            return 0.5
        n = len(self)
        single = labels < 0
        given = np.where(single, labels.max(initial=-1) + 1 + np.cumsum(single), labels)
        best, found = 0.0, TAU_PRIOR[0]
        for cut in _CUTS:
            used = int((self.merges.linkage > cut).sum())
            score = _rand_index(given, _cut(self._parent, n, used))
            if score > best:
                best, found = score, float(cut)
        return found


_shared: tuple[weakref.ref[Any], Similarity] | None = None


def similarity_of(graph: Graph) -> Similarity:
    """The similarities of a graph, made once for all that ask about the graph asked about last."""
    global _shared
    if _shared is None or _shared[0]() is not graph:
        _shared = weakref.ref(graph), Similarity(graph)
    return _shared[1]


def linkage_between(matrix: csr_array, labels: Ints) -> csr_array:
    """Mean similarity between clusters: float64 CSR (K, K), without diagonal.

    Args:
        matrix: float64 CSR (N, N), symmetric.
        labels: int64 (N,), 0..K-1, none empty.
    """
    count = int(labels.max(initial=-1)) + 1
    sizes = np.bincount(labels, minlength=count).astype(np.float64)
    near = matrix.tocoo()
    one, other = labels[near.row], labels[near.col]
    crossing = one != other
    totals = csr_array((near.data[crossing], (one[crossing], other[crossing])), shape=(count, count))
    totals.sum_duplicates()
    rows = np.repeat(np.arange(count), np.diff(totals.indptr))
    totals.data = totals.data / (sizes[rows] * sizes[totals.indices])
    return totals


def _rand_index(one: Ints, other: Ints) -> float:
    """Adjusted Rand index of two labellings, int64 (N,) each, none negative; 0 where it is not defined."""
    pairs_of = lambda labels: float((counts := np.unique(labels, return_counts=True)[1]) @ (counts - 1)) / 2  # noqa: E731
    both = pairs_of(one * (int(other.max(initial=0)) + 1) + other)
    first, second, total = pairs_of(one), pairs_of(other), len(one) * (len(one) - 1) / 2
    expected = first * second / total if total else 0.0
    most = (first + second) / 2
    return (both - expected) / (most - expected) if most != expected else 0.0


def _parents(merges: Merges, n: int) -> Ints:
    """The merge that takes each node in, -1 for the last ones: int64 (n + M,)."""
    parent = np.full(n + len(merges.linkage), -1, dtype=np.int64)
    made = n + np.arange(len(merges.linkage))
    parent[merges.left], parent[merges.right] = made, made
    return parent


def _cut(parent: Ints, n: int, used: int) -> Ints:
    """The cluster of each image after the first `used` merges."""
    node = np.arange(n)
    while True:
        above = parent[node]
        climbing = (above >= 0) & (above < n + used)
        if not climbing.any():
            return node
        node = np.where(climbing, above, node)
