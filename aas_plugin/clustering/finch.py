"""FINCH clustering from neighbours that are already known."""

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def finch(features: NDArray[np.float32], neighbours: NDArray[np.int64], partition: int = 0) -> NDArray[np.int64]:
    """Cluster images by their first neighbours.

    Source: Sarfraz et al., CVPR 2019. The finest partition links every image to its first neighbour, and is
    made from the neighbours alone; the coarser ones do the same with cluster means and come from the official
    finch-clust package. All are exact: nothing is approximated at any size.

    Args:
        features: float32 (N, D), L2-normalised rows.
        neighbours: int64 (N, k), nearest images, itself first; k at least 2 unless N is 1.
        partition: 0 is the finest; a number past the coarsest one means the coarsest.

    Returns:
        int64 (N,), clusters 0, 1, ..., no noise.

    Raises:
        ValueError: `neighbours` holds no image but the image itself.
    """
    n = len(features)
    if n == 1:
        return np.zeros(1, dtype=np.int64)
    if neighbours.shape[1] < 2:
        raise ValueError("FINCH needs the first neighbour of every image: search with k of at least 2.")
    if partition == 0:
        # The package would also make all coarser partitions, in time and memory that grow with N squared.
        links = coo_array((np.ones(n, dtype=np.int8), (np.arange(n), neighbours[:, 1])), shape=(n, n))
        return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="pynndescent is not installed")
        from finch import FINCH

    # Above its threshold the package would fall back to pynndescent, which is random.
    partitions, _, _ = FINCH(features, initial_rank=neighbours[:, 1], ann_threshold=n)
    return np.asarray(partitions[:, min(partition, partitions.shape[1] - 1)], dtype=np.int64)
