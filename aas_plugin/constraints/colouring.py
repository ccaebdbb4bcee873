"""Colour a graph with few colours: DSATUR, and exactly where the graph is small."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

EXACT_UP_TO = 24
"""Graphs with at most this many nodes get as few colours as possible."""


def colour(n: int, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """A proper colouring of the nodes 0..n-1.

    DSATUR; if it needs more colours than the largest clique and n is at most `EXACT_UP_TO`, an integer
    program looks for fewer (ours: the paper asks for the chromatic number and names no method). The order and
    direction of the edges do not matter; ties go to the lower node.

    Args:
        n: number of nodes.
        edges: int64 (E, 2), of distinct nodes; repeats count once.

    Returns:
        Colours int64 (n,), in 0..k-1 with each one used.
    """
    neighbours: list[set[int]] = [set() for _ in range(n)]
    for u, v in edges.tolist():
        neighbours[u].add(v)
        neighbours[v].add(u)
    colours = dsatur(neighbours)
    # Two colours are as few as can be: one edge needs them.
    if n > EXACT_UP_TO or colours.max(initial=-1) < 2:
        return colours
    graph = nx.Graph()
    graph.add_nodes_from(range(n))
    graph.add_edges_from(sorted((u, v) for u in range(n) for v in neighbours[u] if u < v))
    clique: list[int] = max(nx.find_cliques(graph), key=len, default=[])
    for k in range(len(clique), int(colours.max(initial=-1)) + 1):
        fewer = _colour_with(k, graph, clique)
        if fewer is not None:
            return fewer
    return colours


def dsatur(neighbours: Sequence[Collection[int]]) -> NDArray[np.int64]:
    """Brelaz's greedy colouring: next is the node whose neighbours have most colours, then most neighbours.

    The same colours as those of networkx, whose time grows with nodes times edges; here with edges, by a heap. A node
    lies in it once for each number of colours it has seen; what is out of date is skipped.

    Args:
        neighbours: of each node, without itself and without repeats.

    Returns:
        Colours int64 (n,); each node has the lowest that its neighbours leave.
    """
    colours = np.full(len(neighbours), -1, dtype=np.int64)
    seen: list[set[int]] = [set() for _ in neighbours]
    heap = [(0, -len(near), node) for node, near in enumerate(neighbours)]
    heapq.heapify(heap)
    while heap:
        _, _, node = heapq.heappop(heap)
        if colours[node] >= 0:
            continue
        lowest = next(colour for colour in range(len(seen[node]) + 1) if colour not in seen[node])
        colours[node] = lowest
        for other in neighbours[node]:
            if colours[other] < 0 and lowest not in seen[other]:
                seen[other].add(lowest)
                heapq.heappush(heap, (-len(seen[other]), -len(neighbours[other]), other))
    return colours


def _colour_with(k: int, graph: nx.Graph, clique: list[int]) -> NDArray[np.int64] | None:
    """A proper colouring with k colours, if there is one; the nodes of the clique take the first of them."""
    n = len(graph)
    one_colour_each = LinearConstraint(np.kron(np.eye(n), np.ones(k)), 1, 1)
    incidence = nx.incidence_matrix(graph, nodelist=range(n)).toarray().T
    two_colours_an_edge = LinearConstraint(np.kron(incidence, np.eye(k)), 0, 1)
    at_least = np.zeros((n, k))
    at_least[clique, range(len(clique))] = 1  # colours are interchangeable: fixing these saves the search
    found = milp(
        np.zeros(n * k),
        integrality=np.ones(n * k),
        bounds=Bounds(at_least.ravel(), 1),
        constraints=[one_colour_each, two_colours_an_edge],
    )
    return None if found.x is None else found.x.reshape(n, k).argmax(axis=1).astype(np.int64)
