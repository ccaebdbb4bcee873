"""What is known of pairs of images from several sources, on one scale."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from aas_plugin.errors import AasError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

Scores: TypeAlias = csr_array | Callable[[Ints], Floats]
"""Scores of pairs: CSR (N, N), symmetric, at least 0, where what is not stored is 0; or a function from pairs, int64
(P, 2), to float (P,), whose sign is left to answers, NaN where it says nothing."""

PARTNERS = 30
"""Pairs of an image that each source puts forward, its best ones."""


@dataclass(frozen=True)
class Source:
    """One source of evidence about pairs.

    Attributes:
        name: what it is called in reports.
        scores: its scores.
        is_similarity: whether more means rather the same; else answers decide the sign.
        applies: from pairs, int64 (P, 2), to whether it can say anything of each, bool (P,); None where always.
    """

    name: str
    scores: Scores
    is_similarity: bool = True
    applies: Callable[[Ints], NDArray[np.bool_]] | None = None

    def of(self, pairs: Ints) -> Floats:
        """Scores of pairs, float64 (P,), NaN where it says nothing.

        Scores of a matrix, which have a long tail, as logarithms: log(1 + score / median of what is stored).
        """
        if callable(self.scores):
            found = np.asarray(self.scores(pairs), dtype=np.float64)
        else:
            found = np.log1p(stored_values(self.scores, pairs) / self.unit)
        if self.applies is not None and len(pairs):
            found = np.where(self.applies(pairs), found, np.nan)
        return found

    @cached_property
    def unit(self) -> float:
        """The median of what a matrix stores, 1 where it stores nothing."""
        if callable(self.scores) or not self.scores.nnz:
            return 1.0
        return float(np.median(self.scores.data))

    @cached_property
    def candidates(self) -> Ints:
        """The best pairs of each image by a matrix, int64 (P, 2), u < v; none of a function."""
        if callable(self.scores):
            return np.empty((0, 2), dtype=np.int64)
        return best_partners(self.scores, PARTNERS)


def sources_of(given: Mapping[str, Scores] | Sequence[Source], images: int) -> list[Source]:
    """Sources by name, checked.

    Args:
        given: scores by name, or sources.
        images: N.

    Raises:
        AasError: a matrix is of another shape, not symmetric, or holds values that are negative or not finite.
    """
    if isinstance(given, Mapping):
        given = [Source(name, scores, not callable(scores)) for name, scores in given.items()]
    for source in given:
        scores = source.scores
        if callable(scores):
            continue
        if scores.shape != (images, images):
            raise AasError(
                f"the evidence {source.name!r} is of the shape {scores.shape}; ({images}, {images}) is needed"
            )
        if scores.nnz and not (np.isfinite(scores.data).all() and scores.data.min() >= 0):
            raise AasError(f"the evidence {source.name!r} holds scores below 0, or some that are not finite")
        if scores.nnz and abs(scores - scores.T).max() > 1e-6 * scores.data.max():
            raise AasError(f"the evidence {source.name!r} is not symmetric; give each pair the same score both ways")
    return list(given)


def sources_if_any(make: Callable[[], Any], images: int) -> list[Source]:
    """Sources as `make` gives them; none, with a warning, where evidence cannot be had.

    Args:
        make: gives sources, or scores by name.
        images: N.
    """
    try:
        return sources_of(make() or [], images)
    except AasError as error:
        warnings.warn(f"features alone speak for pairs, as evidence cannot be had: {error}", stacklevel=3)
        return []


def stored_values(matrix: csr_array, pairs: Ints) -> Floats:
    """Values of a CSR (N, N) at pairs, int64 (P, 2): float64 (P,), 0 where nothing is stored."""
    if not len(pairs):
        return np.zeros(0)
    return np.asarray(matrix[pairs[:, 0], pairs[:, 1]], dtype=np.float64).ravel()


def best_partners(matrix: csr_array, most: int) -> Ints:
    """The pairs that are among the best of either image: int64 (P, 2), u < v, sorted; of equal scores the lower image.

    Args:
        matrix: CSR (N, N), symmetric.
        most: partners of an image.
    """
    near = matrix.tocoo()
    row, column, value = near.row.astype(np.int64), near.col.astype(np.int64), near.data
    apart = (row != column) & (value > 0)
    row, column, value = row[apart], column[apart], value[apart]
    order = np.lexsort((column, -value, row))
    starts = np.searchsorted(row[order], np.arange(matrix.shape[0]))
    place = np.arange(len(order)) - starts[row[order]]
    kept = order[place < most]
    return unique_pairs(np.stack([row[kept], column[kept]], axis=1))


def unique_pairs(pairs: Ints) -> Ints:
    """Pairs as u < v, each once, sorted: int64 (P, 2)."""
    return np.unique(np.sort(pairs.reshape(-1, 2), axis=1), axis=0).astype(np.int64)
