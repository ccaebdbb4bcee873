"""The pseudo-label round as the method papers write it down: dense N x N arrays, one image at a time."""

import faiss
import numpy as np
from sklearn.cluster import DBSCAN


def neighbours(features: np.ndarray, k: int = 30) -> np.ndarray:
    """The `k` nearest images of each, int64 (N, k), of float32 (N, D) with rows of unit length."""
    return faiss.knn(features, features, min(k, len(features)), metric=faiss.METRIC_INNER_PRODUCT)[1]


def dense_distances(features: np.ndarray, rank: np.ndarray, k2: int = 6) -> np.ndarray:
    """k-reciprocal Jaccard distances, float32 (N, N), from features and neighbours."""
    n, k1 = rank.shape
    wide = [_mutual(rank, i, k1) for i in range(n)]
    narrow = [_mutual(rank, i, int(np.around(k1 / 2))) for i in range(n)]
    weights = np.zeros((n, n), dtype=np.float32)
    for i in range(n):
        expanded = wide[i]
        for candidate in wide[i]:
            if 3 * len(np.intersect1d(narrow[candidate], wide[i])) > 2 * len(narrow[candidate]):
                expanded = np.append(expanded, narrow[candidate])
        expanded = np.unique(expanded)
        weight = np.exp(-(2 - 2 * features[i] @ features[expanded].T))
        weights[i, expanded] = weight / weight.sum()
    if k2 > 1:
        averaged = np.zeros_like(weights)
        for i in range(n):
            averaged[i] = weights[rank[i, :k2]].mean(axis=0)
        weights = averaged
    holders = [np.flatnonzero(weights[:, column]) for column in range(n)]
    distances = np.zeros((n, n), dtype=np.float32)
    for i in range(n):
        shared = np.zeros(n, dtype=np.float32)
        for column in np.flatnonzero(weights[i]):
            rows = holders[column]
            shared[rows] += np.minimum(weights[i, column], weights[rows, column])
        distances[i] = 1 - shared / (2 - shared)
    return np.maximum(distances, 0, out=distances)


def dense_labels(distances: np.ndarray, radii: list[float], min_samples: int = 4) -> list[np.ndarray]:
    """Labels of scikit-learn's DBSCAN at each radius."""
    return [
        DBSCAN(eps=eps, min_samples=min_samples, metric="precomputed", n_jobs=1).fit_predict(distances) for eps in radii
    ]


def _mutual(rank: np.ndarray, i: int, k: int) -> np.ndarray:
    forward = rank[i, : k + 1]
    return forward[(rank[forward, : k + 1] == i).any(axis=1)]
