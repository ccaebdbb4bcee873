"""Pairs of images whose answer follows from answers, and did not follow before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aas_plugin.clustering.pairs import numbered_pairs
from aas_plugin.constraints.closure import Constraints, as_links, components

MOST = 64
"""Most pairs of two groups, so that large groups do not outvote all others."""


def pairs_that_follow(
    after: Constraints, before: Constraints, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Pairs of images that `after` tells to be the same or different, and `before` does not.

    Of each group of images that are the same, and of each two groups that differ, at most `MOST` pairs are drawn.

    Args:
        after: what is known now, over images 0..n-1.
        before: what was known, over the same images.
        rng: draws from large groups.

    Returns:
        Pairs, int64 (P, 2), u < v, each once, and whether each is the same, bool (P,).
    """
    group = components(after.n, after.must_links)
    order = np.argsort(group, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(group))[:-1])
    inside = [number for number, images in enumerate(members) if len(images) > 1]
    apart = np.unique(np.sort(group[after.cannot_links], axis=1), axis=0)
    found, same = [as_links([])], [np.empty(0, dtype=bool)]
    for one, other in [*((number, number) for number in inside), *apart.tolist()]:
        pairs = _pairs(members[one], members[other], one == other, rng)
        found.append(np.sort(pairs, axis=1))
        same.append(np.full(len(pairs), one == other))
    pairs, told = np.concatenate(found), np.concatenate(same)
    new = ~before.entailed_mask(pairs)
    return pairs[new], told[new]


def _pairs(one: NDArray[np.int64], other: NDArray[np.int64], same: bool, rng: np.random.Generator) -> NDArray[np.int64]:
    """Pairs of two groups, or within one, int64 (P, 2) with P <= `MOST`."""
    total = len(one) * (len(one) - 1) // 2 if same else len(one) * len(other)
    if total <= MOST:
        if same:
            return one[np.stack(np.triu_indices(len(one), 1), axis=1)]
        return np.stack([np.repeat(one, len(other)), np.tile(other, len(one))], axis=1)
    drawn = rng.choice(total, MOST, replace=False)
    if same:
        return one[numbered_pairs(drawn)]
    return np.stack([one[drawn // len(other)], other[drawn % len(other)]], axis=1)
