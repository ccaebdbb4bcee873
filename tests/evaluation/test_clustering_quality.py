"""Agreement of pseudo-labels with individuals, against counts over all pairs."""

from itertools import combinations
from math import log

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aas_plugin.evaluation.clustering_quality import clustering_quality

KEYS = ["ARI", "NMI", "pairwise_precision", "pairwise_recall", "clusters", "noise"]
AGREEMENT = KEYS[:4]


def literal_quality(labels, identity):
    """Pair counts by loops; ARI from the pair counts and NMI from the entropies."""
    named = [i for i in range(len(labels)) if identity[i] is not None]
    nan = float("nan")
    single = [f"noise {i}" if labels[i] < 0 else labels[i] for i in named]
    truth = [identity[i] for i in named]
    counts = {"clusters": len({label for label in labels if label >= 0}), "noise": list(labels).count(-1)}
    if not named:
        return {**dict.fromkeys(AGREEMENT, nan), **counts}
    a = b = c = d = 0
    for i, j in combinations(range(len(named)), 2):
        together, same = single[i] == single[j], truth[i] == truth[j]
        a, b = a + (together and same), b + (together and not same)
        c, d = c + (same and not together), d + (not same and not together)

    def entropy(values):
        return -sum(values.count(v) / len(values) * log(values.count(v) / len(values)) for v in set(values))

    mutual = entropy(single) + entropy(truth) - entropy(list(zip(single, truth, strict=True)))
    mean = (entropy(single) + entropy(truth)) / 2
    return {
        "ARI": 1.0 if b == c == 0 else 2 * (a * d - b * c) / ((a + b) * (b + d) + (a + c) * (c + d)),
        "NMI": mutual / mean if mean else 1.0,
        "pairwise_precision": a / (a + b) if a + b else nan,
        "pairwise_recall": a / (a + c) if a + c else nan,
        **counts,
    }


@st.composite
def labellings(draw):
    size = draw(st.integers(1, 14))
    labels = draw(st.lists(st.integers(-1, 4), min_size=size, max_size=size))
    identity = draw(st.lists(st.sampled_from([None, "a", "b", "c"]), min_size=size, max_size=size))
    return np.array(labels, dtype=np.int64), identity


@given(labellings())
def test_equals_the_literal_definition(case):
    expected = literal_quality(*case)
    ours = clustering_quality(*case)
    assert list(ours) == KEYS
    assert ours == pytest.approx(expected, abs=1e-9, nan_ok=True)


@given(labellings(), st.permutations(range(5)))
def test_names_of_clusters_do_not_matter(case, names):
    labels, identity = case
    renamed = np.where(labels < 0, -1, np.array(names)[labels])
    assert clustering_quality(renamed, identity) == pytest.approx(clustering_quality(labels, identity), nan_ok=True)


def test_the_individuals_themselves_score_one():
    result = clustering_quality(np.array([3, 3, 0, 0, 7]), ["a", "a", "b", "b", "c"])
    assert result == {**dict.fromkeys(AGREEMENT, pytest.approx(1.0)), "clusters": 3, "noise": 0}


def test_all_noise_has_no_predicted_pair():
    result = clustering_quality(np.full(4, -1), ["a", "a", "b", "b"])
    assert np.isnan(result["pairwise_precision"])
    assert (result["pairwise_recall"], result["ARI"], result["clusters"], result["noise"]) == (0, 0, 0, 4)


def test_one_cluster_of_all_has_full_recall():
    result = clustering_quality(np.zeros(4, dtype=np.int64), ["a", "a", "b", "b"])
    assert (result["pairwise_precision"], result["pairwise_recall"]) == (pytest.approx(1 / 3), 1)


def test_images_without_identity_count_only_for_clusters_and_noise():
    identity = pd.array(["a", "a", pd.NA, pd.NA, pd.NA], dtype="string")
    result = clustering_quality(np.array([0, 0, 0, 5, -1]), identity)
    assert result["pairwise_precision"] == 1
    assert (result["clusters"], result["noise"]) == (2, 1)


@pytest.mark.parametrize("size", [0, 3])
def test_without_identities_agreement_is_nan(size):
    result = clustering_quality(np.zeros(size, dtype=np.int64), [None] * size)
    assert all(np.isnan(result[key]) for key in AGREEMENT)
    assert result["clusters"] == min(size, 1)
