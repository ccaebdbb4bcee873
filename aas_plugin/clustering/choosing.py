"""Neighbours, radius and core size that fit the features, chosen without an answer and without a label.

Every candidate clusters the images. A good clustering says of two images whether they are alike, so its co-membership
(1 where two images share a cluster, else 0) correlates with their cosine similarity. Two similarities are asked: of
features around their mean, which favours coarse clusters, and of whitened features, in which what many images have in
common (species, background, light) counts no more than what tells individuals apart, and which favours fine ones. The
candidate with the largest product of both correlations is chosen (ours).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.jaccard import graph_of
from aas_plugin.clustering.knn import Neighbours, nearest

if TYPE_CHECKING:
    import torch

K1 = (6, 8, 10, 12, 15, 20, 25, 30, 40, 60)
EPS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)
MIN_SAMPLES = (2, 4)

_ROWS, _COLUMNS = 300, 3000
_BASIS, _COMPONENTS = 1500, 64


class Fitted(NamedTuple):
    """What was chosen.

    Attributes:
        k1: neighbours in the k-reciprocal sets.
        k2: neighbours in the query expansion.
        eps: DBSCAN radius on the Jaccard distance.
        min_samples: DBSCAN core size.
        score: product of the two correlations, in [0, 1]; 0 where no candidate found a cluster.
    """

    k1: int
    k2: int
    eps: float
    min_samples: int
    score: float


def fit_clustering(
    features: NDArray[np.float32],
    *,
    k1: int | None = None,
    k2: int | None = None,
    eps: float | None = None,
    min_samples: int | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    progress: Callable[[int, int], None] | None = None,
    neighbours: Neighbours | None = None,
) -> Fitted:
    """Choose how to cluster features; what is given stays as it is.

    Neighbours are searched once. Correlations are those of at most 300 x 3,000 pairs, which are drawn.

    Args:
        features: float32 (N, D), L2-normalised rows, N at least 1.
        k1: given, or None to choose among `K1`, of which those below N are tried.
        k2: given, or None for `fitting_k2`.
        eps: given, or None to choose among `EPS`.
        min_samples: given, or None to choose among `MIN_SAMPLES`.
        seed: of the draw of pairs.
        device: where neighbours are searched, as torch names it.
        progress: called with (steps done, all steps).
        neighbours: of the features, where they are known; at least `most_neighbours(k1)` of each image.

    Returns:
        The candidate of the highest score, of equal ones the first: the smallest k1, then eps, then min_samples.
        Where no candidate finds a cluster, the values of the methods' official code (30, 6, 0.6, 4).

    Raises:
        FeatureError: see `check_features`.
    """
    tell = progress or (lambda done, total: None)
    sizes = [k1] if k1 else [size for size in K1 if size < len(features)]
    radii = [eps] if eps else list(EPS)
    cores = [min_samples] if min_samples else list(MIN_SAMPLES)
    best = Fitted(k1 or 30, k2 or fitting_k2(k1 or 30), eps or 0.6, min_samples or 4, 0.0)
    if not sizes:
        return best
    # Even where nothing is left to choose the neighbours say whether the features can be used.
    found = neighbours
    if found is None:
        found = nearest(features, max(sizes), device, lambda done, total: tell(done, total + len(sizes)))
    pairs = _Pairs(features, np.random.default_rng(seed))
    for number, size in enumerate(sizes, 1):
        own_k2 = k2 or fitting_k2(size)
        graph = graph_of(features, found.first(size), own_k2, max(radii))
        for radius in radii:
            for core in cores:
                score = pairs.score(dbscan(graph, radius, core))
                if score > best.score:
                    best = Fitted(size, own_k2, radius, core, score)
        tell(number, len(sizes))
    return best


def most_neighbours(k1: int | None = None) -> int:
    """How many neighbours of each image `fit_clustering` looks at, if there are as many images."""
    return k1 or max(K1)


def fitting_k2(k1: int) -> int:
    """The query expansion beside `k1`: a third of it, from 2 to 6, which is the official code's 6 for 30."""
    return min(max(round(k1 / 3), 2), 6)


class _Pairs:
    """Some pairs of images and how alike the two are, once around the mean and once whitened."""

    def __init__(self, features: NDArray[np.float32], rng: np.random.Generator) -> None:
        n = len(features)
        self.columns = np.sort(rng.permutation(n)[:_COLUMNS])
        self.rows = np.sort(rng.permutation(self.columns)[:_ROWS])
        self.different = self.rows[:, None] != self.columns[None, :]
        basis = features[np.sort(rng.permutation(n)[:_BASIS])].astype(np.float64)
        mean = basis.mean(axis=0)
        centred = features[self.columns] - mean
        self.similarities = [
            self._standardised(_unit(centred)),
            self._standardised(_unit(whitened(centred, basis - mean))),
        ]

    def score(self, labels: NDArray[np.int64]) -> float:
        """Product of both correlations with co-membership, negative ones counting as 0."""
        rows, columns = labels[self.rows], labels[self.columns]
        together = ((rows[:, None] == columns[None, :]) & (rows >= 0)[:, None])[self.different]
        share = float(together.mean()) if together.size else 0.0
        if not 0 < share < 1:
            return 0.0
        odds = (share / (1 - share)) ** 0.5
        product = 1.0
        for similarity in self.similarities:
            # A correlation; sums in another order may pass 1 by a rounding.
            product *= min(max(float(similarity[together].mean()) * odds, 0.0), 1.0)
        return product

    def _standardised(self, unit: NDArray[np.float64]) -> NDArray[np.float64]:
        position = np.searchsorted(self.columns, self.rows)
        values: NDArray[np.float64] = (unit[position] @ unit.T)[self.different]
        if values.size == 0:
            return values
        spread = float(values.std())
        return (values - values.mean()) / spread if spread > 1e-9 else np.zeros_like(values)


def whitened(centred: NDArray[np.float64], basis: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coordinates along the principal components of a basis, each scaled to unit variance.

    Args:
        centred: float64 (n, D), around the mean of the basis.
        basis: float64 (m, D), around its mean.

    Returns:
        float64 (n, c), c = at most 64 and a quarter of m; components without variance are left out.
    """
    wanted = max(min(_COMPONENTS, len(basis) // 4, basis.shape[1]), 1)
    # The smaller of both products has the same eigenvalues.
    wide = basis.shape[1] > len(basis)
    gram = basis @ basis.T if wide else basis.T @ basis
    last = len(gram) - 1
    values, vectors = eigh(gram, subset_by_index=[max(last - wanted + 1, 0), last])
    used = values > max(values[-1], 0.0) * 1e-8
    scale = np.sqrt(values[used])
    axes = basis.T @ vectors[:, used] / scale if wide else vectors[:, used]
    coordinates: NDArray[np.float64] = centred @ axes / scale
    return coordinates


def neighbouring(values: Sequence[float], chosen: float) -> Iterator[float]:
    """The values on both sides of the chosen one, as far as there are any."""
    ordered = sorted({*values, chosen})
    position = ordered.index(chosen)
    yield from ordered[max(position - 1, 0) : position]
    yield from ordered[position + 1 : position + 2]


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    result: NDArray[np.float64] = rows / np.where(lengths > 1e-12, lengths, 1.0)
    return result
