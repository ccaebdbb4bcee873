"""Jaccard distances from what the weights of two images share; compiled loops over plain arrays."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from aas_plugin.clustering.compiled import compiled

Ints = NDArray[np.int64]
Columns = NDArray[np.int32]
Weights = NDArray[np.float32]

WORTH_THREADS = 2000
"""Images from which on threads share the work."""

MOST_THREADS = 4
"""Each thread holds its own copy of the weights, by column."""

_BELOW_ONE = np.nextafter(np.float32(1), np.float32(0))


def distances_within(
    indptr: Ints, indices: Columns, data: Weights, groups: Ints, radius: float, threads: int = 1
) -> tuple[Ints, Columns, Weights]:
    """Distances below 1 and of at most `radius` between images of a group.

    Args:
        indptr: of a square CSR whose rows sum to 1, none negative, none empty.
        indices: int32, ascending in a row.
        data: float32.
        groups: int64 (N,), 0..G-1, -1 for images that are left out.
        radius: inclusive.
        threads: how many share the work, at most `MOST_THREADS`; the result is the same.

    Returns:
        Symmetric CSR with the diagonal of the groups: indptr int64, indices int32 ascending in a row, data
        float32.
    """
    parts = min(threads, MOST_THREADS) if len(groups) >= WORTH_THREADS else 1

    def part(number: int) -> tuple[Ints, Ints, Columns, Weights]:
        return _upper_within(indptr, indices, data, groups, radius, number, parts)

    if parts == 1:
        rows, upper, columns, distances = part(0)
    else:
        with ThreadPoolExecutor(parts) as pool:
            found = list(pool.map(part, range(parts)))
        rows, columns, distances = (np.concatenate([one[place] for one in found]) for place in (0, 2, 3))
        upper = np.sum([one[1] for one in found], axis=0)
        del found
    return _mirrored(rows, upper, columns, distances)


@compiled
def _upper_within(
    indptr: Ints, indices: Columns, data: Weights, groups: Ints, radius: float, part: int, parts: int
) -> tuple[Ints, Ints, Columns, Weights]:
    """A part of the rows of each group, with what lies on and right of the diagonal.

    Two images are closer than 1 when they share a column, so each image looks only at those that hold one of
    its own columns, and each pair is looked at once.

    Returns:
        Rows, int64; entries of each of all N rows, int64 (N,), 0 for those of other parts; columns and distances of
        the entries, int32 ascending in a row, and float32.
    """
    n = len(groups)
    least = _least_overlap(radius)
    bounds, members = positions_of(groups)
    upper = np.zeros(n, dtype=np.int64)
    rows = np.empty(len(members), dtype=np.int64)
    done = 0
    columns, distances = np.empty(1024, dtype=np.int32), np.empty(1024, dtype=np.float32)
    size = 0
    local, local_of = np.empty(len(indptr), dtype=np.int64), np.full(len(indptr), -1, dtype=np.int64)
    for group in range(len(bounds) - 1):
        own = members[bounds[group] : bounds[group + 1]]
        starts, holders, weights = _transposed(indptr, indices, data, own, group, local, local_of)
        later = starts[:-1].copy()
        # A row has fewer pairs the later it comes: shares of the triangle, not of the rows, are alike.
        first = int(len(own) * (1 - np.sqrt(1 - part / parts)))
        last = len(own) if part == parts - 1 else int(len(own) * (1 - np.sqrt(1 - (part + 1) / parts)))
        for i in own[:first]:
            for column in indices[indptr[i] : indptr[i + 1]]:
                later[local[column]] += 1
        # In single precision the cache holds twice as many images; about a hundred numbers are added for a row.
        overlap = np.zeros(len(own), dtype=np.float32)
        touched = np.empty(len(own) + 1, dtype=np.int32)
        for a in range(first, last):
            i = own[a]
            rows[done] = i
            done += 1
            found = 0
            for position in range(indptr[i], indptr[i + 1]):
                column, weight = local[indices[position]], data[position]
                # The pairs with holders before this image are already counted.
                for holder in range(later[column], starts[column + 1]):
                    b = holders[holder]
                    smaller = min(weight, weights[holder])
                    # Without a branch, which would be guessed wrong half of the time.
                    touched[found] = b
                    found += (overlap[b] == 0) & (smaller > 0)
                    overlap[b] += smaller
                later[column] += 1
            # With rounding errors an image would not be at distance 0 from itself.
            overlap[a] = 1
            kept = 0
            for b in touched[:found]:
                if overlap[b] >= least:
                    touched[kept] = b
                    kept += 1
                else:
                    overlap[b] = 0
            if size + kept > len(columns):
                more_columns = np.empty(2 * (size + kept), dtype=np.int32)
                more_distances = np.empty(2 * (size + kept), dtype=np.float32)
                more_columns[:size], more_distances[:size] = columns[:size], distances[:size]
                columns, distances = more_columns, more_distances
            upper[i] = kept
            if 8 * kept > len(own) - a:
                # Looking through all is faster than sorting many.
                for b in range(a, len(own)):
                    if overlap[b] > 0:
                        columns[size] = own[b]
                        distances[size] = _from_overlap(overlap[b])
                        overlap[b] = 0
                        size += 1
            else:
                for b in np.sort(touched[:kept]):
                    columns[size] = own[b]
                    distances[size] = _from_overlap(overlap[b])
                    overlap[b] = 0
                    size += 1
    return rows[:done], upper, columns[:size], distances[:size]


@compiled
def distances_of_pairs(indptr: Columns, indices: Columns, data: Weights, u: Ints, v: Ints) -> Weights:
    """Distance of each `u[i]` to `v[i]`, bitwise equal to that of `distances_within`.

    Args:
        indptr: of a square CSR (N, N) of weights whose rows sum to 1.
        indices: int32, ascending in a row.
        data: float32, the weights.
        u: int64 (P,), image indices.
        v: int64 (P,), image indices.

    Returns:
        float32 (P,), in [0, 1].
    """
    result = np.empty(len(u), dtype=np.float32)
    for pair in range(len(u)):
        if u[pair] == v[pair]:
            result[pair] = 0
            continue
        a, b = indptr[u[pair]], indptr[v[pair]]
        overlap = np.float32(0)
        while a < indptr[u[pair] + 1] and b < indptr[v[pair] + 1]:
            if indices[a] == indices[b]:
                overlap += min(data[a], data[b])
                a += 1
                b += 1
            elif indices[a] < indices[b]:
                a += 1
            else:
                b += 1
        result[pair] = _from_overlap(overlap) if overlap > 0 else 1.0
    return result


@compiled
def distances_between(indptr: Ints, indices: Columns, data: Weights, rows: Ints, columns: Ints) -> Weights:
    """Distances of some images to others, bitwise equal to those of `distances_within`.

    Each row looks only at the images of `columns` that share something with it.

    Args:
        indptr: of a square CSR (N, N) of weights whose rows sum to 1.
        indices: int32, ascending in a row.
        data: float32, the weights.
        rows: int64 (R,), image indices.
        columns: int64 (C,), image indices; none twice.

    Returns:
        float32 (R, C), in [0, 1].
    """
    local, local_of = np.empty(len(indptr), dtype=np.int64), np.full(len(indptr), -1, dtype=np.int64)
    starts, holders, weights = _transposed(indptr, indices, data, columns, 0, local, local_of)
    result = np.zeros((len(rows), len(columns)), dtype=np.float32)
    for a in range(len(rows)):
        overlap = result[a]
        for position in range(indptr[rows[a]], indptr[rows[a] + 1]):
            if local_of[indices[position]] == 0:
                column = local[indices[position]]
                for holder in range(starts[column], starts[column + 1]):
                    overlap[holders[holder]] += min(data[position], weights[holder])
        for b in range(len(columns)):
            if columns[b] == rows[a]:
                overlap[b] = 0
            else:
                overlap[b] = _from_overlap(overlap[b]) if overlap[b] > 0 else 1
    return result


@compiled
def positions_of(groups: Ints) -> tuple[Ints, Ints]:
    """List the positions of each group.

    Args:
        groups: int64 (N,), 0..G-1, -1 for what is left out.

    Returns:
        bounds, int64 (G + 1,), and positions, int64: those of group g are `positions[bounds[g] : bounds[g + 1]]`,
        ascending.
    """
    count = 0
    for group in groups:
        count = max(count, group + 1)
    bounds = np.zeros(count + 1, dtype=np.int64)
    for group in groups:
        if group >= 0:
            bounds[group + 1] += 1
    bounds = np.cumsum(bounds)
    filled = bounds[:-1].copy()
    positions = np.empty(bounds[count], dtype=np.int64)
    for position, group in enumerate(groups):
        if group >= 0:
            positions[filled[group]] = position
            filled[group] += 1
    return bounds, positions


@compiled
def _from_overlap(overlap: np.float32) -> np.float32:
    """Jaccard distance from the sum of the smaller weights; rows that sum to 1 have a union of 2 - m."""
    shared = float(overlap)
    return np.float32(min(max(1 - shared / (2 - shared), 0.0), _BELOW_ONE))


@compiled
def _least_overlap(radius: float) -> np.float32:
    """The smallest overlap above 0 whose distance is at most the radius."""
    # As DBSCAN compares: a radius of 0.6 includes the nearest float32 to 0.6.
    reach = np.float32(radius)
    zero, one = np.float32(0), np.float32(1)
    if reach >= _BELOW_ONE:
        return np.nextafter(zero, one)
    least = np.float32(2 * (1 - radius) / (2 - radius))
    while least < one and _from_overlap(least) > reach:
        least = np.nextafter(least, one)
    while _from_overlap(np.nextafter(least, zero)) <= reach:
        least = np.nextafter(least, zero)
    return least


@compiled
def _transposed(
    indptr: Ints, indices: Columns, data: Weights, own: Ints, group: int, local: Ints, local_of: Ints
) -> tuple[Ints, Columns, Weights]:
    """The columns that the rows `own` have, each with its holders: the rows that have it.

    Columns are numbered in `local`. A holder is given by its place in `own`, with its weight.
    """
    count = 0
    entries = 0
    for i in own:
        for column in indices[indptr[i] : indptr[i + 1]]:
            if local_of[column] != group:
                local_of[column] = group
                local[column] = count
                count += 1
        entries += indptr[i + 1] - indptr[i]
    starts = np.zeros(count + 1, dtype=np.int64)
    for i in own:
        for column in indices[indptr[i] : indptr[i + 1]]:
            starts[local[column] + 1] += 1
    starts = np.cumsum(starts)
    filled = starts[:-1].copy()
    holders = np.empty(entries, dtype=np.int32)
    weights = np.empty(entries, dtype=np.float32)
    for a, i in enumerate(own):
        for position in range(indptr[i], indptr[i + 1]):
            column = local[indices[position]]
            holders[filled[column]] = a
            weights[filled[column]] = data[position]
            filled[column] += 1
    return starts, holders, weights


@compiled
def _mirrored(rows: Ints, upper: Ints, columns: Columns, distances: Weights) -> tuple[Ints, Columns, Weights]:
    """Symmetric CSR from the entries on and right of the diagonal.

    Args:
        rows: int64, in the order of the entries; a row comes after the rows that its column is in.
        upper: int64 (N,), entries of each row.
        columns: int32, columns of the entries.
        distances: float32, values of the entries.

    Returns:
        indptr int64, indices int32 ascending in a row, data float32.
    """
    n = len(upper)
    counts = np.zeros(n + 1, dtype=np.int64)
    entry = 0
    for i in rows:
        counts[i + 1] += upper[i]
        for j in columns[entry : entry + upper[i]]:
            counts[j + 1] += j != i
        entry += upper[i]
    indptr = np.cumsum(counts)
    filled = indptr[:-1].copy()
    indices = np.empty(indptr[n], dtype=np.int32)
    data = np.empty(indptr[n], dtype=np.float32)
    entry = 0
    for i in rows:
        for position in range(entry, entry + upper[i]):
            j = columns[position]
            indices[filled[i]], data[filled[i]] = j, distances[position]
            filled[i] += 1
            if j != i:
                indices[filled[j]], data[filled[j]] = i, distances[position]
                filled[j] += 1
        entry += upper[i]
    return indptr, indices, data
