import sys
import warnings
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

from aas_plugin.clustering.finch import finch
from aas_plugin.clustering.knn import nearest


def features_of(n, seed):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n // 8 + 1, 12))[rng.integers(0, n // 8 + 1, n)] + 0.5 * rng.normal(size=(n, 12))
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)


def groups(labels):
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)}


@pytest.mark.parametrize("seed", range(10))
def test_the_first_partition_links_by_first_neighbours(seed):
    features = features_of(3 + 9 * seed, seed)
    first = [
        max((j for j in range(len(features)) if j != i), key=lambda j: x @ features[j]) for i, x in enumerate(features)
    ]
    graph = nx.Graph()
    graph.add_nodes_from(range(len(features)))
    for i in range(len(features)):
        for j in range(i):
            if first[i] == j or first[j] == i or first[i] == first[j]:
                graph.add_edge(i, j)
    labels = finch(features, nearest(features, 5).ranks)
    assert labels.dtype == np.int64
    assert groups(labels) == {frozenset(c) for c in nx.connected_components(graph)}
    assert np.array_equal(np.unique(labels), np.arange(labels.max() + 1))


def test_coarser_partitions_join_whole_clusters_until_the_coarsest():
    features = features_of(200, 3)
    neighbours = nearest(features, 5).ranks
    partitions = [finch(features, neighbours, p) for p in range(6)]
    sizes = [len(np.unique(labels)) for labels in partitions]
    assert sizes[0] > sizes[1] and sizes == sorted(sizes, reverse=True)
    for fine, coarse in pairwise(partitions):
        assert all(len(np.unique(coarse[fine == label])) == 1 for label in np.unique(fine))
    assert np.array_equal(finch(features, neighbours, 99), partitions[-1])


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("partition", [0, 1, 7])
def test_a_handful_of_images_is_one_cluster(n, partition):
    features = features_of(n, n)
    assert finch(features, nearest(features, 30).ranks, partition).tolist() == [0] * n


def test_copies_of_one_image_are_one_cluster():
    features = np.tile(features_of(1, 0), (50, 1))
    assert finch(features, nearest(features, 30).ranks).tolist() == [0] * 50


def test_neighbours_without_a_second_column_are_refused():
    features = features_of(4, 0)
    with pytest.raises(ValueError, match="first neighbour"):
        finch(features, nearest(features, 1).ranks)


def test_a_missing_pynndescent_is_not_mentioned(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "finch"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pynndescent", None)
    features = features_of(9, 0)
    neighbours = nearest(features, 3).ranks
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        finch(features, neighbours, partition=1)
