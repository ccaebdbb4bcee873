"""P(same) of pairs of images as a graph of distances, for whoever ranks pairs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from aas_plugin.clustering.graph import Graph, check_there
from aas_plugin.fusion.fitting import Fusion, scale_of, standardised
from aas_plugin.fusion.sources import Source, unique_pairs

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_AT_ONCE = 1 << 20


class Candidates:
    """The pairs that sources put forward, with their standardised scores.

    Args:
        sources: S of them.
        near: int64 (N, k), the nearest images of each image by features, itself first; its pairs are candidates, too.

    Attributes:
        pairs: int64 (P, 2), u < v, sorted.
        z: float64 (P, S).
        images: N.
    """

    def __init__(self, sources: Sequence[Source], near: Ints) -> None:
        self.sources, self.images = tuple(sources), len(near)
        own = np.stack([np.repeat(near[:, 0], near.shape[1] - 1), near[:, 1:].ravel()], axis=1)
        self.pairs = unique_pairs(np.concatenate([own, *(source.candidates for source in sources)]))
        values = self._of(self.pairs)
        self._scale = scale_of(values)
        self.z = standardised(values, self._scale)

    @cached_property
    def similar(self) -> NDArray[np.bool_]:
        """Whether more of each source means rather the same, bool (S,)."""
        return np.array([source.is_similarity for source in self.sources], dtype=bool)

    def z_of(self, pairs: Ints) -> Floats:
        """Standardised scores of any pairs: float64 (P, S) for int64 (P, 2)."""
        return standardised(self._of(pairs), self._scale)

    def _of(self, pairs: Ints) -> Floats:
        return np.stack([source.of(pairs) for source in self.sources], axis=1).reshape(len(pairs), len(self.sources))


class ScoredGraph:
    """Distances 1 - P(same) between N images, as `Graph` has them; pairs that nobody put forward are not stored.

    Args:
        base: distances of the features, whose lists of neighbours stay.
        candidates: the pairs that are stored.
        fusion: from their scores to P(same).

    Attributes:
        is_probability: True: 1 - distance is P(same).
    """

    is_probability = True

    def __init__(self, base: Graph, candidates: Candidates, fusion: Fusion) -> None:
        self.candidates, self.fusion = candidates, fusion
        self.neighbours, self.radius = base.neighbours, 1.0
        n = candidates.images
        pairs = candidates.pairs
        distance = 1 - fusion.probability(candidates.z)
        rows = np.concatenate([pairs[:, 0], pairs[:, 1], np.arange(n)])
        columns = np.concatenate([pairs[:, 1], pairs[:, 0], np.arange(n)])
        values = np.concatenate([distance, distance, np.zeros(n)]).astype(np.float32)
        self.distances = csr_array((values, (rows, columns)), shape=(n, n))
        self.distances.sort_indices()

    def among(self, groups: Ints, radius: float = 1.0) -> csr_array:
        """Distances within groups: see `Graph.among`."""
        near = self.distances.tocoo()
        one, other = groups[near.row], groups[near.col]
        kept = (one == other) & (one >= 0) & (near.data <= radius)
        found = csr_array((near.data[kept], (near.row[kept], near.col[kept])), shape=near.shape)
        found.sort_indices()
        return found

    def distance(self, u: Ints, v: Ints) -> NDArray[np.float32]:
        """Distances of pairs: see `Graph.distance`."""
        check_there(self.candidates.images, u, v)
        pairs = np.stack([np.minimum(u, v), np.maximum(u, v)], axis=1).astype(np.int64)
        found = np.empty(len(pairs), dtype=np.float32)
        for start in range(0, len(pairs), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            found[part] = 1 - self.fusion.probability(self.candidates.z_of(pairs[part]))
        found[pairs[:, 0] == pairs[:, 1]] = 0
        return found

    def between(self, rows: Ints, columns: Ints) -> NDArray[np.float32]:
        """Distances of some images to others: see `Graph.between`."""
        u, v = np.repeat(rows, len(columns)), np.tile(columns, len(rows))
        return self.distance(u, v).reshape(len(rows), len(columns))
