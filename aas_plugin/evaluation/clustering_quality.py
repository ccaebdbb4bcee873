"""How well pseudo-labels agree with the individuals."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.metrics.cluster import pair_confusion_matrix


def clustering_quality(labels: npt.NDArray[np.int64], identity: npt.ArrayLike) -> dict[str, float]:
    """Compare pseudo-labels with identities, each noise image being a cluster of its own.

    Args:
        labels: int64 (N,), -1 is noise.
        identity: (N,) labels. Images whose identity is NA count only for `clusters` and `noise`.

    Returns:
        ARI in [-0.5, 1] and NMI in [0, 1]; pairwise_precision, the share of image pairs of one cluster that
        are of one individual, and pairwise_recall, the share of image pairs of one individual that are of one
        cluster, both in [0, 1] and nan where there is no such pair; clusters, the number of clusters without
        noise, and noise, the number of noise images. The first four are nan if no identity is known.
    """
    noise = labels < 0
    counts = {"clusters": len(np.unique(labels[~noise])), "noise": int(noise.sum())}
    individual = pd.factorize(np.asarray(identity, dtype=object))[0]
    named = individual >= 0
    if not named.any():
        missing = dict.fromkeys(("ARI", "NMI", "pairwise_precision", "pairwise_recall"), float("nan"))
        return {**missing, **counts}
    single = np.where(noise, labels.max() + 1 + np.arange(len(labels)), labels)[named]
    truth = individual[named]
    (_, wrong), (missed, right) = pair_confusion_matrix(truth, single).tolist()
    return {
        "ARI": float(adjusted_rand_score(truth, single)),
        "NMI": float(normalized_mutual_info_score(truth, single)),
        "pairwise_precision": right / (right + wrong) if right + wrong else float("nan"),
        "pairwise_recall": right / (right + missed) if right + missed else float("nan"),
        **counts,
    }
