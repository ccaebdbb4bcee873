"""Exact nearest neighbours by inner product."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aas_plugin.clustering.compiled import compiled
from aas_plugin.errors import AasError

if TYPE_CHECKING:
    import torch

_TILE = 1024
_SPARE = 8
_BLOCK_BYTES = 1 << 27
_EXACT_BYTES = 1 << 24
_LENGTH_TOLERANCE = 0.01


class FeatureError(AasError):
    """The features cannot be compared: wrong shape, no rows, values that are not finite, or no unit length."""


class Neighbours(NamedTuple):
    """Nearest images of every image, itself first.

    Attributes:
        ranks: int64 (N, k).
        similarity: float32 (N, k), the inner products.
    """

    ranks: NDArray[np.int64]
    similarity: NDArray[np.float32]

    def first(self, k: int) -> Neighbours:
        """The nearest k of each image; ranks of fewer neighbours are those of more, cut."""
        return Neighbours(np.ascontiguousarray(self.ranks[:, :k]), np.ascontiguousarray(self.similarity[:, :k]))


def nearest(
    features: NDArray[np.float32],
    k: int,
    device: torch.device | str = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> Neighbours:
    """Find the `k` nearest images of every image, itself first.

    Candidates come from products in single precision. On a CPU each pair of images is multiplied once. Candidates
    that lie closer together than the rounding errors are ranked by products in double precision. So ranks do not
    depend on the device, the number of threads or the order of summation. Memory grows with N k. Time grows where
    most images are nearly the same, as those ranks are all made of products in double precision.

    Args:
        features: float32 (N, D), L2-normalised rows.
        k: number of neighbours, the image itself included, at least 1.
        device: where to multiply: "cpu", or another device that torch knows, whose memory the features fit.
        progress: called with (blocks done, all blocks) before the first block and after each.

    Returns:
        Neighbours with k cut to N. Column 0 is the image itself, even among more than `k` duplicates. The others
        follow by decreasing inner product, equal ones by increasing index, as if all were summed in double precision
        and compared in single; so duplicates are equal wherever they stand. Similarities that are not nearly tied
        have the last bits of the device.

    Raises:
        FeatureError: see `check_features`.
    """
    check_features(features)
    features = np.ascontiguousarray(features, dtype=np.float32)
    n, k = len(features), min(k, len(features))
    size = min(k - 1 + _SPARE, n - 1)
    progress = progress or (lambda done, total: None)
    if str(device) == "cpu":
        columns, scores = _candidates(features, size, progress)
    else:
        columns, scores = _candidates_by_torch(features, size, device, progress)
    # Four standard deviations of a sum of D products, each rounded to single precision.
    tolerance = 4 * float(np.finfo(np.float32).eps) * features.shape[1] ** 0.5
    ranks = np.empty((n, k), dtype=np.int64)
    similarity = np.empty((n, k), dtype=np.float32)
    undecided = np.zeros(n, dtype=np.bool_)
    _rank(features, columns, scores, tolerance, ranks, similarity, undecided)
    rows = np.flatnonzero(undecided)
    ranks[rows], similarity[rows] = _exact(features, rows, k)
    return Neighbours(ranks, similarity)


def check_features(features: NDArray[np.float32]) -> None:
    """Refuse features that have no meaningful neighbours.

    Args:
        features: float32 (N, D).

    Raises:
        FeatureError: not a matrix with at least one row, finite values, and rows of length 1 or 0.
    """
    if features.ndim != 2 or len(features) == 0:
        raise FeatureError(
            f"The features have shape {features.shape}, where (images, dimensions) with at least one "
            "image is needed: check that the catalogue is not empty."
        )
    # Squares are finite where all terms are, and one number a row needs no second array of features.
    lengths = np.sqrt(np.einsum("nd,nd->n", features, features, dtype=np.float64))
    broken = np.flatnonzero(~np.isfinite(lengths))
    if len(broken):
        raise FeatureError(
            f"The features of {len(broken)} images (the first is row {broken[0]}) hold NaN or infinity: "
            "the training has diverged or the images are broken; lower the learning rate or check them."
        )
    wrong = np.flatnonzero((np.abs(lengths - 1) > _LENGTH_TOLERANCE) & (lengths > 0))
    if len(wrong):
        raise FeatureError(
            f"The features of {len(wrong)} images are not of unit length (row {wrong[0]} has "
            f"{lengths[wrong[0]]:.3g}): divide each row by its length."
        )


def _candidates(
    features: NDArray[np.float32], size: int, progress: Callable[[int, int], None]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The `size` best other images by single-precision products, best first, and the products."""
    n = len(features)
    columns = np.full((n, size), -1, dtype=np.int32)
    scores = np.full((n, size), -np.inf, dtype=np.float32)
    if size == 0:
        return columns, scores
    tiles = [(row, column) for row in range(0, n, _TILE) for column in range(row, n, _TILE)]
    progress(0, len(tiles))
    for done, (row, column) in enumerate(tiles, start=1):
        tile = features[row : row + _TILE] @ features[column : column + _TILE].T
        _offer(tile, row, column, columns, scores)
        progress(done, len(tiles))
    return columns, scores


@compiled
def _offer(
    tile: NDArray[np.float32],
    row: int,
    column: int,
    columns: NDArray[np.int32],
    scores: NDArray[np.float32],
) -> None:
    """Offer each product of a tile to the lists of both its images."""
    last = scores.shape[1] - 1
    mirrored = row != column
    worst = scores[column : column + tile.shape[1], last].copy()
    for i in range(tile.shape[0]):
        own_worst = scores[row + i, last]
        for j in range(tile.shape[1]):
            value = tile[i, j]
            if value > own_worst and row + i != column + j:
                _insert(columns[row + i], scores[row + i], column + j, value)
                own_worst = scores[row + i, last]
            if mirrored and value > worst[j]:
                _insert(columns[column + j], scores[column + j], row + i, value)
                worst[j] = scores[column + j, last]


@compiled
def _insert(columns: NDArray[np.int32], scores: NDArray[np.float32], column: int, value: float) -> None:
    """Put a product in its place in a list that falls, and drop the last one."""
    place = len(scores) - 1
    while place > 0 and scores[place - 1] < value:
        scores[place] = scores[place - 1]
        columns[place] = columns[place - 1]
        place -= 1
    scores[place] = value
    columns[place] = column


def _candidates_by_torch(
    features: NDArray[np.float32], size: int, device: torch.device | str, progress: Callable[[int, int], None]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """As `_candidates`, in blocks of rows on a device of torch."""
    import torch

    n = len(features)
    columns = np.empty((n, size), dtype=np.int32)
    scores = np.empty((n, size), dtype=np.float32)
    if size == 0:
        return columns, scores
    allowed = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        on_device = torch.from_numpy(features).to(device)
        block = max(1, _BLOCK_BYTES // n)
        progress(0, n)
        for start in range(0, n, block):
            # In a caller's mixed precision, rounding errors would decide the ranks.
            with torch.autocast(on_device.device.type, enabled=False):
                products = on_device[start : start + block] @ on_device.T
            products.diagonal(start).fill_(-torch.inf)
            best = products.topk(size)
            scores[start : start + block] = best.values.cpu().numpy()
            columns[start : start + block] = best.indices.to(torch.int32).cpu().numpy()
            progress(min(start + block, n), n)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = allowed
    return columns, scores


@compiled
def _rank(
    features: NDArray[np.float32],
    columns: NDArray[np.int32],
    scores: NDArray[np.float32],
    tolerance: float,
    ranks: NDArray[np.int64],
    similarity: NDArray[np.float32],
    undecided: NDArray[np.bool_],
) -> None:
    """Rank what lies within `tolerance` in each list; set `undecided` where that may go on beyond the list."""
    n, k = ranks.shape
    size = scores.shape[1]
    for i in range(n):
        ranks[i, 0] = i
        similarity[i, 0] = _product(features[i], features[i])
        start = 0
        while start < k - 1:
            end = start + 1
            while end < size and scores[i, end - 1] - scores[i, end] <= tolerance:
                end += 1
            if end == size and size < n - 1:
                undecided[i] = True
                break
            if end - start > 1:
                for place in range(start, end):
                    _settle(features, i, columns[i], scores[i], start, place)
            for place in range(start, min(end, k - 1)):
                ranks[i, place + 1] = columns[i, place]
                similarity[i, place + 1] = scores[i, place]
            start = end


@compiled
def _settle(
    features: NDArray[np.float32],
    i: int,
    columns: NDArray[np.int32],
    scores: NDArray[np.float32],
    start: int,
    place: int,
) -> None:
    """Move the candidate at `place` to its rank between `start` and `place`, by its exact product."""
    column = columns[place]
    value = _product(features[i], features[column])
    while place > start and (scores[place - 1] < value or (scores[place - 1] == value and columns[place - 1] > column)):
        scores[place] = scores[place - 1]
        columns[place] = columns[place - 1]
        place -= 1
    scores[place] = value
    columns[place] = column


@compiled
def _product(u: NDArray[np.float32], v: NDArray[np.float32]) -> np.float32:
    total = 0.0
    for d in range(len(u)):
        total += np.float64(u[d]) * np.float64(v[d])
    return np.float32(total)


def _exact(
    features: NDArray[np.float32], rows: NDArray[np.int64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Ranks and products of some rows, all in double precision."""
    n = len(features)
    ranks = np.empty((len(rows), k), dtype=np.int64)
    similarity = np.empty((len(rows), k), dtype=np.float32)
    if len(rows) == 0:
        return ranks, similarity
    block = max(1, _EXACT_BYTES // (8 * max(n, features.shape[1])))
    for start in range(0, len(rows), block):
        own = rows[start : start + block]
        products = np.empty((len(own), n), dtype=np.float32)
        for column in range(0, n, block):
            part = features[column : column + block].astype(np.float64)
            products[:, column : column + block] = features[own].astype(np.float64) @ part.T
        keys = _sort_keys(products)
        here = np.arange(len(own))
        keys[here, own] = np.iinfo(np.int64).min + own
        nearest_keys = np.sort(np.partition(keys, k - 1, axis=1)[:, :k], axis=1)
        ranks[start : start + block] = nearest_keys & 0xFFFFFFFF
        similarity[start : start + block] = np.take_along_axis(products, ranks[start : start + block], axis=1)
    return ranks, similarity


def _sort_keys(similarity: NDArray[np.float32]) -> NDArray[np.int64]:
    """Integers that sort by decreasing similarity and then by increasing column.

    The bits of a float, read as an integer, sort as the float does once those below the sign bit are
    flipped in negative numbers; adding 0 turns -0 into 0.
    """
    bits = (similarity + np.float32(0)).view(np.int32).astype(np.int64)
    ascending = np.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
    return (-ascending << 32) | np.arange(similarity.shape[1], dtype=np.int64)
