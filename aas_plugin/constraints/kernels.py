"""Compiled loops over links."""

import numpy as np
from numpy.typing import NDArray

from aas_plugin.clustering.compiled import compiled

Ints = NDArray[np.int64]


@compiled
def connected(n: int, links: Ints) -> Ints:
    """Connected components of an undirected graph, by union-find with path halving.

    Args:
        n: number of nodes.
        links: int64 (M, 2), nodes.

    Returns:
        int64 (n,), a number for each node, 0..K-1 by the lowest node of each component.
    """
    parent = np.arange(n)
    for link in range(len(links)):
        roots = links[link].copy()
        for end in range(2):
            node = roots[end]
            while parent[node] != node:
                parent[node] = parent[parent[node]]
                node = parent[node]
            roots[end] = node
        # The lower one stays a root, so that every parent is numbered before its children.
        parent[max(roots[0], roots[1])] = min(roots[0], roots[1])
    number = np.empty(n, dtype=np.int64)
    count = 0
    for node in range(n):
        if parent[node] == node:
            number[node] = count
            count += 1
        else:
            number[node] = number[parent[node]]
    return number
