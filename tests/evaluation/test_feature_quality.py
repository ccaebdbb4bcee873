"""Neighbours, flanks, copies and stability: beside slow counts, and where there is nothing to count."""

import numpy as np
import pytest

from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.jaccard import jaccard_graph
from aas_plugin.evaluation.data_check import check_data, verdict
from aas_plugin.evaluation.feature_quality import flanks, near_duplicates, purity, stability


def unit(rows):
    rows = np.asarray(rows, dtype=np.float64)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def random_features(n, dimensions=8, seed=0):
    return unit(np.random.default_rng(seed).normal(size=(n, dimensions)))


def test_purity_is_that_of_a_slow_count():
    features = random_features(40)
    individual = np.random.default_rng(1).integers(-1, 9, 40)
    known = [i for i in range(40) if individual[i] >= 0]
    firsts, shares, chances = [], [], []
    for i in known:
        others = [j for j in known if j != i]
        right = [
            individual[j] == individual[i] for j in sorted(others, key=lambda j: -float(features[i] @ features[j]))
        ]
        if any(right):
            firsts.append(right[0])
            shares.append(np.mean(right[: sum(right)]))
            chances.append(sum(right) / len(others))
    found = purity(features, individual)
    assert found.images == len(firsts)
    assert found.top1 == pytest.approx(np.mean(firsts))
    assert found.at_k == pytest.approx(np.mean(shares))
    assert found.top1_chance == found.at_k_chance == pytest.approx(np.mean(chances))


def test_without_two_photos_of_anybody_there_is_no_purity():
    features = random_features(5)
    assert purity(features, np.full(5, -1)) is None
    assert purity(features, np.arange(5)) is None


def test_flanks_that_features_tell_apart_better_than_individuals():
    side = np.tile(["left", "right"], 20).astype(object)
    individual = np.repeat(np.arange(10), 4)
    rng = np.random.default_rng(0)
    features = unit(np.where(side == "left", 3, -3)[:, None] + rng.normal(size=(10, 6))[individual])
    seen = flanks(features, side, individual)
    assert seen.names == ["left", "right"]
    assert seen.neighbours == 1
    assert seen.neighbours_chance == pytest.approx(19 / 39)
    assert (seen.one_only, seen.individuals) == (0, 10)
    assert seen.alone.top1 == 1
    assert seen.alone.top1_chance == pytest.approx(1 / 19)


def test_flanks_count_individuals_of_one_side_and_leave_out_images_without_one():
    side = np.array(["left", "left", "left", "right", None], dtype=object)
    seen = flanks(random_features(5), side, np.array([0, 0, 1, 1, 1]))
    assert (seen.one_only, seen.individuals) == (1, 2)
    assert flanks(random_features(5), np.full(5, None), np.arange(5)) is None
    assert flanks(random_features(5), np.array(["left", None, None, None, None], dtype=object), np.arange(5)) is None


def test_near_duplicates_are_those_with_an_earlier_image_at_the_threshold():
    features = unit([[1, 0], [1, 0.1], [0, 1], [0.02, 1], [1, 1]])
    assert near_duplicates(features, 0.99) == 2
    assert near_duplicates(features, 0.9999) == 0
    assert near_duplicates(features[:1], 0.5) == 0


def test_separate_groups_are_stable():
    individual = np.repeat(np.arange(6), 8)
    features = unit(np.eye(6)[individual] + 0.05 * random_features(48, 6))
    graph = jaccard_graph(features, 8, 3, radius=0.55)
    assert stability(graph, dbscan(graph, 0.5, 2), [0.45, 0.55], 2) == 1
    scattered = jaccard_graph(random_features(3), 3, 2, radius=0.55)
    assert stability(scattered, dbscan(scattered, 0.5, 4), [0.55], 4) is None


def numbers(value):
    if isinstance(value, dict):
        return [one for inner in value.values() for one in numbers(inner)]
    return [value] if isinstance(value, float) else []


def checked(features, identity=None, hashes=None):
    n = len(features)
    nobody = np.full(n, None, dtype=object)
    return check_data(
        features,
        hashes or [f"{i:03d}" for i in range(n)],
        nobody if identity is None else np.asarray(identity, dtype=object),
        nobody,
        {},
        np.arange(n),
    )


@pytest.mark.parametrize("n", [0, 1, 2, 30])
@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("kind", ["copies", "alike", "different"])
def test_any_data_give_a_verdict_without_nan(n, named, kind):
    features = random_features(n) if kind == "different" and n else np.tile(unit([[1, 0]]), (n, 1))
    result = checked(
        features, [str(i % 4) for i in range(n)] if named else None, ["a"] * n if kind == "copies" else None
    )
    assert np.isfinite(numbers(result)).all()
    assert result["verdict"] in ("good", "weak", "hopeless", "unknown")
    assert result["advice"]
    if kind == "copies" and n:
        assert result["exact_duplicates"] == n - 1
        assert result["verdict"] == "unknown"


def test_separate_individuals_are_good_and_noise_is_hopeless():
    individual = np.repeat(np.arange(12), 8)
    clear = unit(np.eye(12)[individual] + 0.1 * random_features(96, 12))
    names = [str(one) for one in individual]
    assert checked(clear, names)["verdict"] == "good"
    assert checked(clear)["verdict"] == "unknown"
    assert checked(random_features(96, 64), names)["verdict"] == "hopeless"
    # Without identities noise, which falls into small clusters, is never called good.
    assert checked(random_features(96, 64))["verdict"] != "good"


def test_without_identities_a_giant_cluster_is_hopeless_and_no_verdict_without_clusters_is_good():
    common = {"images": 100, "exact_duplicates": 0, "purity": None, "flanks": None}
    clustering = {"clusters": 5, "clustered": 0.9, "largest": 0.5}
    assert verdict(common | {"clustering": clustering})[0] == "hopeless"
    assert verdict(common | {"clustering": clustering | {"largest": 0.1}})[0] == "unknown"
    assert verdict(common | {"clustering": clustering | {"clusters": 0, "largest": 0.0}})[0] == "hopeless"
