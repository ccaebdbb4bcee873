import numpy as np
import pytest

from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.finch import finch
from aas_plugin.clustering.jaccard import jaccard_graph
from aas_plugin.sampling.views import make_views


def features_of(n, seed):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n // 10 + 1, 8))[rng.integers(0, n // 10 + 1, n)] + 0.9 * rng.normal(size=(n, 8))
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def images():
    features = features_of(120, 0)
    return features, jaccard_graph(features, k1=12, k2=4)


def test_without_answers_the_views_are_dbscan_and_finch_with_noise_apart(images):
    features, graph = images
    views = make_views(features, graph, refine=lambda labels: labels, eps=0.5, min_samples=5, finch_partition=1)
    labels = dbscan(graph, 0.5, 5)
    assert 0 < np.count_nonzero(labels == -1) < len(labels)
    assert np.array_equal(views.inlier, labels >= 0)
    assert np.array_equal(views.a[views.inlier], labels[labels >= 0])
    noise = views.a[~views.inlier]
    assert len(set(noise.tolist())) == len(noise)
    assert not set(noise.tolist()) & set(views.a[views.inlier].tolist())
    assert np.array_equal(views.b, finch(features, graph.neighbours, 1))
    assert views.a.dtype == views.b.dtype == np.int64 and views.inlier.dtype == bool
    assert views.graph is graph and views.features is features


def test_both_views_are_refined_and_noise_is_what_is_left_then(images):
    features, graph = images
    two_noise = np.flatnonzero(dbscan(graph, 0.5, 5) == -1)[:2]

    def must_link(labels):
        refined = labels.copy()
        refined[two_noise] = labels.max() + 1
        return refined

    views = make_views(features, graph, must_link, eps=0.5, min_samples=5)
    for view in (views.a, views.b):
        assert view[two_noise[0]] == view[two_noise[1]]
    assert views.inlier[two_noise].all()
    assert np.count_nonzero(~views.inlier) == np.count_nonzero(dbscan(graph, 0.5, 5) == -1) - 2


def test_noise_only_is_one_cluster_an_image():
    features = features_of(9, 0)
    views = make_views(features, jaccard_graph(features), refine=lambda labels: labels, min_samples=100)
    assert views.a.tolist() == list(range(9)) and not views.inlier.any()


def test_one_image_is_noise_in_view_a_and_a_cluster_in_view_b():
    features = np.ones((1, 1), dtype=np.float32)
    views = make_views(features, jaccard_graph(features), refine=lambda labels: labels)
    assert views.a.tolist() == [0] and views.b.tolist() == [0] and views.inlier.tolist() == [False]
