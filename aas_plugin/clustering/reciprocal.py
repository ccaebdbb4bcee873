"""k-reciprocal neighbours and their weights; compiled loops over plain arrays."""

import math

import numpy as np
from numpy.typing import NDArray

from aas_plugin.clustering.compiled import compiled

Ints = NDArray[np.int64]
Columns = NDArray[np.int32]
Weights = NDArray[np.float32]


@compiled
def mutual(ranks: Ints, k: int) -> tuple[Columns, Columns]:
    """Neighbours among the first `k` of each image that have it among their own first `k`.

    Args:
        ranks: int64 (N, K), nearest images, itself first.
        k: cut to K.

    Returns:
        int32 (N, k), of which the first int32 (N,) are used, by rank.
    """
    n = len(ranks)
    k = min(k, ranks.shape[1])
    members = np.empty((n, k), dtype=np.int32)
    counts = np.zeros(n, dtype=np.int32)
    for i in range(n):
        for j in ranks[i, :k]:
            for other in ranks[j, :k]:
                if other == i:
                    members[i, counts[i]] = j
                    counts[i] += 1
                    break
    return members, counts


@compiled
def softmax_over_expansion(
    features: Weights,
    ranks: Ints,
    similarity: Weights,
    wide: Columns,
    wide_counts: Columns,
    narrow: Columns,
    narrow_counts: Columns,
) -> tuple[Ints, Columns, Weights]:
    """Weights of each image over its expanded k-reciprocal set.

    The set of an image is its wide one and the narrow one of each member of which it covers more than two
    thirds. Weights are the softmax of minus the squared Euclidean distance of unit vectors.

    Args:
        features: float32 (N, D), L2-normalised rows.
        ranks: int64 (N, K), nearest images.
        similarity: float32 (N, K), their inner products.
        wide: int32 (N, K), see `mutual`.
        wide_counts: int32 (N,).
        narrow: int32 (N, k), see `mutual`.
        narrow_counts: int32 (N,).

    Returns:
        CSR of (N, N): indptr int64, indices int32 ascending in a row, data float32; a row sums to 1.
    """
    n = len(ranks)
    in_wide, in_expanded = np.full(n, -1, dtype=np.int64), np.full(n, -1, dtype=np.int64)
    row = np.empty(n, dtype=np.int32)
    indptr = np.zeros(n + 1, dtype=np.int64)
    for i in range(n):
        size = _expand(i, wide, wide_counts, narrow, narrow_counts, in_wide, in_expanded, row)
        indptr[i + 1] = indptr[i] + size
    indices = np.empty(indptr[n], dtype=np.int32)
    data = np.empty(indptr[n], dtype=np.float32)
    in_wide[:] = -1
    in_expanded[:] = -1
    # An image's products with its nearest are known; place[j] - i * K is the rank of j, if it is not negative.
    place = np.full(n, -1, dtype=np.int64)
    k = ranks.shape[1]
    for i in range(n):
        size = _expand(i, wide, wide_counts, narrow, narrow_counts, in_wide, in_expanded, row)
        columns = np.sort(row[:size])
        for rank in range(k):
            place[ranks[i, rank]] = i * k + rank
        values = np.empty(size)
        for position in range(size):
            column = columns[position]
            if place[column] >= i * k:
                product = float(similarity[i, place[column] - i * k])
            else:
                product = 0.0
                for d in range(features.shape[1]):
                    product += np.float64(features[i, d]) * np.float64(features[column, d])
            values[position] = math.exp(2 * product - 2)
        indices[indptr[i] : indptr[i + 1]] = columns
        data[indptr[i] : indptr[i + 1]] = values / values.sum()
    return indptr, indices, data


@compiled
def _expand(
    i: int,
    wide: Columns,
    wide_counts: Columns,
    narrow: Columns,
    narrow_counts: Columns,
    in_wide: Ints,
    in_expanded: Ints,
    row: Columns,
) -> int:
    """Write the expanded set of image `i` to the start of `row`, and return its size."""
    size = wide_counts[i]
    for position in range(size):
        member = wide[i, position]
        in_wide[member] = i
        in_expanded[member] = i
        row[position] = member
    for position in range(wide_counts[i]):
        candidate = wide[i, position]
        covered = 0
        for member in narrow[candidate, : narrow_counts[candidate]]:
            covered += in_wide[member] == i
        if 3 * covered > 2 * narrow_counts[candidate]:
            for member in narrow[candidate, : narrow_counts[candidate]]:
                if in_expanded[member] != i:
                    in_expanded[member] = i
                    row[size] = member
                    size += 1
    return size


@compiled
def averaged(indptr: Ints, indices: Columns, data: Weights, neighbours: Ints) -> tuple[Ints, Columns, Weights]:
    """Average the rows of a CSR over the neighbours of each row (query expansion).

    Args:
        indptr: int64, of a CSR (N, N) as `softmax_over_expansion` gives it.
        indices: int32.
        data: float32.
        neighbours: int64 (N, k), rows to average for each row.

    Returns:
        CSR of (N, N): indptr int64, indices int32 ascending in a row, data float32; a row sums to 1.
    """
    n, k = neighbours.shape
    stamp = np.full(n, -1, dtype=np.int64)
    total = np.zeros(n)
    starts = np.zeros(n + 1, dtype=np.int64)
    for i in range(n):
        size = 0
        for other in neighbours[i]:
            for column in indices[indptr[other] : indptr[other + 1]]:
                if stamp[column] != i:
                    stamp[column] = i
                    size += 1
        starts[i + 1] = starts[i] + size
    columns = np.empty(starts[n], dtype=np.int32)
    means = np.empty(starts[n], dtype=np.float32)
    stamp[:] = -1
    for i in range(n):
        size = starts[i]
        for other in neighbours[i]:
            for position in range(indptr[other], indptr[other + 1]):
                column = indices[position]
                if stamp[column] != i:
                    stamp[column] = i
                    total[column] = 0.0
                    columns[size] = column
                    size += 1
                total[column] += data[position]
        columns[starts[i] : size] = np.sort(columns[starts[i] : size])
        for position in range(starts[i], size):
            means[position] = total[columns[position]] / k
    return starts, columns, means
