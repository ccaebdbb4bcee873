"""The whole way from features to labels against the dense formula and scikit-learn's DBSCAN."""

import numpy as np
import pytest
import torch
from dense_round import dense_distances, dense_labels, neighbours

from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.jaccard import jaccard_graph

RADII = [0.58, 0.6, 0.62]
DEVICE = "cuda" if torch.cuda.is_available() else "cpu:0"


def unit(features):
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)


def individuals(n, dimensions, noise, seed, share_of_largest=0.0):
    rng = np.random.default_rng(seed)
    of = rng.integers(0, max(1, n // 8), n)
    of[rng.random(n) < share_of_largest] = 0
    return unit(rng.normal(size=(of.max() + 1, dimensions))[of] + noise * rng.normal(size=(n, dimensions)))


def duplicates(n, copies, seed):
    """Every image `copies` times, in random order."""
    features = individuals(n, 24, 0.6, seed)
    return features[np.random.default_rng(seed).permutation(np.repeat(np.arange(n), copies))]


def ring(n):
    angle = 2 * np.pi * np.arange(n) / n
    return unit(np.stack([np.cos(angle), np.sin(angle)], axis=1))


def corners():
    """Few distinct inner products, all exact: nearly every neighbour is tied."""
    rows = np.array(np.meshgrid(*[[0.5, -0.5]] * 4)).reshape(4, -1).T
    return np.repeat(rows, 6, axis=0).astype(np.float32)


WITHOUT_TIES = {
    "clear": individuals(400, 128, 0.5, 0),
    "blurred": individuals(400, 64, 0.9, 1),
    "nothing but noise": individuals(300, 16, 9.0, 2),
    "one giant individual": individuals(500, 64, 0.7, 3, share_of_largest=0.5),
    "one more image than k1": individuals(31, 32, 0.6, 4),
    "fewer images than k1": individuals(17, 32, 0.6, 5),
    "few dimensions": individuals(300, 3, 0.2, 6),
}
WITH_TIES = {
    "each image twice": duplicates(120, 2, 7),
    "more copies than neighbours": duplicates(6, 40, 8),
    "ring": ring(97),
    "small ring": ring(31),
    "corners": corners(),
    "all the same": np.tile(unit(np.ones((1, 7))), (45, 1)),
}


@pytest.mark.parametrize("device", ["cpu", DEVICE])
@pytest.mark.parametrize("name", [*WITHOUT_TIES, *WITH_TIES])
def test_labels_are_those_of_the_dense_formula(name, device):
    features = (WITHOUT_TIES | WITH_TIES)[name]
    graph = jaccard_graph(features, radius=0.7, device=device)
    # Where neighbours are tied any of them may come first, so the formula takes ours; they have tests of their own.
    distances = dense_distances(features, graph.neighbours)
    for eps, expected in zip(RADII, dense_labels(distances, RADII), strict=True):
        assert np.array_equal(dbscan(graph, eps, 4), expected)


@pytest.mark.parametrize("name", WITHOUT_TIES)
def test_distances_are_those_of_the_dense_formula_with_a_search_of_its_own(name):
    features = WITHOUT_TIES[name]
    graph = jaccard_graph(features)
    found = np.ones((len(features), len(features)), dtype=np.float32)
    stored = graph.distances.tocoo()
    found[stored.row, stored.col] = stored.data
    np.testing.assert_allclose(found, dense_distances(features, neighbours(features)), atol=1e-6, rtol=0)
