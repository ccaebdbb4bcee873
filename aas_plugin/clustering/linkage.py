"""Mean linkage (UPGMA) on a sparse graph, with groups that must not meet."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from aas_plugin.clustering.linkage_kernels import merge_closest

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Merges(NamedTuple):
    """What was merged, in its order: from nodes 0..m-1, merge k makes node m + k.

    Attributes:
        left: int64 (M,), the lower of both nodes.
        right: int64 (M,), the higher.
        linkage: float64 (M,), mean similarity of the images of both.
        last: int64 (m,), the node in which each of the first m ended.
    """

    left: Ints
    right: Ints
    linkage: Floats
    last: Ints

    @property
    def labels(self) -> Ints:
        """Number of the last node of each of the m nodes, int64 (m,), from 0."""
        return np.unique(self.last, return_inverse=True)[1].astype(np.int64)

    def leaves(self, node: int) -> Ints:
        """The first nodes that a node is made of, int64 (s,) ascending."""
        m, found, left = len(self.last), [], [node]
        while left:
            one = left.pop()
            if one < m:
                found.append(one)
            else:
                left += (int(self.left[one - m]), int(self.right[one - m]))
        return np.sort(np.array(found, dtype=np.int64))


def mean_linkage(
    totals: csr_array, sizes: Floats, stop: float, groups: Ints | None = None, apart: Ints | None = None
) -> Merges:
    """Merge two clusters of the highest mean similarity again and again, until none is above `stop`.

    Source: UPGMA (Sokal and Michener, 1958); pairs that are not stored count as 0. Ours: clusters that hold groups
    which must stay apart are never merged.

    Args:
        totals: symmetric float64 CSR (m, m), sums of similarities between two nodes; the diagonal is not looked at.
        sizes: float64 (m,), images of each node.
        stop: linkage, at least 0.
        groups: int64 (m,), a group of each node; without, each node is its own.
        apart: int64 (C, 2), groups that must stay apart.

    Returns:
        The merges; time grows with the number of stored pairs, not with m squared.
    """
    m = len(sizes)
    groups = np.arange(m) if groups is None else groups
    ends = np.empty((0, 2), dtype=np.int64) if apart is None else np.unique(np.sort(apart, axis=1), axis=0)
    members = [(group, node) for node, group in enumerate(groups)] if len(ends) else []
    holds = np.array(members, dtype=np.int64).reshape(-1, 2)
    return merge_with_kinds(totals, sizes, stop, holds[:, 1], holds[:, 0], ends)


def merge_with_kinds(totals: csr_array, sizes: Floats, stop: float, node: Ints, kind: Ints, apart: Ints) -> Merges:
    """`mean_linkage` of nodes that may hold several groups.

    Args:
        totals: symmetric float64 CSR (m, m), sums of similarities between two nodes.
        sizes: float64 (m,), images of each node.
        stop: linkage, at least 0.
        node: int64 (H,), which node holds ...
        kind: int64 (H,), ... which group, counted from 0.
        apart: int64 (C, 2), groups that must stay apart.
    """
    m = len(sizes)
    kinds = int(max(kind.max(initial=-1), apart.max(initial=-1))) + 1
    shape = (kinds, kinds)
    both = np.concatenate([apart, apart[:, ::-1]])
    foes = coo_array((np.ones(len(both)), tuple(both.T)), shape=shape).tocsr()
    concerned = np.isin(kind, both)
    held = coo_array((np.ones(int(concerned.sum())), (node[concerned], kind[concerned])), shape=(m, kinds)).tocsr()
    barred = (held @ foes).tocsr()
    parts = (totals.indptr, totals.indices, held.indptr, held.indices, barred.indptr, barred.indices)
    near_ptr, near, own_ptr, own, foe_ptr, foe = (np.asarray(part, dtype=np.int64) for part in parts)
    found = merge_closest(
        near_ptr, near, np.asarray(totals.data, dtype=np.float64), np.asarray(sizes, dtype=np.float64),
        own_ptr, own, foe_ptr, foe, float(stop),
    )  # fmt: skip
    return Merges(*found)
