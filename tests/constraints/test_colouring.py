"""Colourings are proper, and as small as can be where the graph is small."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aas_plugin.constraints.colouring import EXACT_UP_TO, colour, dsatur


def chromatic_number(graph):
    """Try every colouring, with rising numbers of colours."""
    nodes = list(graph)

    def can(k, colours):
        if len(colours) == len(nodes):
            return True
        node = nodes[len(colours)]
        taken = {colours[other] for other in graph[node] if other in colours}
        return any(can(k, {**colours, node: c}) for c in range(k) if c not in taken)

    return next(k for k in range(len(nodes) + 1) if can(k, {}))


def edges_of(graph):
    return np.array(graph.edges, dtype=np.int64).reshape(-1, 2)


@given(st.integers(0, 10), st.floats(0, 1), st.integers(0, 2**32 - 1))
@settings(max_examples=150)
def test_small_graphs_get_their_chromatic_number(n, density, seed):
    graph = nx.gnp_random_graph(n, density, seed=seed)
    colours = colour(n, edges_of(graph))
    assert all(colours[a] != colours[b] for a, b in graph.edges)
    assert set(colours.tolist()) == set(range(chromatic_number(graph)))


@given(st.integers(0, 40), st.floats(0, 1), st.integers(0, 2**32 - 1))
@settings(max_examples=150)
def test_its_greedy_colouring_is_that_of_networkx(n, density, seed):
    graph = nx.gnp_random_graph(n, density, seed=seed)
    theirs = nx.greedy_color(graph, "DSATUR")
    assert dsatur([list(graph[node]) for node in range(n)]).tolist() == [theirs[node] for node in range(n)]


def test_exact_where_dsatur_is_not():
    graph = next(
        graph
        for graph in (nx.gnp_random_graph(12, 0.5, seed=seed) for seed in range(1000))
        if max(nx.greedy_color(graph, "DSATUR").values()) + 1 > chromatic_number(graph)
    )
    assert colour(12, edges_of(graph)).max() + 1 == chromatic_number(graph)


def test_more_colours_than_the_largest_clique_where_needed():
    assert colour(11, edges_of(nx.mycielski_graph(4))).max() + 1 == 4


def test_large_graphs_get_a_proper_colouring():
    graph = nx.gnp_random_graph(EXACT_UP_TO + 30, 0.3, seed=0)
    colours = colour(len(graph), edges_of(graph))
    assert all(colours[a] != colours[b] for a, b in graph.edges)


@pytest.mark.parametrize("seed", range(20))
def test_order_direction_and_repeats_of_edges_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    edges = edges_of(nx.gnp_random_graph(20, 0.5, seed=seed))
    twice = np.concatenate([edges, edges])[rng.permutation(2 * len(edges))]
    assert colour(20, rng.permuted(twice, axis=1)).tolist() == colour(20, edges).tolist()
