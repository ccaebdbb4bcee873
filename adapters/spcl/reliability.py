"""SpCL's self-paced reliability: which clusters are independent and compact enough to be trusted."""

from __future__ import annotations

import numpy as np
from scipy import sparse


def intersection_over_union(labels: np.ndarray, other: np.ndarray) -> np.ndarray:
    """IoU of each image's cluster in one clustering with its cluster in the other.

    Args:
        labels: int64 (N,), from 0, without -1.
        other: int64 (N,), from 0, without -1.

    Returns:
        float64 (N,), in (0, 1].
    """
    ones = np.ones(len(labels), dtype=np.int64)
    overlap = sparse.coo_array((ones, (labels, other))).tocsr()
    both = np.asarray(overlap[labels, other]).ravel()
    union = np.bincount(labels)[labels] + np.bincount(other)[other] - both
    return np.asarray(both / union, dtype=np.float64)


def independence_threshold(labels: np.ndarray, loose: np.ndarray) -> float:
    """Threshold on 1 - independence: the 90th percentile over clusters of several images.

    A cluster's value is the smallest of its images' (official code, taken once, in epoch 0).

    Args:
        labels: int64 (N,), from 0, un-clustered images with labels of their own.
        loose: int64 (N,), likewise, at a larger radius.

    Returns:
        In [0, 1); 0 where no cluster has several images.
    """
    distance = 1 - intersection_over_union(labels, loose)
    sizes = np.bincount(labels)
    lowest = np.full(len(sizes), np.inf)
    np.minimum.at(lowest, labels, distance)
    several = np.sort(lowest[sizes > 1])
    if not len(several):
        return 0.0
    return float(several[min(len(several) - 1, round(len(several) * 0.9))])


def reliable(labels: np.ndarray, tight: np.ndarray, loose: np.ndarray, threshold: float) -> np.ndarray:
    """Whether each image keeps its cluster (SpCL, section 3.2, as in the official code).

    An image keeps it when its cluster's smallest 1 - IoU with the looser clustering is at most `threshold`, and its
    own 1 - IoU with the tighter clustering is at most the smallest of its cluster.

    Args:
        labels: int64 (N,), from 0, un-clustered images with labels of their own.
        tight: int64 (N,), likewise, at a smaller radius.
        loose: int64 (N,), likewise, at a larger radius.
        threshold: on 1 - independence, see `independence_threshold`.

    Returns:
        bool (N,).
    """
    independence = 1 - intersection_over_union(labels, loose)
    compactness = 1 - intersection_over_union(labels, tight)
    groups = int(labels.max()) + 1
    lowest_independence, lowest_compactness = np.full(groups, np.inf), np.full(groups, np.inf)
    np.minimum.at(lowest_independence, labels, independence)
    np.minimum.at(lowest_compactness, labels, compactness)
    kept = lowest_independence[labels] <= threshold
    return np.asarray(kept & (compactness <= lowest_compactness[labels]), dtype=bool)


def separate_noise(labels: np.ndarray) -> np.ndarray:
    """Give every image in no cluster a label of its own.

    Args:
        labels: int64 (N,), clusters by any numbers, -1 for noise.

    Returns:
        int64 (N,), contiguous from 0.
    """
    separate = np.asarray(labels, dtype=np.int64).copy()
    noise = separate == -1
    separate[noise] = separate.max(initial=-1) + 1 + np.arange(noise.sum())
    _, contiguous = np.unique(separate, return_inverse=True)
    return np.asarray(contiguous, dtype=np.int64).reshape(-1)
