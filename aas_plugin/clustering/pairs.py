"""Pairs of images as whole numbers, so that some can be drawn without making all."""

import numpy as np
from numpy.typing import NDArray


def numbered_pairs(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """The pairs u < v, int64 (P, 2), with the numbers v (v - 1) / 2 + u, int64 (P,), each below 2**50."""
    # Whole numbers up to 2**53 are exact in double precision, so rounding the root cannot cross a whole number.
    v = ((1 + np.sqrt(1 + 8 * numbers)) // 2).astype(np.int64)
    return np.stack([numbers - v * (v - 1) // 2, v], axis=1)
