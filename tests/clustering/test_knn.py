import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aas_plugin.clustering.knn import FeatureError, nearest

# Unit vectors whose inner products are exact in floating point, so that ties are ties.
EXACT = np.concatenate(
    [
        np.array(np.meshgrid(*[[0.5, -0.5]] * 4)).reshape(4, -1).T,
        np.eye(4),
        -np.eye(4),
    ]
).astype(np.float32)

exact_features = st.lists(st.integers(0, len(EXACT) - 1), min_size=1, max_size=24).map(lambda rows: EXACT[rows])


def reference(features, k):
    ranks = []
    for i in range(len(features)):
        others = [j for j in range(len(features)) if j != i]
        others.sort(key=lambda j: (-sum(float(x) * float(y) for x, y in zip(*features[[i, j]], strict=True)), j))
        ranks.append(([i, *others])[:k])
    return ranks


@given(exact_features, st.integers(1, 30))
def test_it_ranks_by_inner_product_then_index_with_the_image_itself_first(features, k):
    found = nearest(features, k)
    assert found.dtype == np.int64
    assert found.shape == (len(features), min(k, len(features)))
    assert found.tolist() == reference(features, k)


def test_random_features_are_ranked_exactly_across_blocks(monkeypatch):
    features = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    monkeypatch.setattr("aas_plugin.clustering.knn._BLOCK_BYTES", 8 * 60 * 7)
    assert nearest(features, 10).tolist() == reference(features, 10)


def test_nearly_equal_images_are_ranked_by_products_that_are_rounded_once():
    rng = np.random.default_rng(2)
    features = rng.normal(size=256) + 1e-3 * rng.normal(size=(50, 256))
    features = (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)
    exact = [[np.float32(math.fsum(x.astype(float) * y.astype(float))) for y in features] for x in features]
    for i, found in enumerate(nearest(features, 50).tolist()):
        assert found[0] == i
        assert found[1:] == sorted(set(range(50)) - {i}, key=lambda j, i=i: (-exact[i][j], j))


def test_duplicates_of_a_real_vector_tie_and_never_push_an_image_out_of_its_own_list():
    rng = np.random.default_rng(1)
    row = rng.normal(size=333).astype(np.float32)
    features = np.tile(row / np.linalg.norm(row), (41, 1))
    found = nearest(features, 5)
    for i, list_ in enumerate(found.tolist()):
        assert list_ == [i, *[j for j in range(41) if j != i][:4]]


@pytest.mark.parametrize("shape", [(0, 4), (4,), (2, 3, 4)])
def test_features_of_a_wrong_shape_are_refused(shape):
    with pytest.raises(FeatureError, match="shape"):
        nearest(np.zeros(shape, dtype=np.float32), 3)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused_by_row(value):
    features = EXACT[:5].copy()
    features[3, 1] = value
    with pytest.raises(FeatureError, match="row 3"):
        nearest(features, 3)
