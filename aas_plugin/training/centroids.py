"""Mean features of clusters."""

import numpy as np


def centroids_of(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean feature of each cluster, of unit length.

    Args:
        features: float32 (N, D).
        labels: int64 (N,), 0..K-1, none empty, -1 for images that count for none.

    Returns:
        float32 (K, D).
    """
    own = labels >= 0
    sums = np.zeros((int(labels.max(initial=-1)) + 1, features.shape[1]))
    np.add.at(sums, labels[own], features[own])
    return unit_rows(sums)


def unit_rows(features: np.ndarray) -> np.ndarray:
    """Features `(..., D)` scaled to unit length, float32; those of length 0 stay 0."""
    lengths = np.linalg.norm(features, axis=-1, keepdims=True)
    return np.asarray(features / np.where(lengths > 0, lengths, 1), dtype=np.float32)
