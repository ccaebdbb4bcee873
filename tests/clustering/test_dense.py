import tracemalloc

import numpy as np
import pytest
from dense_round import dense_distances, neighbours
from hypothesis import given, settings
from hypothesis import strategies as st

from aas_plugin.clustering import dense
from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.dense import DenseGraph
from aas_plugin.clustering.jaccard import jaccard_graph
from aas_plugin.errors import AasError

LEVELS = {"many ties": [0.0, 0.25, 0.5, 0.75, 1.0], "at the edge": [0.0, 0.6, np.nextafter(1, 0), 1.0, 1.0009]}


def matrix_of(n, kind, dtype, seed, lopsided=0.0):
    """Any matrix of distances; `lopsided` is how far the two entries of a pair may lie apart."""
    rng = np.random.default_rng(seed)
    values = rng.random((n, n)) if kind == "few ties" else rng.choice(LEVELS[kind], size=(n, n))
    upper = np.triu(values, 1)
    matrix = upper + upper.T + lopsided * rng.random((n, n))
    return np.clip(matrix, 0, 1.0009).astype(dtype)


def reference(matrix):
    """Pair by pair: the mean in single precision, 0 to itself, at most 1."""
    n = len(matrix)
    result = np.zeros((n, n), dtype=np.float32)
    for u in range(n):
        for v in range(n):
            if u != v:
                result[u, v] = min((np.float32(matrix[u, v]) + np.float32(matrix[v, u])) / np.float32(2), np.float32(1))
    return result


def stored(matrix):
    """The stored pairs of a sparse matrix with their values."""
    entries = matrix.tocoo()
    return dict(zip(zip(entries.row.tolist(), entries.col.tolist(), strict=True), entries.data.tolist(), strict=True))


any_matrix = st.builds(
    matrix_of,
    n=st.integers(1, 14),
    kind=st.sampled_from(["few ties", *LEVELS]),
    dtype=st.sampled_from([np.float16, np.float32, np.float64]),
    seed=st.integers(0, 10**6),
    lopsided=st.sampled_from([0.0, 0.0, 1e-6, 0.3]),
)


@settings(max_examples=80)
@given(matrix=any_matrix, block=st.sampled_from([1, 20, 1 << 22]), seed=st.integers(0, 10**6))
def test_it_is_the_mean_of_both_entries_pair_by_pair(matrix, block, seed):
    rng = np.random.default_rng(seed)
    n = len(matrix)
    expected = reference(matrix)
    radius = float(rng.choice([0.25, 0.6, 1.0]))
    groups = rng.integers(-1, 3, n)
    k = int(rng.integers(1, 6))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dense, "_BLOCK", block)
        graph = DenseGraph(matrix, radius, k)
        u, v = (ends.ravel() for ends in np.indices((n, n)))
        np.testing.assert_array_equal(graph.distance(u, v).reshape(n, n), expected)
        np.testing.assert_array_equal(graph.between(np.arange(n), np.arange(n)), expected)
        near, among, ranks = graph.distances, graph.among(groups), graph.neighbours
    pairs = [(i, j) for i in range(n) for j in range(n) if expected[i, j] < 1]
    assert stored(near) == {(i, j): expected[i, j] for i, j in pairs if expected[i, j] <= np.float32(radius)}
    assert stored(among) == {(i, j): expected[i, j] for i, j in pairs if groups[i] == groups[j] >= 0}
    for sparse in (near, among):
        assert sparse.dtype == np.float32 and sparse.has_sorted_indices and sparse.shape == (n, n)
        assert all(
            (np.diff(sparse.indices[a:b]) > 0).all() for a, b in zip(sparse.indptr, sparse.indptr[1:], strict=False)
        )
    for i in range(n):
        others = sorted((j for j in range(n) if j != i and expected[i, j] < 1), key=lambda j, i=i: (expected[i, j], j))
        assert ranks[i].tolist() == [i, *others, *[i] * n][: min(k, n)]


def features_of(n, seed):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n // 8, 24))[rng.integers(0, n // 8, n)] + 0.7 * rng.normal(size=(n, 24))
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("seed", range(3))
def test_the_official_distance_gives_the_same_graph_as_the_features(seed):
    features = features_of(160, seed)
    sparse = jaccard_graph(features, radius=0.7)
    graph = DenseGraph(dense_distances(features, neighbours(features)), radius=0.7)
    assert (abs(sparse.distances - graph.distances)).max() < 2e-6
    assert sparse.distances.nnz == graph.distances.nnz
    groups = np.random.default_rng(seed).integers(-1, 4, 160)
    assert (abs(sparse.among(groups) - graph.among(groups))).max() < 2e-6
    u, v = np.random.default_rng(seed).integers(0, 160, size=(2, 500))
    np.testing.assert_allclose(graph.distance(u, v), sparse.distance(u, v), atol=2e-6)
    assert dbscan(graph, 0.6, 4).tolist() == dbscan(sparse, 0.6, 4).tolist()


def test_an_image_that_shares_nothing_is_its_own_neighbour():
    matrix = np.ones((4, 4), dtype=np.float32)
    matrix[0, 1] = matrix[1, 0] = 0.5
    assert DenseGraph(matrix, k=3).neighbours.tolist() == [[0, 1, 0], [1, 0, 1], [2, 2, 2], [3, 3, 3]]


def test_the_matrix_is_neither_copied_nor_changed():
    matrix = matrix_of(600, "few ties", np.float32, 0, lopsided=0.1)
    before = matrix.copy()
    matrix.setflags(write=False)
    tracemalloc.start()
    graph = DenseGraph(matrix, radius=0.05)
    graph.distance(np.arange(600), np.arange(600)[::-1])
    assert tracemalloc.get_traced_memory()[1] < matrix.nbytes / 10
    tracemalloc.stop()
    _ = graph.neighbours, graph.distances, graph.among(np.zeros(600, dtype=np.int64))
    np.testing.assert_array_equal(matrix, before)


def test_whole_numbers_are_distances():
    graph = DenseGraph(1 - np.eye(3, dtype=np.int64))
    assert graph.distance(np.array([0, 0]), np.array([0, 1])).tolist() == [0, 1]


def changed(value):
    matrix = np.full((4, 4), 0.5)
    matrix[1, 2] = value
    return matrix


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (np.zeros((3, 4)), r"shape \(3, 4\).*\(N, N\)"),
        (np.zeros(9), r"shape \(9,\)"),
        (np.zeros((2, 2, 2)), r"shape \(2, 2, 2\)"),
        (np.zeros((0, 0)), "at least one image"),
        (changed(np.nan), "look for NaN"),
        (changed(np.inf), "to inf"),
        (changed(-0.01), r"from -0\.01"),
        (changed(1.5), r"to 1\.5.*another distance"),
        (np.full((3, 3), "near"), "real numbers"),
        (np.zeros((3, 3), dtype=complex), "complex128; real numbers"),
        (np.zeros((3, 3), dtype=bool), "bool; real numbers"),
    ],
)
def test_what_is_no_matrix_of_distances_is_refused(matrix, words):
    with pytest.raises(AasError, match=words):
        DenseGraph(matrix)


@pytest.mark.parametrize("pairs", [([9], [0]), ([0], [-1]), ([0, 1], [0, 100])])
def test_images_that_are_not_there_have_no_distance(pairs):
    graph = DenseGraph(np.zeros((9, 9)))
    for ask in (graph.distance, graph.between):
        with pytest.raises(IndexError, match="from 0 to 8"):
            ask(*map(np.array, pairs))


def test_pairs_need_both_ends():
    with pytest.raises(ValueError, match="each pair needs both"):
        DenseGraph(np.zeros((9, 9))).distance(np.array([0, 1]), np.array([0]))
