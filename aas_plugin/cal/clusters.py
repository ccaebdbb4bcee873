"""Constrained average linkage: clusters that are sure, those that answers join, and those that follow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from networkx.utils import UnionFind
from numpy.typing import NDArray
from scipy.sparse import csr_array

from aas_plugin.cal.similarity import linkage_between
from aas_plugin.clustering.calibration import Calibration
from aas_plugin.clustering.linkage import Merges, mean_linkage, merge_with_kinds
from aas_plugin.constraints.closure import components
from aas_plugin.constraints.conflict_splitting import alike

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SURE, LIKELY = 0.9, 0.7
"""P(same) above which single images, and clusters of them, are merged."""


@dataclass(frozen=True)
class Clusters:
    """Clusters of N images, and how they came about.

    Attributes:
        matrix: float64 CSR (N, N), similarities.
        group: int64 (N,), 0..G-1, images that are known to be the same.
        apart: int64 (C, 2), groups that are known to differ.
        images: merges of single images into atoms.
        atom: int64 (N,), 0..A-1.
        node: int64 (N,), 0..B-1, atoms that a must-link joins are one node.
        nodes: merges of nodes.
        labels: int64 (N,), 0..K-1; an image by itself is a cluster.
    """

    matrix: csr_array
    group: Ints
    apart: Ints
    images: Merges
    atom: Ints
    node: Ints
    nodes: Merges
    labels: Ints

    @cached_property
    def _by_node(self) -> list[Ints]:
        return alike(self.node)

    def images_of(self, node: int) -> Ints:
        """Images of a node of `nodes`, int64 (s,)."""
        return np.concatenate([self._by_node[one] for one in self.nodes.leaves(node)])


def constrained_clusters(matrix: csr_array, must_links: Ints, cannot_links: Ints, calibration: Calibration) -> Clusters:
    """Cluster images by average linkage so that answers hold, as far as clusters that are sure do not deny them.

    From single images the two allowed clusters of the highest mean similarity are merged while P(same) is above
    `SURE`: the atoms. Atoms that a must-link joins become one, if they are allowed to; its similarity to a third is
    the larger of theirs. Then merging goes on by mean similarity, weighted by images, while P(same) is above `LIKELY`.
    Two clusters are allowed to merge unless a cannot-link lies between images that are known to be the same as some of
    theirs.

    Args:
        matrix: float64 CSR (N, N), symmetric similarities without diagonal; pairs that are not stored count as 0.
        must_links: int64 (M, 2).
        cannot_links: int64 (C, 2), never in contradiction to the must-links.
        calibration: from linkage to P(same).

    Returns:
        The clusters. A cannot-link holds in them; a must-link that joins atoms which must not merge does not.
    """
    n = matrix.shape[0]
    group = components(n, must_links)
    apart = np.unique(np.sort(group[cannot_links], axis=1), axis=0).reshape(-1, 2)
    images = mean_linkage(matrix, np.ones(n), max(calibration.similarity_at(SURE), 0.0), group, apart)
    atom = images.labels
    between = linkage_between(matrix, atom)
    joined = _joined(atom, group, apart, must_links, between)
    node = joined[atom]
    sizes = np.bincount(node).astype(np.float64)
    near = between.tocoo()
    ends = joined[np.stack([near.row, near.col])]
    crossing = ends[0] != ends[1]
    totals = _largest(ends[:, crossing], near.data[crossing], len(sizes))
    rows = np.repeat(np.arange(len(sizes)), np.diff(totals.indptr))
    totals.data = totals.data * sizes[rows] * sizes[totals.indices]
    holds = np.unique(np.stack([node, group], axis=1), axis=0)
    stop = max(calibration.similarity_at(LIKELY), 0.0)
    nodes = merge_with_kinds(totals, sizes, stop, holds[:, 0], holds[:, 1], apart)
    return Clusters(matrix, group, apart, images, atom, node, nodes, nodes.labels[node])


def _joined(atom: Ints, group: Ints, apart: Ints, must_links: Ints, between: csr_array) -> Ints:
    """The number of each atom after those that must-links join, the most similar first: int64 (A,), 0..B-1."""
    count = int(atom.max(initial=-1)) + 1
    ends = np.sort(atom[must_links], axis=1)
    ends = np.unique(ends[ends[:, 0] != ends[:, 1]], axis=0).reshape(-1, 2)
    linkage = np.asarray(between[ends[:, 0], ends[:, 1]]).ravel() if len(ends) else np.empty(0)
    foes: dict[int, set[int]] = {}
    for one, other in apart.tolist():
        foes.setdefault(one, set()).add(other)
        foes.setdefault(other, set()).add(one)
    holds: dict[int, set[int]] = {}
    for one, held in np.unique(np.stack([atom, group], axis=1), axis=0).tolist():
        if held in foes:
            holds.setdefault(one, set()).add(held)
    found = UnionFind(range(count))
    for place in np.argsort(-linkage, kind="stable"):
        first, second = found[int(ends[place, 0])], found[int(ends[place, 1])]
        mine, theirs = holds.get(first, set()), holds.get(second, set())
        if first == second or any(foes[one] & theirs for one in mine):
            continue
        found.union(first, second)
        holds[found[first]] = mine | theirs
    roots = np.array([found[one] for one in range(count)], dtype=np.int64)
    return np.unique(roots, return_inverse=True)[1].astype(np.int64)


def _largest(ends: Ints, values: Floats, count: int) -> csr_array:
    """The largest value of each pair: float64 CSR (count, count)."""
    key = ends[0] * count + ends[1]
    order = np.argsort(key, kind="stable")
    pairs, first = np.unique(key[order], return_index=True)
    most = np.maximum.reduceat(values[order], first) if len(pairs) else values
    return csr_array((most, (pairs // count, pairs % count)), shape=(count, count))
