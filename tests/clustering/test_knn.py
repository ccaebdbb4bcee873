import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from aas_plugin.clustering.knn import FeatureError, nearest

# Where there is no GPU, its way of searching runs on the CPU.
DEVICE = "cuda" if torch.cuda.is_available() else "cpu:0"

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
    found = nearest(features, k).ranks
    assert found.dtype == np.int64
    assert found.shape == (len(features), min(k, len(features)))
    assert found.tolist() == reference(features, k)


def test_random_features_are_ranked_exactly_across_blocks(monkeypatch):
    features = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    monkeypatch.setattr("aas_plugin.clustering.knn._TILE", 7)
    assert nearest(features, 10).ranks.tolist() == reference(features, 10)


def test_nearly_equal_images_are_ranked_by_products_that_are_rounded_once():
    rng = np.random.default_rng(2)
    features = rng.normal(size=256) + 1e-3 * rng.normal(size=(50, 256))
    features = (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)
    exact = [[np.float32(math.fsum(x.astype(float) * y.astype(float))) for y in features] for x in features]
    for i, found in enumerate(nearest(features, 50).ranks.tolist()):
        assert found[0] == i
        assert found[1:] == sorted(set(range(50)) - {i}, key=lambda j, i=i: (-exact[i][j], j))


def test_duplicates_of_a_real_vector_tie_and_never_push_an_image_out_of_its_own_list():
    rng = np.random.default_rng(1)
    row = rng.normal(size=333).astype(np.float32)
    features = np.tile(row / np.linalg.norm(row), (41, 1))
    found = nearest(features, 5).ranks
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


def rings(n):
    """Points evenly on a circle: every image has two neighbours at each distance, up to rounding."""
    angle = 2 * np.pi * np.arange(n) / n
    return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)


def noisy(n, dimensions, duplicates, seed):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, dimensions)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    features[rng.integers(0, n, duplicates)] = features[0]
    return features


@pytest.mark.parametrize(
    "features",
    [
        noisy(300, 64, 0, 0),
        noisy(300, 8, 200, 1),
        noisy(50, 512, 30, 2),
        rings(31),
        rings(128),
        EXACT,
        noisy(1, 4, 0, 3),
    ],
)
@pytest.mark.parametrize("k", [1, 2, 30])
def test_a_search_by_torch_gives_the_same_neighbours(features, k):
    on_device = nearest(features, k, DEVICE)
    on_cpu = nearest(features, k)
    assert np.array_equal(on_device.ranks, on_cpu.ranks)
    np.testing.assert_allclose(on_device.similarity, on_cpu.similarity, atol=1e-6)


@pytest.mark.parametrize("device", ["cpu", DEVICE])
def test_progress_begins_at_once_and_ends_full(device, monkeypatch):
    monkeypatch.setattr("aas_plugin.clustering.knn._TILE", 16)
    calls = []
    nearest(noisy(40, 8, 0, 0), 5, device, lambda done, total: calls.append((done, total)))
    done, totals = zip(*calls, strict=True)
    assert done[0] == 0 and done[-1] == totals[-1] and len(set(totals)) == 1
    assert list(done) == sorted(set(done))


@pytest.mark.parametrize("device", ["cpu", DEVICE])
@pytest.mark.parametrize("copies", [0, 100, 299])
def test_blocks_of_rows_and_columns_change_nothing(device, copies, monkeypatch):
    features = noisy(150, 16, copies, 4)
    expected = reference(features, 6)
    monkeypatch.setattr("aas_plugin.clustering.knn._TILE", 32)
    monkeypatch.setattr("aas_plugin.clustering.knn._BLOCK_BYTES", 150 * 40)
    monkeypatch.setattr("aas_plugin.clustering.knn._EXACT_BYTES", 8 * 150 * 7)
    assert nearest(features, 6, device).ranks.tolist() == expected


@pytest.mark.parametrize("factor", [0.5, 1.5, 1e3])
def test_rows_that_are_not_of_unit_length_are_refused(factor):
    features = noisy(9, 8, 0, 0)
    features[5] *= factor
    with pytest.raises(FeatureError, match=r"1 images are not of unit length \(row 5"):
        nearest(features, 3)


def test_mixed_precision_around_it_changes_nothing():
    features = noisy(200, 64, 20, 5)
    expected = nearest(features, 10).ranks
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert np.array_equal(nearest(features, 10, "cpu:0").ranks, expected)
