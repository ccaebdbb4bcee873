"""Regions of uncertainty: where two clusterings overlap in part."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components


def uncertainty_regions(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find the regions of uncertainty of two clusterings.

    Source: paper, section 3.1 A. Clusters of the two views with 0 < IoU < 1 are linked; a region is a
    connected component of that graph. A region holds whole clusters of both views.

    Args:
        a: int64 (N,), clusters of view A; noise images are clusters of their own.
        b: int64 (N,), clusters of view B.

    Returns:
        int64 (N,): region 0..M-1 in the order of their first image, -1 where the views agree.
    """
    _, a = np.unique(a, return_inverse=True)
    _, b = np.unique(b, return_inverse=True)
    clusters_a, clusters_b = a.max(initial=-1) + 1, b.max(initial=-1) + 1
    nodes = clusters_a + clusters_b
    overlaps = csr_array((np.ones(len(a), dtype=np.int32), (a, clusters_a + b)), shape=(nodes, nodes))
    overlaps.sum_duplicates()
    _, component = connected_components(overlaps, directed=False)
    # A component with a single overlap is a pair of identical clusters; one with more holds no identical clusters.
    tangled = np.bincount(component[overlaps.tocoo().row]) > 1
    component = component[a]
    region = np.full(len(a), -1, dtype=np.int64)
    inside = np.flatnonzero(tangled[component])
    _, first, inverse = np.unique(component[inside], return_index=True, return_inverse=True)
    region[inside] = np.argsort(np.argsort(first))[inverse]
    return region
