"""DBSCAN on the k-reciprocal Jaccard distance."""

import numpy as np
from numpy.typing import NDArray

from aas_plugin.clustering.compiled import compiled
from aas_plugin.clustering.graph import Graph


def dbscan(graph: Graph, eps: float, min_samples: int) -> NDArray[np.int64]:
    """Cluster images by density: the labels of scikit-learn's DBSCAN, border images and numbers included.

    Args:
        graph: distances between N images.
        eps: largest distance between neighbours, inclusive, in (0, 1) and at most the graph's radius.
        min_samples: neighbours that make an image a core image, itself included.

    Returns:
        int64 (N,): clusters 0, 1, ... in the order of their first core image, -1 for noise.

    Raises:
        ValueError: the graph does not reach that far.
    """
    if eps > graph.radius:
        raise ValueError(
            f"eps is {eps}, and the graph holds distances up to {graph.radius}: make it with a larger radius"
        )
    distances = graph.distances
    # The radius in the precision of the distances, as scikit-learn has it: 0.6 includes 0.6 in float32.
    radius = np.float32(eps)
    labels: NDArray[np.int64] = _grow(distances.indptr, distances.indices, distances.data, radius, min_samples)
    return labels


@compiled
def _grow(
    indptr: NDArray[np.int32],
    indices: NDArray[np.int32],
    data: NDArray[np.float32],
    eps: np.float32,
    min_samples: int,
) -> NDArray[np.int64]:
    """Grow each cluster from its first core image; a border image stays with the first that reaches it."""
    n = len(indptr) - 1
    core = np.empty(n, dtype=np.bool_)
    for i in range(n):
        near = 0
        for position in range(indptr[i], indptr[i + 1]):
            near += data[position] <= eps
        core[i] = near >= min_samples
    labels = np.full(n, -1, dtype=np.int64)
    stack = np.empty(n, dtype=np.int64)
    label = 0
    for first in range(n):
        if labels[first] != -1 or not core[first]:
            continue
        labels[first] = label
        stack[0] = first
        depth = 1
        while depth:
            depth -= 1
            i = stack[depth]
            for position in range(indptr[i], indptr[i + 1]):
                j = indices[position]
                if labels[j] == -1 and data[position] <= eps:
                    labels[j] = label
                    if core[j]:
                        stack[depth] = j
                        depth += 1
        label += 1
    return labels
