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
    order = np.argsort(individual, kind="stable")
    starts = np.searchsorted(individual[order], np.arange(individual.max() + 1))
    scores = np.empty((photos, len(starts)), dtype=np.float32)
    for rows in _chunks(photos, len(individual)):
        scores[rows] = np.maximum.reduceat(similarity(rows)[:, order], starts, axis=1)
    return scores


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


def leave_one_out_scores(
    similarity_of: Similarity, individual: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Best scores of gallery photos, each taken for a new photo: once of a known individual, once of an unknown one.

    For the first the photo itself is left out of the gallery, for the second all photos of its individual (ours).

    Args:
        similarity_of: of gallery photos to all of them.
        individual: int64 (G,).

    Returns:
        float32 (K,) of the photos whose individual has another one, and float32 (U,) of all photos, or of none
        where there is one individual only.
    """
    known, unknown = [], []
    counts = np.bincount(individual)
    for rows in _chunks(len(individual), len(individual)):
        similarity = similarity_of(rows).copy()
        own = individual[rows, None] == individual
        unknown.append(np.where(own, -np.inf, similarity).max(axis=1))
        similarity[np.arange(len(similarity)), np.arange(rows.start, rows.start + len(similarity))] = -np.inf
        known.append(similarity.max(axis=1)[counts[individual[rows]] > 1])
    others = np.concatenate(unknown)
    return np.concatenate(known).astype(np.float32), others[np.isfinite(others)].astype(np.float32)


def separating_threshold(known: npt.NDArray[np.float32], unknown: npt.NDArray[np.float32]) -> float | None:
    """Find the score that best tells known individuals from unknown ones.

    It has the highest balanced accuracy when scores below it count as unknown, and lies half-way between two
    neighbouring scores. Among equally good ones it is the lowest, which flags the fewest.

    Args:
        known: float32 (K,) best scores of photos whose individual is in the gallery.
        unknown: float32 (U,) best scores of photos whose individual is not.

    Returns:
        The threshold, or None unless there are scores of both kinds.
    """
    if not len(known) or not len(unknown):
        return None
    scores = np.unique(np.concatenate([known, unknown]).astype(np.float64))
    between = (scores[:-1] + scores[1:]) / 2
    # The ends flag nothing, and everything.
    candidates = np.concatenate([scores[:1], between, np.nextafter(scores[-1:], np.inf)])
    kept = 1 - np.searchsorted(np.sort(known), candidates, side="left") / len(known)
    flagged = np.searchsorted(np.sort(unknown), candidates, side="left") / len(unknown)
    return float(candidates[np.argmax(kept + flagged)])


def _chunks(rows: int, columns: int) -> list[slice]:
    step = max(1, _CHUNK_CELLS // max(1, columns))
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]
