"""Agglomeration by mean linkage on a sparse graph; compiled loops over plain arrays."""

import heapq

import numpy as np
from numpy.typing import NDArray

from aas_plugin.clustering.compiled import compiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@compiled
def merge_closest(
    indptr: Ints,
    indices: Ints,
    totals: Floats,
    sizes: Floats,
    own_ptr: Ints,
    own: Ints,
    foe_ptr: Ints,
    foe: Ints,
    stop: float,
) -> tuple[Ints, Ints, Floats, Ints]:
    """Merge the two allowed clusters of the highest mean linkage, as long as it is above `stop`.

    A merge never raises the highest linkage of another cluster, so what a cluster found last bounds what it will find:
    it looks again only when its partner is gone. Lists hold the clusters as they were, and are resolved when looked at.

    Args:
        indptr: of a symmetric CSR over m clusters.
        indices: int64.
        totals: sums of similarity between two clusters.
        sizes: images of each cluster, (m,).
        own_ptr: of the lists of kinds that a cluster holds, (m + 1,).
        own: kinds, from 0.
        foe_ptr: of the lists of kinds that a cluster must not hold, (m + 1,).
        foe: kinds, from 0.
        stop: linkage at which merging ends, at least 0.

    Returns:
        Both clusters of each merge, int64 (M,) each, their linkage, float64 (M,), and the last cluster of each of the
        m, int64 (m,); merge k makes the cluster m + k. Of equal linkages the lowest clusters merge first.
    """
    m = len(sizes)
    most = max(2 * m, 1)
    parent, size = np.arange(most), np.zeros(most)
    size[:m] = sizes
    near_from, near_to = _bounds(indptr, most)
    own_from, own_to = _bounds(own_ptr, most)
    foe_from, foe_to = _bounds(foe_ptr, most)
    near, total, near_used = indices.copy(), totals.copy(), len(indices)
    own, own_used = own.copy(), len(own)
    foe, foe_used = foe.copy(), len(foe)
    sums, seen = np.zeros(most), np.full(most, -1, dtype=np.int64)
    kinds = 1
    for kind in own:
        kinds = max(kinds, int(kind) + 1)
    for kind in foe:
        kinds = max(kinds, int(kind) + 1)
    barred = np.full(kinds, -1, dtype=np.int64)
    partner = np.full(most, -1, dtype=np.int64)
    left, right, linkage = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64), np.empty(most)
    heap = [(0.0, np.int64(0))]
    heap.pop()
    merges, looks, first, x = 0, 0, 0, -1
    while True:
        # Every cluster looks once, then whichever lost its partner, and each new one.
        if first < m:
            x = first
            first += 1
        if x >= 0:
            kept = near_from[x]
            for place in range(near_from[x], near_to[x]):
                other = near[place]
                while parent[other] != other:
                    parent[other] = parent[parent[other]]
                    other = parent[other]
                if other == x:
                    continue
                if seen[other] != looks:
                    seen[other] = looks
                    sums[other] = 0.0
                    near[kept] = other  # kept never passes place
                    kept += 1
                sums[other] += total[place]
            near_to[x] = kept
            for place in range(foe_from[x], foe_to[x]):
                barred[foe[place]] = looks
            best = stop
            partner[x] = -1
            for place in range(near_from[x], kept):
                other = near[place]
                total[place] = sums[other]
                mean = sums[other] / (size[x] * size[other])
                if mean > best or (mean == best and other < partner[x]):
                    allowed = True
                    for position in range(own_from[other], own_to[other]):
                        allowed = allowed and barred[own[position]] != looks
                    if allowed:
                        best = mean
                        partner[x] = other
            looks += 1
            if partner[x] >= 0:
                heapq.heappush(heap, (-best, np.int64(x)))
            x = -1
            if first < m:
                continue
        if len(heap) == 0:
            break
        key, popped = heapq.heappop(heap)
        a = int(popped)
        if parent[a] != a:
            continue
        b = partner[a]
        if parent[b] != b:
            x = a
            continue
        z = m + merges
        left[merges], right[merges], linkage[merges] = min(a, b), max(a, b), -key
        merges += 1
        parent[a], parent[b] = z, z
        size[z] = size[a] + size[b]
        more = near_to[a] - near_from[a] + near_to[b] - near_from[b]
        near, total = _room(near, near_used, more), _room(total, near_used, more)
        near_from[z] = near_used
        for part in (a, b):
            for place in range(near_from[part], near_to[part]):
                near[near_used], total[near_used] = near[place], total[place]
                near_used += 1
        near_to[z] = near_used
        own = _room(own, own_used, own_to[a] - own_from[a] + own_to[b] - own_from[b])
        own_from[z] = own_used
        foe = _room(foe, foe_used, foe_to[a] - foe_from[a] + foe_to[b] - foe_from[b])
        foe_from[z] = foe_used
        for part in (a, b):
            for place in range(own_from[part], own_to[part]):
                own[own_used] = own[place]
                own_used += 1
            for place in range(foe_from[part], foe_to[part]):
                foe[foe_used] = foe[place]
                foe_used += 1
        own_to[z], foe_to[z] = own_used, foe_used
        x = z
    last = np.empty(m, dtype=np.int64)
    for leaf in range(m):
        top = leaf
        while parent[top] != top:
            parent[top] = parent[parent[top]]
            top = parent[top]
        last[leaf] = top
    return left[:merges], right[:merges], linkage[:merges], last


@compiled
def _bounds(pointers: Ints, most: int) -> tuple[Ints, Ints]:
    """Where the list of each cluster begins and ends, with room for those to come."""
    begin, end = np.zeros(most, dtype=np.int64), np.zeros(most, dtype=np.int64)
    begin[: len(pointers) - 1], end[: len(pointers) - 1] = pointers[:-1], pointers[1:]
    return begin, end


@compiled
def _room(array, used, more):  # type: ignore[no-untyped-def]
    """The array, or a longer copy of it where `more` do not fit behind the first `used`."""
    if used + more <= len(array):
        return array
    longer = np.empty(2 * (used + more), dtype=array.dtype)
    longer[:used] = array[:used]
    return longer
