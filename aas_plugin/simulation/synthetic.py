"""Made-up features of known difficulty, to design a sampler on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 128
VIEW = 0.5
"""Deviation of a view around its individual; that of individuals is 1."""

LARGEST = 60
"""Most photos of an individual."""


def synthetic_features(noise: float, seed: int, individuals: int = 60) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Draw individuals with few photos or many, each seen from two sides.

    The number of photos follows a power law from 2 to `LARGEST`. A photo is its individual's centre, plus that of one
    of its two sides, plus noise, all normally distributed.

    Args:
        noise: deviation of photos around their side, at least 0; that of individuals is 1. At 1 a clustering finds most
            individuals, at 3.5 few.
        seed: of the draw.
        individuals: how many.

    Returns:
        float32 (N, 128), L2-normalised rows, in an order that is drawn, and int64 (N,), who is on each.
    """
    rng = np.random.default_rng(seed)
    photos = np.minimum(np.floor(2 * (1 - rng.random(individuals)) ** -0.8), LARGEST).astype(np.int64)
    individual = rng.permutation(np.repeat(np.arange(individuals), photos))
    centres = rng.normal(size=(individuals, DIMENSIONS))
    sides = centres[:, None] + VIEW * rng.normal(size=(individuals, 2, DIMENSIONS))
    found = sides[individual, rng.integers(0, 2, len(individual))]
    found = found + noise * rng.normal(size=found.shape)
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32), individual
