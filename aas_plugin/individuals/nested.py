"""Nested importance sampling: how many individuals there are, from pairs drawn for nothing else."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, softmax

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class NestedDraw(NamedTuple):
    """Pairs drawn by nested importance sampling.

    Attributes:
        vertex: int64 (V,), drawn photos, with replacement.
        chance: float64 (V,), of each in one draw.
        neighbour: int64 (V, M), for each other photos, with replacement.
        neighbour_chance: float64 (V, M), of each in one draw.
    """

    vertex: Ints
    chance: Floats
    neighbour: Ints
    neighbour_chance: Floats


def draw_nested(
    features: NDArray[np.float32], vertices: int, neighbours: int, rng: np.random.Generator, temperature: float = 0.5
) -> NestedDraw:
    """Draw photos by one over their estimated number of photos alike, and for each of them likely ones.

    Source: Perez et al., Human-in-the-loop visual Re-ID for population size estimation, 2024.

    Args:
        features: float32 (N, D), L2-normalised rows, N at least 2.
        vertices: V, at least 1.
        neighbours: M, at least 1.
        rng: draws.
        temperature: divides similarities.
    """
    similarity = (features @ features.T).astype(np.float64) / temperature
    np.fill_diagonal(similarity, -np.inf)
    chance = 1 / np.exp(similarity - 1 / temperature).sum(axis=1)
    chance /= chance.sum()
    vertex = rng.choice(len(features), vertices, p=chance)
    by_vertex = softmax(similarity[vertex], axis=1)
    neighbour = np.stack([rng.choice(len(features), neighbours, p=row) for row in by_vertex])
    return NestedDraw(vertex, chance[vertex], neighbour, np.take_along_axis(by_vertex, neighbour, axis=1))


def nested_count(draw: NestedDraw, same: NDArray[np.bool_], level: float = 0.95) -> tuple[float, float, float]:
    """Estimate the number of individuals from answers about drawn pairs.

    Each photo stands for one over the number of photos of its individual, which is one and its likely photos that are
    the same, each by one over its chance. Source: as `draw_nested`; the interval is that of the mean of the vertices.

    Args:
        draw: V vertices and M neighbours of each.
        same: bool (V, M), the answers.
        level: of the interval.

    Returns:
        The estimate, and the interval's ends.
    """
    photos = 1 + (same / draw.neighbour_chance).mean(axis=1)
    terms = 1 / (draw.chance * photos)
    half = float(ndtri((1 + level) / 2) * terms.std(ddof=1) / np.sqrt(len(terms))) if len(terms) > 1 else np.inf
    value = float(terms.mean())
    return value, value - half, value + half
