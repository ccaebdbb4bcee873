"""NP3: repair pseudo-labels so that every must-link and cannot-link holds."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from aas_plugin.clustering.labels import by_first_appearance
from aas_plugin.constraints.closure import Constraints, as_links, components
from aas_plugin.constraints.conflict_splitting import Between, alike, split_impure

Ints = NDArray[np.int64]


def np3(labels: Ints, must_links: Ints, cannot_links: Ints, between: Between, *, whole_clusters: bool = True) -> Ints:
    """Labels close to the given ones that satisfy every constraint (paper, section E).

    Clusters that must-links join are merged. A merged cluster with a cannot-link inside is impure and is
    split: see `split_impure`. Every other cluster keeps its images. Permuting the images permutes the
    result, as long as different pairs have different distances.

    Time and memory depend on the impure clusters: |cluster| x |images in conflict in it| distances each.

    Args:
        labels: int64 (N,), -1 = noise.
        must_links: int64 (M, 2).
        cannot_links: int64 (C, 2).
        between: takes int64 (R,) and (C,) of images and returns their finite, symmetric distances, (R, C).
        whole_clusters: whether must-links merge clusters, as in the paper; else they only bring their own images
            together, which a wrong or surprising answer harms less: see `gather_must_linked` (ours).

    Returns:
        Labels int64 (N,), 0..K-1 by first appearance, -1 = noise. A noise image leaves noise by a must-link
        only; two noise images satisfy a cannot-link.

    Raises:
        Contradiction: the constraints cannot all hold; it has the chain that shows it.
        ValueError: a constraint names an image that is not there, a label is below -1, or a distance is not
            finite.
    """
    labels = np.asarray(labels, dtype=np.int64)
    must_links, cannot_links = as_links(must_links), as_links(cannot_links)
    must_links = must_links[must_links[:, 0] != must_links[:, 1]]
    _check_ranges(labels, np.concatenate([must_links, cannot_links]))
    group = components(len(labels), must_links)
    _check_consistent(must_links, cannot_links, group)

    merged = (merge_must_linked if whole_clusters else gather_must_linked)(labels, must_links)
    ends = merged[cannot_links]
    inside = (ends[:, 0] == ends[:, 1]) & (ends[:, 0] >= 0)
    refined = merged.copy()
    unused = merged.max(initial=-1) + 1
    impure = np.flatnonzero(np.isin(merged, ends[inside, 0]))
    conflicts = group[cannot_links[inside]]
    # Both by rising number of the impure cluster.
    for positions, own in zip(alike(merged[impure]), alike(ends[inside, 0]), strict=True):
        members = impure[positions]
        refined[members] = unused + split_impure(members, group[members], conflicts[own], between)
        unused += len(members)
    return by_first_appearance(refined)


def merge_must_linked(labels: Ints, must_links: Ints) -> Ints:
    """Merge whole clusters, and noise images, that must-links join (paper, section E).

    Args:
        labels: int64 (N,), -1 = noise.
        must_links: int64 (M, 2), of distinct images.

    Returns:
        Labels int64 (N,), -1 = noise that no must-link names.
    """
    n = len(labels)
    names, node = np.unique(labels, return_inverse=True)
    noise = labels < 0
    node = np.where(noise, len(names) + np.arange(n), node)
    edges = coo_array((np.ones(len(must_links)), tuple(node[must_links].T)), shape=(len(names) + n,) * 2)
    merged = np.asarray(connected_components(edges, directed=False)[1], dtype=np.int64)[node]
    noise[must_links.ravel()] = False
    merged[noise] = -1
    return merged


def gather_must_linked(labels: Ints, must_links: Ints) -> Ints:
    """Bring the images of each must-link group together, and leave all others where they are (ours).

    A group goes to the cluster that holds most of it, of several to the largest, then to that of the lowest label;
    a group of noise images becomes a cluster.

    Args:
        labels: int64 (N,), -1 = noise.
        must_links: int64 (M, 2), of distinct images.

    Returns:
        Labels int64 (N,), -1 = noise that no must-link names.
    """
    n = len(labels)
    group = components(n, must_links)
    linked = np.bincount(group, minlength=1)[group] > 1
    sizes = np.bincount(labels[labels >= 0], minlength=1)
    clustered = linked & (labels >= 0)
    held, count = np.unique(np.stack([group[clustered], labels[clustered]], axis=1), axis=0, return_counts=True)
    order = np.lexsort((held[:, 1], -sizes[held[:, 1]], -count, held[:, 0]))
    which, first = np.unique(held[order, 0], return_index=True)
    target = sizes.size + np.arange(n)
    target[which] = held[order[first], 1]
    return np.where(linked, target[group], labels)


def _check_ranges(labels: Ints, links: Ints) -> None:
    if links.min(initial=0) < 0 or links.max(initial=-1) >= len(labels):
        raise ValueError(f"a constraint names an image outside 0..{len(labels) - 1}: is it of other labels?")
    if labels.min(initial=0) < -1:
        raise ValueError(f"label {labels.min()} is below -1, which is noise")


def _check_consistent(must_links: Ints, cannot_links: Ints, group: Ints) -> None:
    ends = group[cannot_links]
    denied = cannot_links[ends[:, 0] == ends[:, 1]]
    if len(denied):
        constraints = Constraints(len(group))
        for u, v in must_links:
            constraints.add(u, v, same=True)
        u, v = denied[0]
        constraints.add(u, v, same=False)
