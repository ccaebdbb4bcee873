import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aas_plugin.sampling.regions import uncertainty_regions

two_partitions = st.integers(1, 14).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(0, 6), min_size=n, max_size=n).map(np.array)] * 2)
)


def clusters(labels):
    return [frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)]


def reference(a, b):
    """Connected components of partly overlapping clusters, numbered by their first image."""
    graph = nx.Graph()
    for cluster_a in clusters(a):
        for cluster_b in clusters(b):
            if 0 < len(cluster_a & cluster_b) / len(cluster_a | cluster_b) < 1:
                graph.add_edge(("a", cluster_a), ("b", cluster_b))
    images = [frozenset().union(*(c for _, c in nodes)) for nodes in nx.connected_components(graph)]
    region = np.full(len(a), -1)
    for k, members in enumerate(sorted(images, key=min)):
        region[list(members)] = k
    return region


@given(two_partitions)
def test_regions_are_the_components_of_partial_overlap(partitions):
    found = uncertainty_regions(*partitions)
    assert found.dtype == np.int64
    assert found.tolist() == reference(*partitions).tolist()


@given(two_partitions)
def test_neither_the_order_of_the_views_nor_the_names_of_clusters_matter(partitions):
    a, b = partitions
    found = uncertainty_regions(a, b).tolist()
    assert uncertainty_regions(b, a).tolist() == found
    assert uncertainty_regions(1000 - 7 * a, b).tolist() == found


@given(two_partitions)
def test_views_that_agree_have_no_region(partitions):
    a, _ = partitions
    assert uncertainty_regions(a, 20 - a).tolist() == [-1] * len(a)


@pytest.mark.parametrize(
    ("a", "b", "region"),
    [
        ([0], [5], [-1]),
        ([], [], []),
        ([0, 0, 1], [0, 1, 2], [0, 0, -1]),
        ([0, 0, 1, 1, 2, 2], [0, 1, 1, 2, 3, 3], [0, 0, 0, 0, -1, -1]),
        ([0, 1, 2, 3], [0, 0, 0, 0], [0, 0, 0, 0]),
    ],
)
def test_small_examples(a, b, region):
    found = uncertainty_regions(np.array(a, dtype=np.int64), np.array(b, dtype=np.int64))
    assert found.tolist() == region
