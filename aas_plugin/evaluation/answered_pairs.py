"""How well features rank pairs of images whose answer is known; no identity is needed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score


def auc_of_answers(scores: NDArray[np.floating], same: NDArray[np.bool_]) -> float | None:
    """Area under the ROC curve of telling "same" from "different" by a score.

    Args:
        scores: (P,), higher for pairs that look more alike.
        same: bool (P,), whether the answer is "same".

    Returns:
        The share of ("same", "different") couples of pairs that the scores put in the right order, a tie counting
        half: in [0, 1], 0.5 by chance. None where one kind is missing.
    """
    if same.all() or not same.any():
        return None
    return float(roc_auc_score(same, scores))
