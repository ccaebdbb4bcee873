"""One pass over a distance graph, for medoids and for closest pairs; compiled loops over plain arrays."""

import numpy as np
from numpy.typing import NDArray

from aas_plugin.clustering.compiled import compiled
from aas_plugin.clustering.kernels import positions_of

Ints = NDArray[np.int64]
Columns = NDArray[np.int32]
Weights = NDArray[np.float32]


@compiled
def closeness(indptr: Columns, indices: Columns, data: Weights, region: Ints) -> NDArray[np.float64]:
    """Sum the similarities of each image to the others of its region.

    Args:
        indptr: of a symmetric CSR (N, N) of distances.
        indices: int32.
        data: float32; a pair that is not stored has distance 1.
        region: int64 (N,), regions 0..M-1, -1 outside.

    Returns:
        float64 (N,), 0 outside of regions.
    """
    n = len(region)
    total = np.zeros(n)
    for i in range(n):
        for position in range(indptr[i], indptr[i + 1]):
            j = indices[position]
            if region[i] >= 0 and region[j] == region[i] and j != i:
                total[i] += np.float64(1 - data[position])
    return total


@compiled
def closest_grouped(
    indptr: Columns, indices: Columns, data: Weights, region: Ints, own: Ints, other: Ints
) -> tuple[Ints, Weights]:
    """Closest pairs of distinct `own` clusters of a region that lie in one `other` cluster.

    Of equally close pairs the lowest counts. Two clusters without a stored pair are at distance 1, where the
    lowest pair is that of their first images.

    Args:
        indptr: of a symmetric CSR (N, N) of distances.
        indices: int32, ascending in a row.
        data: float32; a pair that is not stored has distance 1.
        region: int64 (N,), -1 outside; holds whole clusters of both views.
        own: int64 (N,), clusters 0..C-1, none empty.
        other: int64 (N,), clusters 0..K-1, none empty.

    Returns:
        int64 (P, 2), u < v, and their similarity, float32 (P,).
    """
    if len(own) == 0:
        return np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.float32)
    starts, members = positions_of(own)
    count = len(starts) - 1
    first = members[starts[:-1]]
    # The clusters whose first image lies in each `other` cluster.
    near_starts, near = positions_of(np.append(other[first], other.max()))
    pairs, similarity = np.empty((1024, 2), dtype=np.int64), np.empty(1024, dtype=np.float32)
    size = 0
    reached = np.full(count, -1, dtype=np.int64)
    best = np.empty(count, dtype=np.float32)
    low, high = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    touched = np.empty(count, dtype=np.int64)
    for cluster in range(count):
        if region[first[cluster]] < 0:
            continue
        found = 0
        for i in members[starts[cluster] : starts[cluster + 1]]:
            for position in range(indptr[i], indptr[i + 1]):
                j = indices[position]
                to = own[j]
                if to <= cluster or region[j] != region[i]:
                    continue
                distance, u, v = data[position], min(i, j), max(i, j)
                if reached[to] != cluster:
                    reached[to] = cluster
                    touched[found] = to
                    found += 1
                elif (best[to], low[to], high[to]) <= (distance, u, v):
                    continue
                best[to], low[to], high[to] = distance, u, v
        beside = near[near_starts[other[first[cluster]]] : near_starts[other[first[cluster]] + 1]]
        if size + found + len(beside) > len(pairs):
            room = 2 * (size + found + len(beside))
            more_pairs, more_similarity = np.empty((room, 2), dtype=np.int64), np.empty(room, dtype=np.float32)
            more_pairs[:size], more_similarity[:size] = pairs[:size], similarity[:size]
            pairs, similarity = more_pairs, more_similarity
        for to in touched[:found]:
            if other[low[to]] == other[high[to]]:
                pairs[size, 0], pairs[size, 1], similarity[size] = low[to], high[to], 1 - best[to]
                size += 1
        for to in beside:
            if cluster < to < count and reached[to] != cluster:
                pairs[size, 0], pairs[size, 1] = min(first[cluster], first[to]), max(first[cluster], first[to])
                similarity[size] = 0
                size += 1
    return pairs[:size].copy(), similarity[:size].copy()
