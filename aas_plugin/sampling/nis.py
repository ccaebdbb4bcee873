"""Nested importance sampling: rare vertices first, and for each its likely neighbours."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from aas_plugin.sampling.candidates import first_unknown
from aas_plugin.sampling.proposal import KnownPairs
from aas_plugin.sampling.views import Views

_BLOCK = 512


class NisOptions(BaseModel):
    """Settings of nested importance sampling."""

    model_config = ConfigDict(extra="forbid")

    vertices: Literal["degree", "uniform"] = Field(
        "degree", description="drawn by one over their estimated degree, or, as the released code in effect does, alike"
    )
    neighbours: int = Field(5, ge=1, description="questions for each vertex that is drawn")
    temperature: float = Field(0.5, gt=0, description="divides similarities in the softmax")


def nested_pairs(
    views: Views, budget: int, rng: np.random.Generator, options: NisOptions, known: KnownPairs
) -> pd.DataFrame:
    """Draw vertices, and for each of them neighbours.

    Source: Perez et al., Human-in-the-loop visual Re-ID for population size estimation, 2024, which counts individuals
    by it. A vertex is drawn by one over its estimated degree, the sum of exp(similarity / temperature); a neighbour by
    the softmax of these. Their code normalises each row first, so all degrees are 1 (`vertices="uniform"`). Ours:
    similarity is the inner product of features, or 1 - distance where there are none; draws are without replacement.

    Args:
        views: two clusterings of N images.
        budget: most pairs to ask, at least 0.
        rng: decides the draws.
        options: settings.
        known: from pairs, int64 (P, 2), to whether each needs no question, bool (P,).

    Returns:
        One row a pair, of the kind "nested".
    """
    n = len(views.a)
    if n < 2 or not budget:
        return first_unknown(views, np.empty((0, 2), np.int64), np.empty(0, np.str_), budget, known)
    chance = np.ones(n)
    if options.vertices == "degree":
        starts = range(0, n, _BLOCK)
        rows = (np.arange(start, min(start + _BLOCK, n)) for start in starts)
        chance = 1 / np.concatenate([_weights(views, block, options.temperature).sum(axis=1) for block in rows])
    found: list[NDArray[np.int64]] = []
    size = 0
    # Gumbel's trick: the largest keys are a draw without replacement.
    order = np.argsort(-(np.log(chance) + rng.gumbel(size=n)), kind="stable")
    start = 0
    # A pair may be drawn from both its ends.
    while start < n and size < 2 * budget:
        needed = -(-(2 * budget - size) // options.neighbours)
        vertices = order[start : start + min(_BLOCK, needed)]
        start += len(vertices)
        with np.errstate(divide="ignore"):
            keys = np.log(_weights(views, vertices, options.temperature))
        drawn = _unknown_of_largest(keys + rng.gumbel(size=keys.shape), vertices, options.neighbours, known)
        found.append(drawn)
        size += len(drawn)
    pairs = np.concatenate(found)
    return first_unknown(views, pairs, np.full(len(pairs), "nested"), budget, known)


def _unknown_of_largest(
    keys: NDArray[np.float64], vertices: NDArray[np.int64], wanted: int, known: KnownPairs
) -> NDArray[np.int64]:
    """For each vertex the unknown pairs with its neighbours of the largest keys above -inf, int64 (P, 2), in order.

    What is known is asked of a few neighbours of all vertices at once, and of twice as many while that leaves too few.
    """
    n = keys.shape[1]
    looked_at = min(2 * wanted, n)
    while True:
        near = np.argpartition(-keys, looked_at - 1, axis=1)[:, :looked_at]
        own = np.take_along_axis(keys, near, axis=1)
        order = np.argsort(-own, axis=1, kind="stable")
        near, open_ones = np.take_along_axis(near, order, axis=1), np.isfinite(np.take_along_axis(own, order, axis=1))
        pairs = np.stack([np.repeat(vertices, looked_at), near.ravel()], axis=1)
        open_ones[open_ones] = ~known(np.sort(pairs[open_ones.ravel()], axis=1))
        if looked_at == n or (open_ones.sum(axis=1) >= wanted).all():
            chosen = open_ones & (np.cumsum(open_ones, axis=1) <= wanted)
            return pairs[chosen.ravel()]
        looked_at = min(2 * looked_at, n)


def _weights(views: Views, rows: NDArray[np.int64], temperature: float) -> NDArray[np.float64]:
    """exp(similarity / temperature) of some images to all, float64 (r, N), 0 to themselves."""
    n = len(views.a)
    if views.features.shape[1]:
        similarity = (views.features[rows] @ views.features.T).astype(np.float64)
    else:
        similarity = 1 - views.graph.between(rows, np.arange(n)).astype(np.float64)
    weights: NDArray[np.float64] = np.exp(similarity / temperature)
    weights[np.arange(len(rows)), rows] = 0
    return weights
