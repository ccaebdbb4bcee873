"""How far probabilities are from how often things happen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BINS = 10


def calibration_error(probability: Floats, happened: NDArray[np.bool_], weight: Floats | None = None) -> float:
    """Expected calibration error: the mean distance of a probability to how often it happens, in bins of equal width.

    Args:
        probability: float64 (n,) in [0, 1], n at least 1.
        happened: bool (n,).
        weight: float64 (n,), how much each counts; alike without.
    """
    weight = np.ones(len(probability)) if weight is None else weight
    off = np.bincount(_bins(probability), weight * (probability - happened), minlength=BINS)
    return float(np.abs(off).sum() / weight.sum())


def error_by_chance(probability: Floats, weight: Floats | None = None) -> float:
    """Expected calibration error where each probability is right, as so many draws would have it.

    Bins are taken as normally distributed, independent draws.

    Args:
        probability: as above.
        weight: as above.
    """
    weight = np.ones(len(probability)) if weight is None else weight
    variance = np.bincount(_bins(probability), weight**2 * probability * (1 - probability), minlength=BINS)
    return float(np.sqrt(2 / np.pi * variance).sum() / weight.sum())


def reliability_curve(probability: Floats, happened: NDArray[np.bool_]) -> Floats:
    """What was said and what came of it, in bins of equal width that are not empty.

    Args:
        probability: float64 (n,) in [0, 1].
        happened: bool (n,).

    Returns:
        float64 (B, 3), ascending: the mean probability of a bin, how often it happened, and how many are in it.
    """
    place = _bins(probability)
    count = np.bincount(place, minlength=BINS)
    sums = [np.bincount(place, values, minlength=BINS) for values in (probability, happened.astype(np.float64))]
    kept = count > 0
    return np.stack([sums[0][kept] / count[kept], sums[1][kept] / count[kept], count[kept]], axis=1)


def _bins(probability: Floats) -> NDArray[np.int64]:
    return np.minimum((probability * BINS).astype(np.int64), BINS - 1)
