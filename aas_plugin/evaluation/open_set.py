"""Open-set recognition: can an individual that is not in the gallery be told from one that is?"""

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score


def auc_roc(similarity: npt.NDArray[np.float32], known: npt.NDArray[np.bool_]) -> float:
    """Area under the ROC curve of detecting unknown individuals.

    An unknown query is positive and its score is minus its highest similarity to the gallery (the paper
    reports the area; the score is ours).

    Args:
        similarity: float32 (Q, G), higher is more alike.
        known: bool (Q,), whether the query's individual is in the gallery.

    Returns:
        In [0, 1], 0.5 by chance; nan unless there are both known and unknown queries.
    """
    if known.all() or not known.any():
        return float("nan")
    return float(roc_auc_score(~known, -similarity.max(axis=1)))
