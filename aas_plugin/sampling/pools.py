"""The pairs worth asking about: across regions of uncertainty, and inside them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

_BLOCK_CELLS = 1 << 22


class OverPool(NamedTuple):
    """Pairs that may join two regions.

    Attributes:
        pairs: int64 (P, 2), u < v, sorted, unique.
        sim: float32 (P,), in [0, 1].
    """

    pairs: NDArray[np.int64]
    sim: NDArray[np.float32]


class UnderPool(NamedTuple):
    """Pairs that may divide a cluster.

    Attributes:
        pairs: int64 (P, 2), u < v, sorted, unique.
        sim: float32 (P,), in [0, 1].
        type: int64 (P,), 0 inlier-inlier, 1 inlier-outlier, 2 outlier-outlier by view A.
        region: int64 (P,), region of both images.
        inconsistent: int64 (M, 3), all pairs of each region and type that just one view groups.
    """

    pairs: NDArray[np.int64]
    sim: NDArray[np.float32]
    type: NDArray[np.int64]
    region: NDArray[np.int64]
    inconsistent: NDArray[np.int64]


def over_segmentation_pool(
    region: NDArray[np.int64], distances: csr_array, k_max: int = 5, s_min: float = 0.3
) -> OverPool:
    """Pair the medoid of each region with its nearest other medoids.

    Source: paper, section 3.1 B. A medoid has the smallest summed distance to the other images of its
    region. Ours: equal medoids and equally near neighbours go by lowest image.

    Args:
        region: int64 (N,), regions 0..M-1, -1 outside.
        distances: float32 CSR (N, N), symmetric; a pair that is not stored has distance 1.
        k_max: neighbours of each medoid, at least 1.
        s_min: least similarity of a pair, inclusive, in [0, 1].

    Returns:
        The pairs and their similarity, 1 - distance.
    """
    medoids = np.sort(_medoids(region, distances))
    m = len(medoids)
    between = csr_array(distances[medoids][:, medoids]).tocoo()
    pairs, sims = [np.empty((0, 2), dtype=np.int64)], [np.empty(0, dtype=np.float32)]
    block = max(1, _BLOCK_CELLS // max(1, m))
    for start in range(0, m, block):
        dense = np.ones((min(block, m - start), m), dtype=np.float32)
        stored = (between.row >= start) & (between.row < start + block)
        dense[between.row[stored] - start, between.col[stored]] = between.data[stored]
        own = np.arange(len(dense))
        dense[own, start + own] = np.inf
        near = np.argsort(dense, axis=1, kind="stable")[:, : min(k_max, m - 1)]
        sim = 1 - np.take_along_axis(dense, near, axis=1)
        row, rank = np.nonzero(sim >= s_min)
        ends = np.stack([medoids[start + row], medoids[near[row, rank]]], axis=1)
        pairs.append(np.sort(ends, axis=1))
        sims.append(sim[row, rank])
    unique, first = np.unique(np.concatenate(pairs), axis=0, return_index=True)
    return OverPool(unique, np.concatenate(sims)[first])


def under_segmentation_pool(
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    inlier: NDArray[np.bool_],
    region: NDArray[np.int64],
    distances: csr_array,
) -> UnderPool:
    """Find the closest pairs of clusters of one view that the other view groups.

    Source: paper, section 3.1 C, equations 1 to 3: pairs of a region that exactly one view groups, and that
    are the closest pair of two clusters of the same view. A pair that view A groups can only be closest
    between two clusters of view B, and the other way round. Ours: of equally close pairs the lowest (u, v).

    Args:
        a: int64 (N,), clusters of view A; noise images are clusters of their own.
        b: int64 (N,), clusters of view B.
        inlier: bool (N,), whether view A clustered the image.
        region: int64 (N,), regions 0..M-1 of these views, -1 outside.
        distances: float32 CSR (N, N), symmetric, sorted indices, all pairs closer than 1: one that is not
            stored has distance 1, so a graph that is cut at a radius gives wrong pairs.

    Returns:
        The pairs with all that their probability needs.
    """
    grouped_by_a, sim_a = _closest_grouped(b, a, region, distances)
    grouped_by_b, sim_b = _closest_grouped(a, b, region, distances)
    pairs = np.concatenate([grouped_by_a, grouped_by_b])
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    pairs = pairs[order]
    return UnderPool(
        pairs=pairs,
        sim=np.concatenate([sim_a, sim_b])[order],
        type=pair_types(pairs, inlier),
        region=region[pairs[:, 0]],
        inconsistent=_inconsistent(a, b, inlier, region),
    )


def pair_types(pairs: NDArray[np.int64], inlier: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count the outliers of each pair.

    Args:
        pairs: int64 (P, 2).
        inlier: bool (N,), whether view A clustered the image.

    Returns:
        int64 (P,): 0 inlier-inlier, 1 inlier-outlier, 2 outlier-outlier.
    """
    return np.asarray((~inlier)[pairs].sum(axis=1), dtype=np.int64)


def _medoids(region: NDArray[np.int64], distances: csr_array) -> NDArray[np.int64]:
    """The image of each region with the smallest summed distance, (M,), by region.

    The summed similarity, largest at the same image, needs no more than the stored pairs.
    """
    stored = distances.tocoo()
    inside = (region[stored.row] == region[stored.col]) & (stored.row != stored.col)
    closeness = np.bincount(
        stored.row[inside], weights=1 - stored.data[inside].astype(np.float64), minlength=len(region)
    )
    members = np.flatnonzero(region >= 0)
    order = members[np.lexsort((members, -closeness[members], region[members]))]
    _, first = np.unique(region[order], return_index=True)
    return order[first]


def _closest_grouped(
    own: NDArray[np.int64], other: NDArray[np.int64], region: NDArray[np.int64], distances: csr_array
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Closest pairs of distinct `own` clusters of a region that lie in one `other` cluster, and their sim.

    Two clusters without a stored pair are at distance 1, where the lowest pair is that of their first images.
    """
    _, own = np.unique(own, return_inverse=True)
    count = own.max(initial=-1) + 1
    stored = distances.tocoo()
    cross = (stored.row < stored.col) & (region[stored.row] >= 0) & (region[stored.row] == region[stored.col])
    cross &= own[stored.row] != own[stored.col]
    linked = np.stack([stored.row[cross], stored.col[cross]], axis=1).astype(np.int64)
    distance = stored.data[cross]
    keys = _cluster_keys(own, linked, count)
    order = np.lexsort((distance, keys))
    linked_keys, first = np.unique(keys[order], return_index=True)
    closest, distance = linked[order[first]], distance[order[first]]
    grouped = other[closest[:, 0]] == other[closest[:, 1]]

    _, firsts = np.unique(own, return_index=True)
    far = _pairs_within(firsts[region[firsts] >= 0], other)
    far = far[~np.isin(_cluster_keys(own, far, count), linked_keys)]
    sim = np.concatenate([1 - distance[grouped], np.zeros(len(far), dtype=np.float32)])
    return np.concatenate([closest[grouped], far]), sim


def _cluster_keys(clusters: NDArray[np.int64], pairs: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """One number for the two clusters of each pair, whatever their order."""
    ends = np.sort(clusters[pairs], axis=1)
    return np.asarray(ends[:, 0] * count + ends[:, 1], dtype=np.int64)


def _pairs_within(images: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """All pairs u < v of `images` that are in the same group, int64 (P, 2)."""
    images = images[np.lexsort((images, groups[images]))]
    _, first, size = np.unique(groups[images], return_index=True, return_counts=True)
    position = np.arange(len(images))
    later = np.repeat(first + size, size) - position - 1
    left = np.repeat(position, later)
    right = left + 1 + np.arange(len(left)) - np.repeat(np.cumsum(later) - later, later)
    return np.stack([images[left], images[right]], axis=1)


def _inconsistent(
    a: NDArray[np.int64], b: NDArray[np.int64], inlier: NDArray[np.bool_], region: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Pairs of each region and type that exactly one view groups, (M, 3): A + B - 2 (A and B)."""
    _, a = np.unique(a, return_inverse=True)
    _, b = np.unique(b, return_inverse=True)
    both = a * (b.max(initial=-1) + 1) + b
    return (
        _grouped_pairs(a, inlier, region) + _grouped_pairs(b, inlier, region) - 2 * _grouped_pairs(both, inlier, region)
    )


def _grouped_pairs(
    groups: NDArray[np.int64], inlier: NDArray[np.bool_], region: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Pairs of each region and type that are in the same group, (M, 3)."""
    inside = region >= 0
    _, first, group = np.unique(groups[inside], return_index=True, return_inverse=True)
    members = np.bincount(group, minlength=len(first))
    inliers = np.bincount(group[inlier[inside]], minlength=len(first))
    outliers = members - inliers
    counts = np.stack([inliers * (inliers - 1) // 2, inliers * outliers, outliers * (outliers - 1) // 2], axis=1)
    total = np.zeros((region.max(initial=-1) + 1, 3), dtype=np.int64)
    np.add.at(total, region[inside][first], counts)
    return total
