"""Exact nearest neighbours by inner product."""

import numpy as np
from numpy.typing import NDArray

from aas_plugin.errors import AasError

_BLOCK_BYTES = 1 << 27


class FeatureError(AasError):
    """The features cannot be compared: wrong shape, no rows, or a value that is not finite."""


def nearest(features: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Find the `k` nearest images of every image, itself first.

    Args:
        features: float32 (N, D), L2-normalised rows.
        k: number of neighbours, the image itself included, at least 1.

    Returns:
        int64 (N, min(k, N)): column 0 is the image itself, even among more than `k` duplicates; the
        others follow by decreasing inner product, equal ones by increasing index. Inner products are
        summed in double precision and compared in single, so that duplicates are equal wherever they
        stand.

    Raises:
        FeatureError: `features` is not a matrix with at least one row and finite values.
    """
    check_features(features)
    n = len(features)
    k = min(k, n)
    double = features.astype(np.float64)
    ranks = np.empty((n, k), dtype=np.int64)
    block = max(1, _BLOCK_BYTES // (8 * n))
    for start in range(0, n, block):
        similarity = (double[start : start + block] @ double.T).astype(np.float32)
        keys = _sort_keys(similarity)
        own = np.arange(len(keys))
        keys[own, start + own] = np.iinfo(np.int64).min + start + own
        nearest_keys = np.sort(np.partition(keys, k - 1, axis=1)[:, :k], axis=1)
        ranks[start : start + block] = nearest_keys & 0xFFFFFFFF
    return ranks


def check_features(features: NDArray[np.float32]) -> None:
    """Refuse features that have no meaningful neighbours.

    Args:
        features: float32 (N, D).

    Raises:
        FeatureError: not a matrix with at least one row and finite values.
    """
    if features.ndim != 2 or len(features) == 0:
        raise FeatureError(
            f"The features have shape {features.shape}, where (images, dimensions) with at least one "
            "image is needed: check that the catalogue is not empty."
        )
    broken = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if len(broken):
        raise FeatureError(
            f"The features of {len(broken)} images (the first is row {broken[0]}) hold NaN or infinity: "
            "the training has diverged or the images are broken; lower the learning rate or check them."
        )


def _sort_keys(similarity: NDArray[np.float32]) -> NDArray[np.int64]:
    """Integers that sort by decreasing similarity and then by increasing column.

    The bits of a float, read as an integer, sort as the float does once those below the sign bit are
    flipped in negative numbers; adding 0 turns -0 into 0.
    """
    bits = (similarity + np.float32(0)).view(np.int32).astype(np.int64)
    ascending = np.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
    return (-ascending << 32) | np.arange(similarity.shape[1], dtype=np.int64)
