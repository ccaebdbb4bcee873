"""Colour a graph with few colours: DSATUR, and exactly where the graph is small."""

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
    graph = nx.Graph()
    graph.add_nodes_from(range(n))
    graph.add_edges_from(np.unique(np.sort(edges, axis=1), axis=0).tolist())
    greedy = nx.greedy_color(graph, strategy="DSATUR")
    colours = np.array([greedy[node] for node in range(n)], dtype=np.int64)
    if n > EXACT_UP_TO:
        return colours
    clique: list[int] = max(nx.find_cliques(graph), key=len, default=[])
    for k in range(len(clique), int(colours.max(initial=-1)) + 1):
        fewer = _colour_with(k, graph, clique)
        if fewer is not None:
            return fewer
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
