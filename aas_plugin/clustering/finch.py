"""FINCH clustering from neighbours that are already known."""

import warnings

import numpy as np
from numpy.typing import NDArray


def finch(features: NDArray[np.float32], neighbours: NDArray[np.int64], partition: int = 0) -> NDArray[np.int64]:
    """Cluster images by their first neighbours, with the official finch-clust package.

    Source: Sarfraz et al., CVPR 2019. The first partition links every image to its first neighbour; the
    coarser ones do the same with cluster means. All are exact: nothing is approximated at any size.

    Args:
        features: float32 (N, D), L2-normalised rows.
        neighbours: int64 (N, k), nearest images, itself first; k at least 2 unless N is 1.
        partition: 0 is the finest; a number past the coarsest one means the coarsest.

    Returns:
        int64 (N,), clusters 0, 1, ..., no noise.

    Raises:
        ValueError: `neighbours` holds no image but the image itself.
    """
    if len(features) == 1:
        return np.zeros(1, dtype=np.int64)
    if neighbours.shape[1] < 2:
        raise ValueError("FINCH needs the first neighbour of every image: search with k of at least 2.")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="pynndescent is not installed")
        from finch import FINCH

    # Above its threshold the package would fall back to pynndescent, which is random.
    partitions, _, _ = FINCH(features, initial_rank=neighbours[:, 1], ann_threshold=len(features))
    return np.asarray(partitions[:, min(partition, partitions.shape[1] - 1)], dtype=np.int64)
