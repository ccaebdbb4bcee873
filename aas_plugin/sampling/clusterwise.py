"""Samplers of the literature that ask within clusters, or around them; none has code that is public.

Each gives a list of pairs for every cluster, and these lists are asked in turns, so that a budget below all of them
reaches every cluster. Large clusters are looked at in part: see `MOST_MEMBERS`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from aas_plugin.sampling.candidates import (
    clusters_of,
    distances_among,
    first_unknown,
    in_turns,
    near_pairs,
    without_known,
)
from aas_plugin.sampling.proposal import KnownPairs
from aas_plugin.sampling.views import Views


class MassOptions(BaseModel):
    """Settings of MASS-style sampling."""

    model_config = ConfigDict(extra="forbid")

    neighbours: int = Field(5, ge=1, description="nearest images that the pivot of a cluster is asked with")


def pivot_pairs(
    views: Views, budget: int, rng: np.random.Generator, options: MassOptions, known: KnownPairs
) -> pd.DataFrame:
    """Ask the medoid of each FINCH cluster with its nearest images.

    MASS-style. Source: the description in the paper, section 2. Ours: the medoid is the pivot, its neighbours are
    those of the graph, of any cluster, and clusters take turns in an order that is drawn.

    Args:
        views: two clusterings of N images; view B is looked at.
        budget: most pairs to ask, at least 0.
        rng: decides the order of clusters.
        options: settings.
        known: from pairs, int64 (P, 2), to whether each needs no question, bool (P,).

    Returns:
        One row a pair, of the kind "pivot".
    """
    lists = []
    for images in clusters_of(views.b, rng):
        pivot = images[int(distances_among(views.graph, images).sum(axis=1).argmin())]
        near = views.graph.neighbours[pivot]
        near = near[near != pivot][: options.neighbours]
        lists.append(np.stack([np.full_like(near, pivot), near], axis=1))
    pairs = in_turns(lists)
    return first_unknown(views, pairs, np.full(len(pairs), "pivot"), budget, known)


def support_pairs(views: Views, budget: int, rng: np.random.Generator, known: KnownPairs) -> pd.DataFrame:
    """Ask of each cluster the farthest pair inside and the closest pair to an image outside.

    SPAL's dual uncertainty (Jin et al., 2022), without its training. Ours: clusters are those of view A; what is
    known is passed over, so later cycles go on with the next pairs; inner and outer pairs alternate.

    Args:
        views: two clusterings of N images; view A is looked at.
        budget: most pairs to ask, at least 0.
        rng: decides the order of clusters.
        known: from pairs, int64 (P, 2), to whether each needs no question, bool (P,).

    Returns:
        One row a pair, of the kind "inner" or "outer".
    """
    near, distance = near_pairs(views.graph)
    crossing = views.a[near[:, 0]] != views.a[near[:, 1]]
    near, distance = near[crossing], distance[crossing]
    near = near[np.argsort(distance, kind="stable")]
    outer = _by_cluster(views.a[near], near)
    lists = []
    for images in clusters_of(np.where(views.inlier, views.a, -1), rng):
        first, second = np.triu_indices(len(images), 1)
        apart = distances_among(views.graph, images)[first, second]
        order = np.argsort(-apart, kind="stable")
        inner = np.stack([images[first[order]], images[second[order]]], axis=1)
        lists += [inner, outer.get(int(views.a[images[0]]), near[:0])]
    lists = without_known(lists, known)
    pairs = in_turns(lists)
    which = in_turns([np.full((len(one), 2), number % 2) for number, one in enumerate(lists)])[:, 0]
    return first_unknown(views, pairs, np.array(["inner", "outer"])[which], budget, known)


def far_pairs(views: Views, budget: int, rng: np.random.Generator, known: KnownPairs) -> pd.DataFrame:
    """Ask within each DBSCAN cluster the images that farthest point sampling finds, each with the one before.

    GBAS-style, the unbalanced companion of `balanced_triplets` (ICME 2024, of which no code is public). Ours: what
    the paper, section 2, does not say.

    Args:
        views: two clusterings of N images; view A is looked at, without its noise.
        budget: most pairs to ask, at least 0.
        rng: decides the order of clusters.
        known: from pairs, int64 (P, 2), to whether each needs no question, bool (P,).

    Returns:
        One row a pair, of the kind "far".
    """
    lists = []
    for images in clusters_of(np.where(views.inlier, views.a, -1), rng):
        points = images[farthest_points(distances_among(views.graph, images))]
        lists.append(np.stack([points[:-1], points[1:]], axis=1))
    pairs = in_turns(lists)
    return first_unknown(views, pairs, np.full(len(pairs), "far"), budget, known)


def balanced_triplets(views: Views, budget: int, rng: np.random.Generator, known: KnownPairs) -> pd.DataFrame:
    """Ask within each DBSCAN cluster anchors with their nearest and with their farthest image.

    LBAS-style (ICME 2024, of which no code is public): anchor, positive and negative by farthest point sampling, half
    of the questions for either answer. Ours: anchors are farthest points, the medoid first; noise is not asked about,
    as the paper, section 2, says of it.

    Args:
        views: two clusterings of N images; view A is looked at, without its noise.
        budget: most pairs to ask, at least 0.
        rng: decides the order of clusters.
        known: from pairs, int64 (P, 2), to whether each needs no question, bool (P,).

    Returns:
        One row a pair, of the kinds "positive" and "negative" in turn.
    """
    lists = []
    for images in clusters_of(np.where(views.inlier, views.a, -1), rng):
        distances = distances_among(views.graph, images)
        anchors = farthest_points(distances)
        far = distances[anchors].argmax(axis=1)
        beside = distances.copy()
        np.fill_diagonal(beside, np.inf)
        near = beside[anchors].argmin(axis=1)
        both = np.stack([anchors, near, anchors, far], axis=1).reshape(-1, 2)
        lists.append(images[both])
    pairs = in_turns(lists)
    turn = in_turns([np.stack([np.arange(len(one)) % 2] * 2, axis=1) for one in lists])[:, 0]
    distinct = pairs[:, 0] != pairs[:, 1]
    kind = np.array(["positive", "negative"])[turn]
    return first_unknown(views, pairs[distinct], kind[distinct], budget, known)


def farthest_points(distances: NDArray[np.float32]) -> NDArray[np.int64]:
    """Order points so that each is the farthest from all before it; the medoid is the first.

    Args:
        distances: float32 (s, s), s at least 1.

    Returns:
        int64 (s,); of equally far points the lowest.
    """
    chosen = [int(distances.astype(np.float64).sum(axis=1).argmin())]
    to_chosen = distances[chosen[0]].astype(np.float64)
    to_chosen[chosen[0]] = -1
    while len(chosen) < len(distances):
        chosen.append(int(to_chosen.argmax()))
        to_chosen = np.minimum(to_chosen, distances[chosen[-1]])
        to_chosen[chosen[-1]] = -1
    return np.array(chosen, dtype=np.int64)


def _by_cluster(labels: NDArray[np.int64], pairs: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    """Pairs, int64 (P, 2), by each of the two clusters, int64 (P, 2), that they touch, in their order."""
    both = np.concatenate([labels[:, 0], labels[:, 1]])
    which = np.tile(np.arange(len(pairs)), 2)
    order = np.lexsort((which, both))
    names, starts = np.unique(both[order], return_index=True)
    ends = np.append(starts, len(order))[1:]
    return {int(name): pairs[which[order[start:end]]] for name, start, end in zip(names, starts, ends, strict=True)}
