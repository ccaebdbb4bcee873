"""Which keypoints of two photos match, and whether one movement takes them to each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from aas_plugin.data.pieces import Pieces
from aas_plugin.fusion.sources import best_partners
from aas_plugin.local.keypoints import Keypoints

Ints = NDArray[np.int64]

RATIO = 0.9
"""How near the nearest descriptor must be, as share of the distance of the next one (ours, loose)."""

REACH = 0.03
"""How far a keypoint may lie from where the movement takes it, as share of the photo's longer side (ours)."""

BLOCK = 1000
"""Pairs that are kept together: so many are lost at most when a process is killed."""

MOST_SCALED, MOST_TURNED = 3.0, 45.0
"""Beyond so many times larger or smaller, or degrees, a movement of one animal is none (ours)."""


def matching(one: Keypoints, other: Keypoints) -> Ints:
    """Keypoints that are each other's nearest, and clearly nearer than the next ones.

    Args:
        one: n keypoints.
        other: m keypoints.

    Returns:
        int64 (M, 2), positions in both, the most alike first.
    """
    if len(one.places) < 2 or len(other.places) < 2:
        return np.empty((0, 2), dtype=np.int64)
    alike = one.descriptors.astype(np.float32) @ other.descriptors.astype(np.float32).T
    apart = np.sqrt(np.maximum(2 - 2 * alike, 0))
    there, back = apart.argmin(axis=1), apart.argmin(axis=0)
    mine = np.arange(len(apart))
    next_best = np.partition(apart, 1, axis=1)[:, 1]
    kept = (back[there] == mine) & (apart[mine, there] < RATIO * next_best)
    found = np.stack([mine[kept], there[kept]], axis=1).astype(np.int64)
    return found[np.argsort(apart[found[:, 0], found[:, 1]], kind="stable")]


def moved_together(one: Keypoints, other: Keypoints, matches: Ints) -> NDArray[np.bool_]:
    """Which matches one movement explains that shifts, turns and scales: bool (M,), of matches int64 (M, 2).

    None of fewer than three, nor where the movement turns or scales more than an animal seen again.
    """
    none = np.zeros(len(matches), dtype=bool)
    if len(matches) < 3:
        return none
    import cv2

    start, end = one.places[matches[:, 0]], other.places[matches[:, 1]]
    movement, inside = cv2.estimateAffinePartial2D(
        start, end, method=cv2.RANSAC, ransacReprojThreshold=REACH, maxIters=1000, confidence=0.99
    )
    if movement is None:
        return none
    scale = float(np.hypot(movement[0, 0], movement[1, 0]))
    turn = abs(np.degrees(np.arctan2(movement[1, 0], movement[0, 0])))
    if not 1 / MOST_SCALED <= scale <= MOST_SCALED or turn > MOST_TURNED:
        return none
    return np.asarray(inside).ravel().astype(bool)


def verified(
    scores: csr_array,
    keypoints: Sequence[Keypoints],
    partners: int,
    kept: Pieces | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> csr_array:
    """How many keypoints of the best pairs move together.

    Args:
        scores: float64 CSR (N, N), symmetric: how well photos match.
        keypoints: of N photos.
        partners: of each photo that are looked at, those of the highest scores.
        kept: where finished parts are kept, and taken from; None to keep nothing.
        progress: called with (pairs done, all pairs).

    Returns:
        float64 CSR (N, N), symmetric, numbers of matches.
    """
    pairs = best_partners(scores, partners)
    counts = np.zeros(len(pairs))
    for start in range(0, len(pairs), BLOCK):
        part = pairs[start : start + BLOCK]
        name = f"geometry-{partners:03d}-{start:09d}"
        told = kept.read_one(name, ("counts",)) if kept is not None else None
        if told is None:
            told = {"counts": np.array([_moving(keypoints[u], keypoints[v]) for u, v in part.tolist()])}
            if kept is not None:
                kept.add(name, **told)
        counts[start : start + BLOCK] = told["counts"]
        if progress is not None:
            progress(start + len(part), len(pairs))
    rows, columns = np.concatenate([pairs, pairs[:, ::-1]]).T if len(pairs) else np.empty((2, 0), np.int64)
    found = csr_array((np.concatenate([counts, counts]), (rows, columns)), shape=scores.shape)
    found.eliminate_zeros()
    found.sort_indices()
    return found


def _moving(one: Keypoints, other: Keypoints) -> int:
    return int(moved_together(one, other, matching(one, other)).sum())
