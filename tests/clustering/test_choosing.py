"""Clustering that fits: groups that are there are found, and the score is that of the formula."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aas_plugin.clustering.choosing import (
    K1,
    Fitted,
    _Pairs,
    fit_clustering,
    fitting_k2,
    most_neighbours,
    neighbouring,
    whitened,
)
from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.jaccard import jaccard_graph
from aas_plugin.clustering.knn import FeatureError, nearest
from aas_plugin.evaluation.clustering_quality import clustering_quality


def groups(sizes, spread=0.3, dimensions=16, seed=0):
    rng = np.random.default_rng(seed)
    individual = np.repeat(np.arange(len(sizes)), sizes)
    features = rng.normal(size=(len(sizes), dimensions))[individual]
    features = features + spread * rng.normal(size=features.shape)
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32), individual


def ari(features, individual, fitted):
    graph = jaccard_graph(features, fitted.k1, fitted.k2, radius=fitted.eps)
    return clustering_quality(dbscan(graph, fitted.eps, fitted.min_samples), individual)["ARI"]


@pytest.mark.parametrize("sizes", [[4] * 20, [10] * 12, [40] * 5, [3, 5, 8, 13, 21, 34]])
def test_groups_of_any_size_are_found(sizes):
    features, individual = groups(sizes)
    assert ari(features, individual, fit_clustering(features)) > 0.8


def test_small_groups_need_fewer_neighbours_than_the_official_code_has():
    features, individual = groups([4] * 20)
    assert ari(features, individual, Fitted(30, 6, 0.6, 4, 0)) < 0.5


def test_what_is_given_stays():
    features, _ = groups([10] * 6)
    fitted = fit_clustering(features, k1=9, k2=5, eps=0.42, min_samples=3)
    assert fitted[:4] == (9, 5, 0.42, 3)
    assert fit_clustering(features, eps=0.42).eps == 0.42
    assert fit_clustering(features, k1=9)[:2] == (9, 3)


def test_the_choice_is_the_same_again():
    features, _ = groups([9] * 50, spread=0.8)
    assert fit_clustering(features, seed=3) == fit_clustering(features, seed=3)


@pytest.mark.parametrize("k1", [None, 7, 30])
def test_neighbours_that_are_known_change_nothing(k1):
    features = groups([5] * 12)[0]
    known = nearest(features, most_neighbours(k1))
    assert fit_clustering(features, k1=k1, neighbours=known) == fit_clustering(features, k1=k1)


def test_the_score_is_the_product_of_both_correlations():
    features, _ = groups([6] * 8, spread=0.7)
    labels = np.random.default_rng(1).integers(-1, 5, len(features))
    labels[:6] = labels[6:12] = 4
    n = len(features)
    centred = features - features.mean(axis=0, dtype=np.float64)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    white = centred @ vectors[:, -12:] / np.sqrt(values[-12:])
    expected = 1.0
    for one in (centred, white):
        unit = one / np.linalg.norm(one, axis=1, keepdims=True)
        pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
        together = [float(labels[i] == labels[j] >= 0) for i, j in pairs]
        expected *= max(np.corrcoef(together, [unit[i] @ unit[j] for i, j in pairs])[0, 1], 0)
    assert _Pairs(features, np.random.default_rng(0)).score(labels) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("shape", [(30, 6), (6, 30)])
def test_whitened_rows_have_unit_variance_in_every_direction_both_ways(shape):
    basis = np.random.default_rng(0).normal(size=shape) * np.arange(1, shape[1] + 1)
    basis -= basis.mean(axis=0)
    white = whitened(basis, basis)
    np.testing.assert_allclose(white.T @ white, np.eye(white.shape[1]), atol=1e-8)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 40), st.integers(1, 5), st.integers(0, 9))
def test_any_features_get_values_in_their_ranges(n, dimensions, seed):
    features = np.random.default_rng(seed).normal(size=(n, dimensions))
    features = (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)
    fitted = fit_clustering(features, seed=seed)
    assert fitted.k1 in K1
    assert fitted.k2 == fitting_k2(fitted.k1)
    assert 0 < fitted.eps < 1
    assert fitted.min_samples >= 2
    assert 0 <= fitted.score <= 1


@pytest.mark.parametrize("n", [1, 2, 7, 50])
def test_copies_of_one_image_have_no_fitting_clustering_and_get_the_official_one(n):
    features = np.zeros((n, 4), dtype=np.float32)
    features[:, 0] = 1
    assert fit_clustering(features) == Fitted(30, 6, 0.6, 4, 0.0)


def test_features_that_are_not_finite_are_refused():
    with pytest.raises(FeatureError):
        fit_clustering(np.full((20, 3), np.nan, dtype=np.float32))


def test_progress_ends_full():
    told = []
    fit_clustering(groups([8] * 5)[0], progress=lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1]


def test_neighbouring_values():
    assert list(neighbouring([0.3, 0.4, 0.5], 0.4)) == [0.3, 0.5]
    assert list(neighbouring([0.3, 0.4, 0.5], 0.3)) == [0.4]
    assert list(neighbouring([0.3, 0.4, 0.5], 0.45)) == [0.4, 0.5]
    assert list(neighbouring([], 0.45)) == []
