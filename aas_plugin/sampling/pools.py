"""The pairs worth asking about: across regions of uncertainty, and inside them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from aas_plugin.constraints.conflict_splitting import alike
from aas_plugin.sampling.kernels import closeness, closest_grouped


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


def medoids_of(region: NDArray[np.int64], distances: csr_array) -> NDArray[np.int64]:
    """Find the image of each region with the smallest summed distance to its other images.

    Source: paper, section 3.1 B. Ours: of equal images the lowest.

    Args:
        region: int64 (N,), regions 0..M-1, -1 outside.
        distances: float32 CSR (N, N), symmetric; a pair of a region that is not stored has distance 1.

    Returns:
        int64 (M,), ascending.
    """
    # The summed similarity is largest at the same image, and needs the stored pairs only.
    close = closeness(distances.indptr, distances.indices, distances.data, region)
    members = np.flatnonzero(region >= 0)
    order = members[np.lexsort((members, -close[members], region[members]))]
    _, first = np.unique(region[order], return_index=True)
    return np.sort(order[first])


def over_segmentation_pool(
    medoids: NDArray[np.int64], distances: csr_array, k_max: int = 5, s_min: float = 0.3
) -> OverPool:
    """Pair each medoid with its nearest other medoids.

    Source: paper, section 3.1 B. Ours: equally near neighbours go by lowest image.

    Args:
        medoids: int64 (M,), ascending.
        distances: float32 CSR (N, N), symmetric; a pair of medoids that is not stored has distance 1.
        k_max: neighbours of each medoid, at least 1.
        s_min: least similarity of a pair, inclusive, in (0, 1].

    Returns:
        The pairs and their similarity, 1 - distance.
    """
    between = csr_array(distances[medoids][:, medoids]).tocoo()
    near = (between.row != between.col) & (1 - between.data >= s_min)
    row, column, distance = between.row[near], between.col[near], between.data[near]
    order = np.lexsort((column, distance, row))
    row, column, distance = row[order], column[order], distance[order]
    first = np.searchsorted(row, np.arange(len(medoids)))
    nearest = np.arange(len(row)) - first[row] < k_max
    ends = np.sort(medoids[np.stack([row[nearest], column[nearest]], axis=1)], axis=1)
    unique, place = np.unique(ends.reshape(-1, 2), axis=0, return_index=True)
    return OverPool(unique, 1 - distance[nearest][place])


def under_segmentation_pool(
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    inlier: NDArray[np.bool_],
    region: NDArray[np.int64],
    distances: csr_array,
    *,
    closest: bool = True,
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
        distances: float32 CSR (N, N), symmetric, sorted indices, all pairs of a region closer than 1: one
            that is not stored has distance 1, so distances cut at a radius give wrong pairs.
        closest: whether only the closest pairs are taken; else all that one view alone groups, of which a large
            region has very many.

    Returns:
        The pairs with all that their probability needs.
    """
    (_, a), (_, b) = np.unique(a, return_inverse=True), np.unique(b, return_inverse=True)
    if closest:
        stored = distances.indptr, distances.indices, distances.data, region
        grouped_by_a, sim_a = closest_grouped(*stored, b, a)
        grouped_by_b, sim_b = closest_grouped(*stored, a, b)
    else:
        grouped_by_a, sim_a = _grouped_apart(a, b, region, distances)
        grouped_by_b, sim_b = _grouped_apart(b, a, region, distances)
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


def _grouped_apart(
    one: NDArray[np.int64], other: NDArray[np.int64], region: NDArray[np.int64], distances: csr_array
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """All pairs of a region in one cluster of `one` and in two of `other`: int64 (P, 2), u < v, float32 (P,)."""
    inside = np.flatnonzero(region >= 0)
    parts = [inside[part] for part in alike(one[inside])]
    places = (np.triu_indices(len(part), 1) for part in parts)
    pairs = [np.stack([part[u], part[v]], axis=1) for part, (u, v) in zip(parts, places, strict=True)]
    found = np.concatenate([np.empty((0, 2), dtype=np.int64), *pairs])
    found = found[other[found[:, 0]] != other[found[:, 1]]]
    if not len(found):
        return found, np.empty(0, dtype=np.float32)
    similarity = csr_array((1 - distances.data, distances.indices, distances.indptr), shape=distances.shape)
    return found, np.asarray(similarity[found[:, 0], found[:, 1]], dtype=np.float32).ravel()


def _inconsistent(
    a: NDArray[np.int64], b: NDArray[np.int64], inlier: NDArray[np.bool_], region: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Pairs of each region and type that exactly one view groups, (M, 3): A + B - 2 (A and B)."""
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
