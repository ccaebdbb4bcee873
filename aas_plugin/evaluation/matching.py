"""Who is on a photo: gallery individuals by similarity, and whether it is none of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

_CHUNK_CELLS = 2**22


Similarity = Callable[[slice], npt.NDArray[np.float32]]
"""From rows of photos to how alike each is to each of G gallery photos, float32 (rows, G)."""


def cosine(features: npt.NDArray[np.float32], gallery: npt.NDArray[np.float32]) -> Similarity:
    """Cosine similarities of photos, float32 (P, D), to gallery photos, float32 (G, D), both L2-normalised."""
    return lambda rows: features[rows] @ gallery.T


def best_per_individual(
    similarity: Similarity, photos: int, individual: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Score individuals by their most similar gallery photo.

    Args:
        similarity: of the photos to the gallery's, at least one.
        photos: P.
        individual: int64 (G,) in 0..I-1, each at least once.

    Returns:
        float32 (P, I), similarities.
    """
    scores = np.empty((photos, individual.max() + 1), dtype=np.float32)
    for rows in chunks(photos, len(individual)):
        scores[rows] = grouped_best(similarity(rows), individual)
    return scores


def grouped_best(alike: npt.NDArray[np.float32], individual: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """The best of similarities (n, G) for each individual, (n, I), of int64 (G,) in 0..I-1, each at least once."""
    order = np.argsort(individual, kind="stable")
    starts = np.searchsorted(individual[order], np.arange(individual.max() + 1))
    return np.maximum.reduceat(alike[:, order], starts, axis=1)


def top_individuals(scores: npt.NDArray[np.float32], k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Rank the best individuals of each photo; among equal scores the lower individual comes first.

    Args:
        scores: float32 (P, I), higher is more alike.
        k: how many, at least 1; all I where there are fewer.

    Returns:
        int64 (P, min(k, I)) individuals and their float32 scores, best first.
    """
    ranked = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return ranked, np.take_along_axis(scores, ranked, axis=1)


def chunks(rows: int, columns: int) -> list[slice]:
    """Rows in pieces, of which a matrix with so many columns fits into memory."""
    step = max(1, _CHUNK_CELLS // max(1, columns))
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]
