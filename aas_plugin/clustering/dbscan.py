"""DBSCAN on the k-reciprocal Jaccard distance."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.cluster import DBSCAN

from aas_plugin.clustering.jaccard import JaccardGraph


def dbscan(graph: JaccardGraph, eps: float, min_samples: int) -> NDArray[np.int64]:
    """Cluster images by density, with scikit-learn's DBSCAN.

    Args:
        graph: distances between N images.
        eps: largest distance between neighbours, inclusive, in (0, 1).
        min_samples: neighbours that make an image a core image, itself included.

    Returns:
        int64 (N,): clusters 0, 1, ... in the order of their first core image, -1 for noise.
    """
    # A NumPy scalar would be compared in its own precision, and lose distances equal to it in float32.
    eps = float(eps)
    stored = graph.distances.tocoo()
    near = stored.data <= eps
    # scikit-learn sorts every row by distance: without the far pairs that takes a fraction of the time.
    distances = csr_array((stored.data[near], (stored.row[near], stored.col[near])), shape=stored.shape)
    model = DBSCAN(eps=eps, min_samples=min_samples, metric="precomputed")
    return np.asarray(model.fit_predict(distances), dtype=np.int64)
