import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.cluster import DBSCAN

from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.jaccard import JaccardGraph, jaccard_graph


def features_of(n, seed):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n // 7, 16))[rng.integers(0, n // 7, n)] + 0.7 * rng.normal(size=(n, 16))
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)


def graph_of(dense):
    """A graph with the given distances, those of 1 not stored."""
    dense = np.asarray(dense, dtype=np.float32)
    rows, columns = np.nonzero(dense < 1)
    distances = csr_array((dense[rows, columns], (rows, columns)), shape=dense.shape)
    neighbours = np.argsort(dense, axis=1, kind="stable")
    return JaccardGraph(neighbours=neighbours, weights=csr_array(dense.shape), distances=distances)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("eps", "min_samples"), [(0.6, 4), (0.45, 2), (0.75, 6)])
def test_labels_equal_those_from_the_dense_matrix(seed, eps, min_samples):
    features = features_of(120, seed)
    graph = jaccard_graph(features, k1=12, k2=4)
    # From the weights, in another way than the graph's own.
    weights = graph.weights.toarray().astype(np.float64)
    shared = np.minimum(weights[:, None], weights[None]).sum(axis=2)
    matrix = np.clip(1 - shared / (2 - shared), 0, 1)
    expected = DBSCAN(eps=eps, min_samples=min_samples, metric="precomputed").fit_predict(matrix)
    found = dbscan(graph, eps, min_samples)
    assert found.dtype == np.int64
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("eps", [0.6, np.float64(0.6), np.float32(0.6)])
def test_the_radius_is_inclusive_whatever_its_type(eps):
    matrix = np.full((4, 4), 0.6)
    np.fill_diagonal(matrix, 0)
    assert dbscan(graph_of(matrix), eps, 4).tolist() == [0, 0, 0, 0]


def test_stored_zeros_are_distances_and_not_gaps():
    assert dbscan(graph_of(np.zeros((5, 5))), 0.6, 4).tolist() == [0] * 5


def test_images_far_from_each_other_are_all_noise():
    assert dbscan(graph_of(1 - np.eye(5)), 0.6, 2).tolist() == [-1] * 5


def test_one_image_is_noise_unless_it_suffices():
    assert dbscan(graph_of([[0.0]]), 0.6, 4).tolist() == [-1]
    assert dbscan(graph_of([[0.0]]), 0.6, 1).tolist() == [0]


def test_the_graph_is_left_as_it_was():
    graph = jaccard_graph(features_of(50, 0))
    before = graph.distances.copy()
    dbscan(graph, 0.6, 4)
    for part in ("data", "indices", "indptr"):
        assert np.array_equal(getattr(graph.distances, part), getattr(before, part))


def test_a_radius_beyond_the_graph_is_refused():
    graph = jaccard_graph(features_of(40, 0), k1=8, radius=0.5)
    assert dbscan(graph, 0.5, 2).tolist() == dbscan(jaccard_graph(features_of(40, 0), k1=8), 0.5, 2).tolist()
    with pytest.raises(ValueError, match=r"eps is 0\.6.*up to 0\.5"):
        dbscan(graph, 0.6, 2)
