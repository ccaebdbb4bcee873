"""Cross agreement: how far the neighbours of a part of an image are those of the whole image."""

from __future__ import annotations

import numpy as np
import torch

from aas_plugin.clustering.knn import nearest

_BLOCK = 4096


def cross_agreement(features: np.ndarray, parts: np.ndarray, k: int, device: torch.device | str = "cpu") -> np.ndarray:
    """IoU of the `k` nearest others by global and by part features (PPLR, equation 2).

    Args:
        features: float32 (N, D), global features, L2-normalised.
        parts: float32 (N, P, D), part features, L2-normalised.
        k: number of neighbours, the image itself not counted; cut to N - 1.
        device: where nearest neighbours are searched, as torch names it.

    Returns:
        float32 (N, P), in [0, 1]; 1 where there are no others.
    """
    whole = nearest(features, k + 1, device).ranks[:, 1:]
    if whole.shape[1] == 0:
        return np.ones(parts.shape[:2], dtype=np.float32)
    scores = []
    for part in range(parts.shape[1]):
        other = nearest(np.ascontiguousarray(parts[:, part]), k + 1, device).ranks[:, 1:]
        both = np.concatenate(
            [_shared(whole[i : i + _BLOCK], other[i : i + _BLOCK]) for i in range(0, len(whole), _BLOCK)]
        )
        scores.append(both / (2 * whole.shape[1] - both))
    return np.stack(scores, axis=1).astype(np.float32)


def _shared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How many entries of each row of `a` are in the same row of `b`."""
    return np.asarray((a[:, :, None] == b[:, None, :]).sum(axis=(1, 2)))
