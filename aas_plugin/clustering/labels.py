"""Cluster numbers."""

import numpy as np
from numpy.typing import NDArray


def by_first_appearance(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rename clusters to 0..K-1 in the order of their first image.

    Args:
        labels: int64 (N,), clusters by any numbers, -1 for noise.

    Returns:
        int64 (N,); -1 stays.
    """
    renamed = np.full(len(labels), -1, dtype=np.int64)
    clustered = labels >= 0
    _, first, inverse = np.unique(labels[clustered], return_index=True, return_inverse=True)
    renamed[clustered] = np.argsort(np.argsort(first))[inverse]
    return renamed


def count_clusters(labels: NDArray[np.int64]) -> int:
    """Count the clusters.

    Args:
        labels: int64 (N,), clusters by any numbers, -1 for noise.

    Returns:
        Number of clusters; noise is none.
    """
    return len(np.unique(labels[labels >= 0]))
