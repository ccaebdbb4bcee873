"""What holds groups of photos together, and what may join two of them: the places where names can be wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from aas_plugin.cal.similarity import linkage_between
from aas_plugin.clustering.linkage import mean_linkage
from aas_plugin.constraints.closure import components

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MOST_PAIRS = 300_000
"""Pairs of groups up to which all are looked at; of more, those that similarity connects and a sample of the others."""


@dataclass(frozen=True)
class Joins:
    """Places where two sides of photos are, or are not, taken for one individual, and no answer says whether they are.

    Attributes:
        pairs: int64 (J, 2), the most central photo of each side.
        inside: bool (J,), whether both sides are in one group; else they are two groups.
        linkage: float64 (J,), mean similarity of both sides, in [0, 1].
        cosine: float64 (J,), of the features of the two photos.
        crossing: float64 (J,), how many pairs of photos lie between both sides.
        count: float64 (J,), how many joins each stands for: 1, or more where only a sample of them is looked at.
        group: int64 (N,), 0..G-1, the groups; an un-clustered photo is one by itself.
    """

    pairs: Ints
    inside: NDArray[np.bool_]
    linkage: Floats
    cosine: Floats
    crossing: Floats
    count: Floats
    group: Ints

    def __len__(self) -> int:
        return len(self.linkage)


def groups_of(labels: Ints) -> Ints:
    """Groups of labels, int64 (N,), 0..G-1: clusters in their order, then each un-clustered photo by itself."""
    alone = labels < 0
    found = np.where(alone, labels.max(initial=-1) + np.cumsum(alone), labels)
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def joins_of(
    labels: Ints,
    matrix: csr_array,
    features: NDArray[np.float32],
    must_links: Ints,
    cannot_links: Ints,
    rng: np.random.Generator,
) -> Joins:
    """Find all joins of a labelling in which answers hold.

    Inside a group, photos that answers join are one node; nodes are joined by mean linkage, and those that no
    similarity connects one after the other. Two groups are a join unless an answer holds them apart.

    Args:
        labels: int64 (N,), -1 for un-clustered.
        matrix: float64 CSR (N, N), symmetric similarities without diagonal; pairs that are not stored count as 0.
        features: float32 (N, D), L2-normalised rows.
        must_links: int64 (M, 2), answers that hold.
        cannot_links: int64 (C, 2), answers that hold.
        rng: draws the sample of pairs of groups where there are more than `MOST_PAIRS`.
    """
    group = groups_of(labels)
    inner, inner_linkage, inner_crossing = _inside(group, matrix, features, must_links)
    ends, linkage, count = _between(group, matrix, cannot_links, rng)
    pairs = np.concatenate([inner, _central(features, group)[ends]])
    crossing = np.bincount(group)[ends].prod(axis=1).astype(np.float64)
    return Joins(
        pairs=pairs,
        inside=np.arange(len(pairs)) < len(inner),
        linkage=np.minimum(np.concatenate([inner_linkage, linkage]), 1.0),
        cosine=cosines(features, pairs),
        crossing=np.concatenate([inner_crossing, crossing]),
        count=np.concatenate([np.ones(len(inner)), count]),
        group=group,
    )


def cosines(features: NDArray[np.float32], pairs: Ints) -> Floats:
    """Cosine similarities of pairs, float64 (P,), of L2-normalised features."""
    return np.einsum("ij,ij->i", features[pairs[:, 0]], features[pairs[:, 1]]).astype(np.float64)


def _central(features: NDArray[np.float32], group: Ints) -> Ints:
    """The photo of each group, int64 (G,), that is most like all of them."""
    count = int(group.max(initial=-1)) + 1
    sums = csr_array((np.ones(len(group)), (group, np.arange(len(group)))), shape=(count, len(group))) @ features
    order = np.lexsort((-np.einsum("ij,ij->i", features, sums[group]), group))
    return order[np.unique(group[order], return_index=True)[1]].astype(np.int64)


def _inside(
    group: Ints, matrix: csr_array, features: NDArray[np.float32], must_links: Ints
) -> tuple[Ints, Floats, Floats]:
    """Both central photos of each join inside a group, int64 (E, 2), its linkage and how many pairs cross it."""
    node = components(len(group), must_links)
    sizes = np.bincount(node)
    near = matrix.tocoo()
    kept = (group[near.row] == group[near.col]) & (node[near.row] != node[near.col])
    shape = (len(sizes), len(sizes))
    totals = csr_array((near.data[kept], (node[near.row[kept]], node[near.col[kept]])), shape=shape)
    totals.sum_duplicates()
    merges = mean_linkage(totals, sizes.astype(np.float64), 0.0)
    members = np.split(np.argsort(node, kind="stable"), np.cumsum(sizes)[:-1]) if len(sizes) else []
    ends: list[tuple[int, int]] = []
    linkage: list[float] = []
    crossing: list[int] = []

    def join(left: Ints, right: Ints, alike: float) -> Ints:
        one, other = (int(side[np.argmax(features[side] @ features[side].sum(axis=0))]) for side in (left, right))
        ends.append((one, other))
        linkage.append(alike)
        crossing.append(len(left) * len(right))
        return np.concatenate([left, right])

    for left, right, alike in zip(merges.left.tolist(), merges.right.tolist(), merges.linkage.tolist(), strict=True):
        members.append(join(members[left], members[right], alike))
    of_group: dict[int, Ints] = {}
    for last in np.unique(merges.last).tolist():
        place, photos = int(group[members[last][0]]), members[last]
        of_group[place] = join(of_group[place], photos, 0.0) if place in of_group else photos
    return np.array(ends, dtype=np.int64).reshape(-1, 2), np.array(linkage), np.array(crossing, dtype=np.float64)


def _between(
    group: Ints, matrix: csr_array, cannot_links: Ints, rng: np.random.Generator
) -> tuple[Ints, Floats, Floats]:
    """Pairs of groups, int64 (P, 2), that no answer holds apart, their linkage, and how many each stands for."""
    count = int(group.max(initial=-1)) + 1
    near = linkage_between(matrix, group).tocoo()
    upper = near.row < near.col
    key, linkage = near.row[upper].astype(np.int64) * count + near.col[upper], near.data[upper]
    total = count * (count - 1) // 2
    if total <= MOST_PAIRS:
        rows, columns = np.triu_indices(count, 1)
        others = np.setdiff1d(rows * count + columns, key)
    else:
        drawn = np.sort(rng.integers(0, count, (MOST_PAIRS // 2, 2)), axis=1)
        others = np.setdiff1d(drawn[drawn[:, 0] < drawn[:, 1]] @ np.array([count, 1]), key)
    weight = np.repeat([1.0, (total - len(key)) / max(len(others), 1)], [len(key), len(others)])
    key, linkage = np.concatenate([key, others]), np.concatenate([linkage, np.zeros(len(others))])
    apart = np.sort(group[cannot_links], axis=1)
    free = ~np.isin(key, apart @ np.array([count, 1]))
    return np.stack([key // max(count, 1), key % max(count, 1)], axis=1)[free], linkage[free], weight[free]
