import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aas_plugin.clustering import kernels
from aas_plugin.clustering.jaccard import jaccard_graph


def features_of(n, dimensions, duplicates, seed):
    """Noisy groups of unit vectors; the first `duplicates` are one image."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(1, n // 6), dimensions))
    features = centres[rng.integers(0, len(centres), n)] + 0.4 * rng.normal(size=(n, dimensions))
    features[:duplicates] = features[0]
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)


def reference(features, k1, k2):
    """The dense formula, set by set: weights after query expansion and distances."""
    n = len(features)
    k1 = min(k1, n)
    similarity = features.astype(np.float64) @ features.astype(np.float64).T
    similarity32 = similarity.astype(np.float32)
    rank = [sorted(range(n), key=lambda j, i=i: (j != i, -similarity32[i, j], j))[:k1] for i in range(n)]

    def reciprocal(i, k):
        return {j for j in rank[i][: k + 1] if i in rank[j][: k + 1]}

    weights = np.zeros((n, n))
    for i in range(n):
        wide = reciprocal(i, k1)
        expanded = set(wide)
        for c in wide:
            narrow = reciprocal(c, int(np.around(k1 / 2)))
            if len(narrow & wide) > 2 / 3 * len(narrow):
                expanded |= narrow
        members = sorted(expanded)
        exponentials = np.exp(-(2 - 2 * similarity[i, members]))
        weights[i, members] = exponentials / exponentials.sum()
    weights = np.stack([weights[rank[i][:k2]].mean(axis=0) for i in range(n)])
    distances = np.ones((n, n))
    for i, j in itertools.product(range(n), repeat=2):
        shared = np.minimum(weights[i], weights[j]).sum()
        distances[i, j] = 1 - shared / (2 - shared)
    return weights, distances


def dense(graph):
    """Distances as a matrix, 1 where none is stored."""
    result = np.ones(graph.distances.shape, dtype=np.float32)
    stored = graph.distances.tocoo()
    result[stored.row, stored.col] = stored.data
    return result


@settings(max_examples=120)
@given(
    n=st.integers(1, 40),
    dimensions=st.sampled_from([2, 5, 16]),
    duplicates=st.sampled_from([0, 0, 2, 9]),
    k1=st.sampled_from([1, 2, 3, 5, 6, 7, 11, 30]),
    k2=st.sampled_from([1, 2, 3, 6]),
    seed=st.integers(0, 10**6),
)
def test_weights_and_distances_equal_the_dense_formula(n, dimensions, duplicates, k1, k2, seed):
    features = features_of(n, dimensions, min(duplicates, n), seed)
    graph = jaccard_graph(features, k1, k2)
    weights, distances = reference(features, k1, k2)
    np.testing.assert_allclose(graph.weights.toarray(), weights, atol=2e-6)
    np.testing.assert_allclose(dense(graph), distances, atol=5e-6)


@pytest.mark.parametrize("n", [1, 2, 50, 150])
def test_exactly_the_pairs_closer_than_one_are_stored_sorted_and_with_the_diagonal(n):
    graph = jaccard_graph(features_of(n, 16, 0, n))
    distances = graph.distances
    assert distances.dtype == graph.weights.dtype == np.float32
    assert graph.neighbours.shape == (n, min(30, n))
    assert distances.has_sorted_indices and graph.weights.has_sorted_indices
    _, expected = reference(features_of(n, 16, 0, n), 30, 6)
    stored = np.zeros((n, n), dtype=bool)
    stored[distances.tocoo().row, distances.tocoo().col] = True
    assert np.array_equal(stored, expected < 1 - 1e-9)
    assert stored.diagonal().all()
    assert distances.data.max() < 1 and distances.data.min() >= 0
    assert np.array_equal(dense(graph), dense(graph).T)


def test_a_distance_computed_by_pair_is_bitwise_the_stored_one():
    graph = jaccard_graph(features_of(80, 16, 5, 3), k1=8, k2=3)
    u, v = (ends.ravel() for ends in np.indices((80, 80)))
    found = graph.distance(u, v)
    assert found.dtype == np.float32
    assert np.array_equal(found, dense(graph).ravel())
    assert (found == 1).any() and (found < 1).any()


def test_distances_between_images_are_bitwise_those_of_their_pairs():
    graph = jaccard_graph(features_of(80, 16, 5, 3), k1=8, k2=3, radius=0.4)
    rng = np.random.default_rng(0)
    for rows, columns in ((80, 80), (80, 7), (3, 80), (1, 1), (0, 5), (5, 0)):
        rows, columns = rng.integers(0, 80, rows), rng.permutation(80)[:columns]
        found = graph.between(rows, columns)
        assert found.dtype == np.float32 and found.shape == (len(rows), len(columns))
        pairs = np.repeat(rows, len(columns)), np.tile(columns, len(rows))
        assert np.array_equal(found.ravel(), graph.distance(*pairs))


def test_no_pairs_have_no_distances():
    graph = jaccard_graph(features_of(3, 4, 0, 0))
    none = np.empty(0, dtype=np.int64)
    assert graph.distance(none, none).shape == (0,)


def test_one_image_is_at_no_distance_from_itself():
    graph = jaccard_graph(np.ones((1, 1), dtype=np.float32))
    assert graph.neighbours.tolist() == [[0]]
    assert graph.distances.toarray().tolist() == [[0.0]]
    assert graph.distances.nnz == 1


def test_a_few_copies_of_one_image_are_at_no_distance():
    graph = jaccard_graph(features_of(20, 8, 20, 0))
    np.testing.assert_allclose(dense(graph), 0, atol=1e-6)


def test_more_copies_than_neighbours_give_the_same_graph_every_time():
    features = features_of(100, 8, 60, 5)
    first, second = jaccard_graph(features, k1=10), jaccard_graph(features.copy(), k1=10)
    assert np.array_equal(dense(first), dense(second))
    np.testing.assert_allclose(dense(first), reference(features, 10, 6)[1], atol=5e-6)


@pytest.mark.parametrize("radius", [0.2, 0.5, 0.7])
def test_a_radius_leaves_out_exactly_what_is_farther(radius):
    features = features_of(150, 16, 5, 1)
    whole, cut = jaccard_graph(features, 10, 4), jaccard_graph(features, 10, 4, radius=radius)
    expected = np.where(dense(whole) <= np.float32(radius), dense(whole), 1)
    assert np.array_equal(dense(cut), expected)
    assert cut.distances.nnz == np.count_nonzero(dense(whole) <= np.float32(radius))
    assert 0 < cut.distances.nnz < whole.distances.nnz
    everywhere = tuple(ends.ravel() for ends in np.indices((150, 150)))
    assert np.array_equal(cut.distance(*everywhere), dense(whole).ravel())


@pytest.mark.parametrize("seed", range(5))
def test_among_groups_every_pair_closer_than_one_is_there_whatever_the_radius(seed):
    features = features_of(120, 16, 5, seed)
    groups = np.random.default_rng(seed).integers(-1, 6, 120)
    inside = (groups[:, None] == groups[None]) & (groups[:, None] >= 0)
    found = jaccard_graph(features, 10, 4, radius=0.3).among(groups)
    assert found.has_sorted_indices
    expected = np.where(inside, dense(jaccard_graph(features, 10, 4)), 1)
    stored = found.tocoo()
    assert inside[stored.row, stored.col].all()
    result = np.ones((120, 120), dtype=np.float32)
    result[stored.row, stored.col] = stored.data
    assert np.array_equal(result, expected)


@pytest.mark.parametrize("radius", [0.6, 1.0])
def test_threads_change_nothing(monkeypatch, radius):
    graph = jaccard_graph(features_of(150, 16, 5, 3), 10, 4)
    weights = graph.weights.indptr, graph.weights.indices, graph.weights.data
    groups = np.random.default_rng(0).choice([-1, 0, 0, 0, 1, 2], 150)
    alone = kernels.distances_within(*weights, groups, radius)
    monkeypatch.setattr(kernels, "WORTH_THREADS", 1)
    for threads in (2, 3, 200):
        for one, other in zip(alone, kernels.distances_within(*weights, groups, radius, threads), strict=True):
            assert np.array_equal(one, other)


def test_among_no_groups_is_nothing():
    graph = jaccard_graph(features_of(9, 8, 0, 0))
    assert graph.among(np.full(9, -1)).nnz == 0


@pytest.mark.parametrize("pairs", [([9], [0]), ([0], [-1]), ([0, 1], [0, 100])])
def test_images_that_are_not_there_have_no_distance(pairs):
    graph = jaccard_graph(features_of(9, 8, 0, 0))
    for ask in (graph.distance, graph.between):
        with pytest.raises(IndexError, match="from 0 to 8"):
            ask(*map(np.array, pairs))


def test_pairs_need_both_ends():
    with pytest.raises(ValueError, match="each pair needs both"):
        jaccard_graph(features_of(9, 8, 0, 0)).distance(np.array([0, 1]), np.array([0]))
