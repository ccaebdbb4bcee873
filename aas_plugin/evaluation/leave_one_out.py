"""Gallery photos tried as new ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aas_plugin.evaluation.matching import Similarity, chunks, grouped_best

Scores = NDArray[np.float32]
Ints = NDArray[np.int64]


class Trials(NamedTuple):
    """Gallery photos as if they were new.

    Attributes:
        scores: float32 (T, I), the best similarity of each photo to each individual, without the photo and its copies;
            -inf where none is left.
        individual: int64 (T,), whom they show.
        photos: int64 (I,), different photos of each individual.
    """

    scores: Scores
    individual: Ints
    photos: Ints

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether the photo's individual has another photo, bool (T,)."""
        return np.isfinite(self.scores[np.arange(len(self.individual)), self.individual])


def leave_one_out(similarity: Similarity, individual: Ints, copy: Ints | None = None) -> Trials:
    """Score gallery photos as if they were new.

    Args:
        similarity: of gallery photos to all of them.
        individual: int64 (G,) in 0..I-1, each at least once.
        copy: int64 (G,), equal where files are; such photos are left out together and tried once for each
            individual. None where no two are.
    """
    size = len(individual)
    copy = np.arange(size) if copy is None else copy
    tried = np.sort(np.unique(np.stack([individual, copy]), axis=1, return_index=True)[1])
    scores = np.empty((len(tried), individual.max() + 1), dtype=np.float32)
    at = 0
    for rows in chunks(size, size):
        of = tried[(tried >= rows.start) & (tried < rows.stop)]
        alike = similarity(rows)[of - rows.start]
        alike = np.where(copy[of, None] == copy, np.float32(-np.inf), alike)
        scores[at : at + len(of)] = grouped_best(alike, individual)
        at += len(of)
    return Trials(scores, individual[tried], np.bincount(individual[tried], minlength=scores.shape[1]))
