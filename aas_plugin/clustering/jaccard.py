"""The k-reciprocal Jaccard distance as a sparse graph."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from aas_plugin.clustering.knn import nearest

_ROWS_AT_ONCE = 64
_PAIRS_AT_ONCE = 1 << 16
_EDGES_AT_ONCE = 1 << 14


@dataclass(frozen=True)
class JaccardGraph:
    """k-reciprocal Jaccard distances between N images.

    Source: Zhong et al., CVPR 2017, as in the official code of SpCL; AAS takes `1 - distance` as its
    similarity.

    Attributes:
        neighbours: int64 (N, k1), the nearest images of each image by inner product, itself first.
        weights: float32 CSR (N, N), the k-reciprocal weights after query expansion; a row sums to 1.
        distances: float32 CSR (N, N), symmetric, in [0, 1), every pair closer than 1. The diagonal and
            zeros are stored, indices are sorted; a pair that is not stored has distance 1.
    """

    neighbours: NDArray[np.int64]
    weights: csr_array
    distances: csr_array

    def distance(self, u: NDArray[np.int64], v: NDArray[np.int64]) -> NDArray[np.float32]:
        """Distance of each `u[i]` to `v[i]`, from the weights, equal to what `distances` holds.

        Args:
            u: int64 (P,), image indices.
            v: int64 (P,), image indices.

        Returns:
            float32 (P,), in [0, 1].
        """
        ones = np.ones(self.weights.shape[1])
        result = np.empty(len(u), dtype=np.float32)
        for start in range(0, len(u), _PAIRS_AT_ONCE):
            batch = slice(start, start + _PAIRS_AT_ONCE)
            common = self.weights[u[batch]].minimum(self.weights[v[batch]])
            result[batch] = _from_overlap(common.astype(np.float64) @ ones)
        return result


def jaccard_graph(features: NDArray[np.float32], k1: int = 30, k2: int = 6) -> JaccardGraph:
    """Compute the k-reciprocal Jaccard distances between all images.

    Source: Zhong et al., CVPR 2017, as in the official code of SpCL, ClusterContrast and PPLR. Ours: `k1`
    is cut to the number of images, and an image is always its own first neighbour.

    Args:
        features: float32 (N, D), L2-normalised rows.
        k1: neighbours that may be reciprocal, the image itself included, at least 1.
        k2: neighbours over which the weights are averaged (query expansion), at least 1; cut to `k1`.

    Returns:
        The graph; its size grows with the number of pairs closer than 1, not with N squared.

    Raises:
        FeatureError: `features` is not a matrix with at least one row and finite values.
    """
    neighbours = nearest(features, k1)
    k1 = neighbours.shape[1]
    expanded = _expand(_reciprocal(neighbours, k1), _reciprocal(neighbours, round(k1 / 2)))
    weights = _average(_softmax(features, expanded), neighbours[:, :k2])
    return JaccardGraph(neighbours=neighbours, weights=weights, distances=_all_distances(weights))


def _reciprocal(neighbours: NDArray[np.int64], k: int) -> csr_array:
    """int32 CSR (N, N) of ones: both images are among the `k` + 1 nearest of each other."""
    lists = _lists(neighbours[:, : k + 1])
    return csr_array(lists.multiply(lists.T))


def _lists(columns: NDArray[np.int64]) -> csr_array:
    """int32 CSR (N, N) of ones at each row's `columns`."""
    n, k = columns.shape
    indptr = np.arange(0, n * k + 1, k, dtype=np.int32)
    indices = np.sort(columns, axis=1).ravel().astype(np.int32)
    return csr_array((np.ones(n * k, dtype=np.int32), indices, indptr), shape=(n, n))


def _expand(wide: csr_array, narrow: csr_array) -> csr_array:
    """Add the narrow set of each member of a wide set of which it covers more than two thirds."""
    overlap = csr_array((wide @ narrow.T).multiply(wide)).tocoo()
    covered = 3 * overlap.data > 2 * narrow.sum(axis=1)[overlap.col]
    rows, columns = overlap.row[covered], overlap.col[covered]
    accepted = csr_array((np.ones(len(rows), dtype=np.int32), (rows, columns)), shape=wide.shape)
    expanded = csr_array(wide + accepted @ narrow)
    expanded.sort_indices()
    return expanded


def _softmax(features: NDArray[np.float32], pattern: csr_array) -> csr_array:
    """float64 CSR: softmax of minus the squared Euclidean distance over the entries of each row."""
    columns = pattern.indices
    counts = np.diff(pattern.indptr)
    rows = np.repeat(np.arange(len(features)), counts)
    similarity = np.empty(len(rows))
    for start in range(0, len(rows), _EDGES_AT_ONCE):
        batch = slice(start, start + _EDGES_AT_ONCE)
        similarity[batch] = np.einsum("ed,ed->e", features[rows[batch]], features[columns[batch]])
    exponentials = np.exp(2 * similarity - 2)
    values = exponentials / np.repeat(np.add.reduceat(exponentials, pattern.indptr[:-1]), counts)
    return csr_array((values, columns, pattern.indptr), shape=pattern.shape)


def _average(weights: csr_array, neighbours: NDArray[np.int64]) -> csr_array:
    """float32 CSR: the mean of each row's weights over its `neighbours`."""
    averaged = csr_array((_lists(neighbours) @ weights) / neighbours.shape[1]).astype(np.float32)
    averaged.sort_indices()
    return averaged


def _all_distances(weights: csr_array) -> csr_array:
    """float32 CSR of every distance below 1: two images are that close when they share a column."""
    n = weights.shape[0]
    by_column = weights.tocsc()
    column_counts = np.diff(by_column.indptr)
    indices, data, counts = [], [], []
    for start in range(0, n, _ROWS_AT_ONCE):
        size = min(_ROWS_AT_ONCE, n - start)
        entries = slice(weights.indptr[start], weights.indptr[start + size])
        columns = weights.indices[entries]
        lengths = column_counts[columns]
        local = np.repeat(np.arange(size), np.diff(weights.indptr[start : start + size + 1]))
        ends = np.cumsum(lengths)
        member = np.arange(ends[-1]) + np.repeat(by_column.indptr[columns] - ends + lengths, lengths)
        shared = np.minimum(np.repeat(weights.data[entries], lengths), by_column.data[member])
        cell = np.repeat(local * n, lengths) + by_column.indices[member]
        overlap = np.bincount(cell, weights=shared, minlength=size * n).astype(np.float64, copy=False)
        touched = np.flatnonzero(overlap)
        distance = _from_overlap(overlap[touched])
        row, column = np.divmod(touched[distance < 1], n)
        indices.append(column.astype(np.int32))
        data.append(distance[distance < 1])
        counts.append(np.bincount(row, minlength=size))
    stored = np.concatenate(indices)
    indptr = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    if len(stored) <= np.iinfo(np.int32).max:
        indptr = indptr.astype(np.int32)
    return csr_array((np.concatenate(data), stored, indptr), shape=(n, n))


def _from_overlap(overlap: NDArray[np.float64]) -> NDArray[np.float32]:
    """Jaccard distance from the sum of the smaller weights; rows that sum to 1 have a union of 2 - m."""
    return np.maximum(1 - overlap / (2 - overlap), 0).astype(np.float32)
