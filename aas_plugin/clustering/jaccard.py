"""The k-reciprocal Jaccard distance as a sparse graph."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from aas_plugin.clustering import kernels, reciprocal
from aas_plugin.clustering.graph import check_there
from aas_plugin.clustering.knn import Neighbours, nearest

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class JaccardGraph:
    """k-reciprocal Jaccard distances between N images.

    Source: Zhong et al., CVPR 2017, as in the official code of SpCL; AAS takes `1 - distance` as its
    similarity.

    Attributes:
        neighbours: int64 (N, k1), the nearest images of each image by inner product, itself first.
        weights: float32 CSR (N, N), the k-reciprocal weights after query expansion; a row sums to 1. They
            give the distance of any pair.
        distances: float32 CSR (N, N), symmetric, in [0, 1), every pair of at most `radius`. The diagonal and
            zeros are stored, indices are sorted.
        radius: in (0, 1]. At 1, a pair that is not stored has distance 1. Most pairs that share anything are
            nearly 1 apart, so a smaller radius saves most of the memory.
    """

    neighbours: NDArray[np.int64]
    weights: csr_array
    distances: csr_array
    radius: float = 1.0

    def among(self, groups: NDArray[np.int64], radius: float = 1.0) -> csr_array:
        """Distances within groups of images, whatever the radius of the graph.

        Args:
            groups: int64 (N,), 0..G-1, -1 for images that are left out.
            radius: largest distance, inclusive, in (0, 1].

        Returns:
            float32 CSR (N, N), symmetric, sorted indices: every pair of a group that is closer than 1 and
            at most `radius`, and the diagonal of the groups.
        """
        weights = self.weights
        arrays = weights.indptr, weights.indices, weights.data
        return _csr(*kernels.distances_within(*arrays, groups, radius, _threads()))

    def distance(self, u: NDArray[np.int64], v: NDArray[np.int64]) -> NDArray[np.float32]:
        """Distance of each `u[i]` to `v[i]`, from the weights, equal to what `distances` holds.

        Args:
            u: int64 (P,), image indices.
            v: int64 (P,), image indices.

        Returns:
            float32 (P,), in [0, 1].

        Raises:
            IndexError: an image that is not there.
            ValueError: `u` and `v` differ in length.
        """
        weights = self.weights
        u, v = np.asarray(u, dtype=np.int64), np.asarray(v, dtype=np.int64)
        if u.shape != v.shape:
            raise ValueError(f"u has the shape {u.shape} and v {v.shape}; each pair needs both")
        check_there(weights.shape[0], u, v)
        return kernels.distances_of_pairs(weights.indptr, weights.indices, weights.data, u, v)

    def between(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
        """Distances of some images to others, equal to those of `distance` and many times faster.

        Args:
            rows: int64 (R,), image indices.
            columns: int64 (C,), image indices, none twice.

        Returns:
            float32 (R, C), in [0, 1].

        Raises:
            IndexError: an image that is not there.
        """
        weights = self.weights
        rows, columns = np.asarray(rows, dtype=np.int64), np.asarray(columns, dtype=np.int64)
        check_there(weights.shape[0], rows, columns)
        return kernels.distances_between(weights.indptr, weights.indices, weights.data, rows, columns)


def jaccard_graph(
    features: NDArray[np.float32],
    k1: int = 30,
    k2: int = 6,
    *,
    radius: float = 1.0,
    device: torch.device | str = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> JaccardGraph:
    """Compute the k-reciprocal Jaccard distances between all images.

    Source: Zhong et al., CVPR 2017, as in the official code of SpCL, ClusterContrast and PPLR. Ours: `k1`
    is cut to the number of images, and an image is always its own first neighbour.

    Args:
        features: float32 (N, D), L2-normalised rows.
        k1: neighbours that may be reciprocal, the image itself included, at least 1.
        k2: neighbours over which the weights are averaged (query expansion), at least 1; cut to `k1`.
        radius: largest distance that is stored, inclusive, in (0, 1].
        device: where nearest neighbours are searched; the graph is made on the CPU.
        progress: called with (blocks done, all blocks) of that search, most of the work.

    Returns:
        The graph; its size grows with the number of pairs within the radius, not with N squared, unless all
        images are near each other: copies of one image, or features that have collapsed.

    Raises:
        FeatureError: `features` is not a matrix with at least one row and finite values.
    """
    return graph_of(features, nearest(features, k1, device, progress), k2, radius)


def graph_of(features: NDArray[np.float32], neighbours: Neighbours, k2: int = 6, radius: float = 1.0) -> JaccardGraph:
    """Compute the graph of `jaccard_graph` from neighbours that are already found.

    Args:
        features: float32 (N, D), L2-normalised rows.
        neighbours: nearest images of each image; the number of their columns is k1.
        k2: neighbours over which the weights are averaged (query expansion), at least 1; cut to k1.
        radius: largest distance that is stored, inclusive, in (0, 1].

    Returns:
        The graph.
    """
    ranks, similarity = neighbours
    k1 = ranks.shape[1]
    # The official code takes k1 + 1 of k1 columns, which are all, and half of k1, rounded, plus one.
    wide = reciprocal.mutual(ranks, k1)
    narrow = reciprocal.mutual(ranks, round(k1 / 2) + 1)
    features = np.ascontiguousarray(features, dtype=np.float32)
    expanded = reciprocal.softmax_over_expansion(features, ranks, similarity, *wide, *narrow)
    averaged = reciprocal.averaged(*expanded, ranks[:, :k2])
    everyone = np.zeros(len(ranks), dtype=np.int64)
    distances = kernels.distances_within(*averaged, everyone, radius, _threads())
    return JaccardGraph(ranks, _csr(*averaged), _csr(*distances), radius)


def _threads() -> int:
    """As many as torch uses; where it is not loaded, which takes seconds, as many as it would use."""
    torch = sys.modules.get("torch")
    if torch is not None:
        return int(torch.get_num_threads())
    told = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return int(told) if told.isdigit() and int(told) > 0 else os.cpu_count() or 1


def _csr(indptr: NDArray[np.int64], indices: NDArray[np.int32], data: NDArray[np.float32]) -> csr_array:
    """A square matrix with sorted indices, and 32-bit row pointers where they suffice."""
    n = len(indptr) - 1
    if indptr[-1] <= np.iinfo(np.int32).max:
        indptr = indptr.astype(np.int32)
    matrix = csr_array((data, indices, indptr), shape=(n, n))
    matrix.has_sorted_indices = True
    matrix.has_canonical_format = True
    return matrix
