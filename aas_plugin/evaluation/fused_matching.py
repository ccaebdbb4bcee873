"""Matching photos with a gallery by features and other evidence, calibrated on the gallery's individuals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aas_plugin.evaluation.matching import Similarity
from aas_plugin.fusion.fitting import Fusion, fit_fusion, prior_fusion
from aas_plugin.fusion.graph import Candidates
from aas_plugin.fusion.sources import Source

Ints = NDArray[np.int64]


class Fused(NamedTuple):
    """P(same) between photos.

    Attributes:
        gallery: of gallery photos to all of them.
        photos: of photos to all gallery photos.
        weights: of each source, by name; 0 where it carries nothing.
    """

    gallery: Similarity
    photos: Similarity
    weights: dict[str, float]

    @property
    def counts(self) -> bool:
        """Whether anything but features carries something."""
        return any(weight for name, weight in self.weights.items() if name != "features")


def fuse_matches(
    features: NDArray[np.float32], sources: Sequence[Source], near: Ints, individual: NDArray[np.int64]
) -> Fused:
    """Fit P(same) to pairs of gallery photos, whose individuals are known.

    Args:
        features: float32 (G + P, D), L2-normalised rows, of the gallery first, then of the photos.
        sources: evidence about pairs of all of them.
        near: int64 (G + P, k), the nearest of each by features, itself first.
        individual: int64 (G,), of the gallery.
    """
    gallery = len(individual)
    cosines = Source("features", lambda pairs: np.einsum("ij,ij->i", features[pairs[:, 0]], features[pairs[:, 1]]))
    candidates = Candidates([cosines, *sources], near)
    known = (candidates.pairs < gallery).all(axis=1)
    ends = individual[candidates.pairs[known]]
    # Candidates lie image by image; folds take every fifth, which mixes them.
    same = ends[:, 0] == ends[:, 1]
    prior = prior_fusion(candidates.z, candidates.similar, len(features))
    fusion = fit_fusion(candidates.z[known], same, candidates.similar, prior)
    names = [source.name for source in candidates.sources]
    weights = dict(zip(names, fusion.weights.tolist(), strict=True))
    to_gallery = _to_gallery(candidates, fusion, gallery, 0)
    return Fused(to_gallery, _to_gallery(candidates, fusion, gallery, gallery), weights)


def _to_gallery(candidates: Candidates, fusion: Fusion, gallery: int, first: int) -> Similarity:
    def similarity(rows: slice) -> NDArray[np.float32]:
        ones = np.arange(rows.start, rows.stop) + first
        pairs = np.stack([np.repeat(ones, gallery), np.tile(np.arange(gallery), len(ones))], axis=1)
        told = fusion.probability(candidates.z_of(np.sort(pairs, axis=1)))
        return told.reshape(len(ones), gallery).astype(np.float32)

    return similarity
