"""From candidate pairs in the order of asking to the table of a sampler, and what several samplers draw from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aas_plugin.clustering.graph import Graph
from aas_plugin.sampling.pools import pair_types
from aas_plugin.sampling.proposal import KnownPairs, proposal
from aas_plugin.sampling.views import Views

MOST_MEMBERS = 300
"""Images of a cluster that are looked at; of a larger one so many are drawn."""


def first_unknown(
    views: Views, pairs: NDArray[np.int64], kind: NDArray[np.str_], budget: int, known: KnownPairs
) -> pd.DataFrame:
    """The first pairs that are not known, each once.

    Args:
        views: of N images.
        pairs: int64 (P, 2), of distinct images, in the order of asking.
        kind: str (P,), what each is to resolve.
        budget: most pairs.
        known: from pairs, int64 (P, 2), to whether each needs no question, bool (P,).

    Returns:
        See `proposal`; probabilities are NaN and regions -1.
    """
    ordered = np.sort(pairs, axis=1)
    _, first = np.unique(ordered, axis=0, return_index=True)
    first = np.sort(first)
    open_ones = first[~known(ordered[first])][:budget]
    chosen = ordered[open_ones]
    return proposal(
        pairs=chosen,
        kind=kind[open_ones],
        probability=np.full(len(chosen), np.nan),
        similarity=1 - views.graph.distance(chosen[:, 0], chosen[:, 1]),
        types=pair_types(chosen, views.inlier),
        regions=np.full((len(chosen), 2), -1, dtype=np.int64),
    )


def near_pairs(graph: Graph) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Pairs whose distance is stored, and those of the lists of neighbours.

    Args:
        graph: of N images.

    Returns:
        Pairs, int64 (P, 2), u < v, sorted, each once, and their distances, float32 (P,).
    """
    n, distances = len(graph.neighbours), graph.distances
    rows = np.repeat(np.arange(n), np.diff(distances.indptr))
    listed = np.repeat(np.arange(n), graph.neighbours.shape[1])
    first = np.concatenate([rows, listed]).astype(np.int64)
    second = np.concatenate([distances.indices, graph.neighbours.ravel()]).astype(np.int64)
    low, high = np.minimum(first, second), np.maximum(first, second)
    numbers = np.unique((low * n + high)[low < high])
    pairs = np.stack([numbers // n, numbers % n], axis=1)
    return pairs, graph.distance(pairs[:, 0], pairs[:, 1])


def clusters_of(labels: NDArray[np.int64], rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """The images of each cluster of at least two, in an order that is drawn; of large ones `MOST_MEMBERS`, drawn.

    Args:
        labels: int64 (N,), -1 for images that are left out.
        rng: decides both draws.

    Returns:
        Images, int64 (s,) ascending, a cluster each.
    """
    order = np.argsort(labels, kind="stable")
    order = order[labels[order] >= 0]
    bounds = np.flatnonzero(np.diff(labels[order])) + 1
    groups = [group for group in np.split(order, bounds) if len(group) > 1]
    drawn = [groups[number] for number in rng.permutation(len(groups))]
    return [
        group if len(group) <= MOST_MEMBERS else np.sort(rng.choice(group, MOST_MEMBERS, replace=False))
        for group in drawn
    ]


def distances_among(graph: Graph, images: NDArray[np.int64]) -> NDArray[np.float32]:
    """All distances between some images, float32 (s, s)."""
    return graph.between(images, images)


def without_known(lists: Sequence[NDArray[np.int64]], known: KnownPairs) -> list[NDArray[np.int64]]:
    """Lists of pairs, int64 (P, 2) each, without those that are known, which is asked once for all."""
    if not lists:
        return []
    left = np.split(~known(np.concatenate(lists)), np.cumsum([len(pairs) for pairs in lists])[:-1])
    return [pairs[mask] for pairs, mask in zip(lists, left, strict=True)]


def in_turns(lists: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Pairs of several lists, int64 (P, 2) each: the first of every list, then the second of every list, and so on."""
    if not lists:
        return np.empty((0, 2), dtype=np.int64)
    turn = np.concatenate([np.arange(len(pairs)) for pairs in lists])
    return np.concatenate([pairs.reshape(-1, 2) for pairs in lists])[np.argsort(turn, kind="stable")]
