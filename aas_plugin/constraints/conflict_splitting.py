"""Split an impure cluster, one with a cannot-link inside, by colouring its conflicts."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from aas_plugin.constraints.closure import components
from aas_plugin.constraints.colouring import colour

Ints = NDArray[np.int64]
Floats = NDArray[np.floating]
Between = Callable[[Ints, Ints], Floats]
"""Takes int64 (R,) and (C,) of images, none twice, and returns their finite, symmetric distances, (R, C)."""


def split_impure(members: Ints, group: Ints, conflicts: Ints, between: Between) -> Ints:
    """Split an impure cluster into as few clusters as its cannot-links allow (paper, section E).

    Must-link groups are the nodes of a conflict graph, cannot-links its edges, connected components with an
    edge its CL groups. The CL group with the most colours (then the most images) founds one cluster per
    colour; the colour classes of each other CL group are assigned to these at the least total distance; what
    has no conflict goes to the closest of the resulting clusters.

    Ours: the distance between two sets of images is the mean over all pairs; other CL groups are compared
    with the founding group alone; ties go to the first in an order of the nodes that does not depend on how
    images are numbered: by the sum of the distances between the node's images and all of the cluster, then by
    these distances, sorted.

    Args:
        members: int64 (n,), the images of the cluster.
        group: int64 (n,), the must-link group of each.
        conflicts: int64 (C, 2), C > 0, must-link groups that a cannot-link separates.
        between: distances of images; asked for those of all members to the ones in conflict.

    Returns:
        Int64 (n,), a part in 0..k-1 for each member.

    Raises:
        ValueError: a distance is not finite.
    """
    in_conflict = np.flatnonzero(np.isin(group, conflicts))
    dist = np.asarray(between(members, members[in_conflict]))
    if not np.isfinite(dist).all():
        raise ValueError("a distance between two images is not finite: look for NaN in the features")
    # From here an image in conflict is a column of `dist`, and a node of the conflict graph several.
    nodes = _canonical(dist, alike(group[in_conflict]))
    number = {int(group[in_conflict[node[0]]]): i for i, node in enumerate(nodes)}
    cl_groups = _colour_cl_groups(nodes, np.array([(number[a], number[b]) for a, b in conflicts.tolist()]))
    founding = max(cl_groups, key=lambda classes: (len(classes), sum(map(len, classes))))

    part_of_column = np.empty(len(in_conflict), dtype=np.int64)
    to_founding = _sums(dist, founding)
    for classes in cl_groups:
        cost = _means(to_founding, [in_conflict[columns] for columns in classes], founding)
        matched = range(len(founding)) if classes is founding else linear_sum_assignment(cost)[1]
        for columns, part in zip(classes, matched, strict=True):
            part_of_column[columns] = part

    clusters = alike(part_of_column)
    to_clusters = _sums(dist, clusters)
    parts = np.empty(len(members), dtype=np.int64)
    parts[in_conflict] = part_of_column
    free = np.flatnonzero(~np.isin(group, conflicts))
    own_group = alike(group[free])
    alone = free[[same[0] for same in own_group if len(same) == 1]]
    parts[alone] = (to_clusters[alone] / [len(c) for c in clusters]).argmin(axis=1)
    for same in own_group:
        if len(same) > 1:
            parts[free[same]] = _means(to_clusters, [free[same]], clusters).argmin()
    return parts


def _canonical(dist: Floats, nodes: list[Ints]) -> list[Ints]:
    """The nodes in an order that depends on their distances, and on image numbers only in a full tie."""
    sums = [float(np.sort(dist[:, node], axis=None).sum(dtype=np.float64)) for node in nodes]
    tied = Counter(sums)

    def key(i: int) -> tuple[float, list[float], int]:
        values = np.sort(dist[:, nodes[i]], axis=None).tolist() if tied[sums[i]] > 1 else []
        return sums[i], values, int(nodes[i][0])

    return [nodes[i] for i in sorted(range(len(nodes)), key=key)]


def _colour_cl_groups(nodes: list[Ints], edges: Ints) -> list[list[Ints]]:
    """For each connected component, by its first node, the columns of each of its colours."""
    cl_groups = []
    of = components(len(nodes), edges)
    for component, own in sorted(zip(alike(of), alike(of[edges[:, 0]]), strict=True), key=lambda both: int(both[0][0])):
        classes = alike(colour(len(component), np.searchsorted(component, edges[own])))
        cl_groups.append([np.concatenate([nodes[component[i]] for i in c]) for c in classes])
    return cl_groups


def alike(values: Ints) -> list[Ints]:
    """For each distinct value, in rising order, the positions that have it."""
    order = np.argsort(values, kind="stable")
    if not len(values):
        return []
    bounds = [0, *(np.flatnonzero(np.diff(values[order])) + 1).tolist(), len(values)]
    return [order[start:end] for start, end in pairwise(bounds)]


def _sums(dist: Floats, clusters: list[Ints]) -> Floats:
    """Summed distance of each row of `dist` to the columns of each cluster, (rows, clusters).

    Sorted before they are summed, so that rounding does not depend on how images are numbered.
    """
    return np.stack([np.sort(dist[:, c], axis=1).sum(axis=1, dtype=np.float64) for c in clusters], axis=1)


def _means(sums: Floats, sets: list[Ints], clusters: list[Ints]) -> Floats:
    """Mean distance over all pairs of each set of rows and each cluster, (sets, clusters)."""
    totals = np.stack([np.sort(sums[rows], axis=0).sum(axis=0) for rows in sets])
    pairs = np.outer([len(rows) for rows in sets], [len(c) for c in clusters])
    return np.asarray(totals / pairs)
