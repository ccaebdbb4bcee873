"""Matching agrees with loops over photos and individuals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aas_plugin.evaluation import matching
from aas_plugin.evaluation.matching import (
    best_per_individual,
    cosine,
    leave_one_out_scores,
    separating_threshold,
    top_individuals,
)


def drawn(seed, photos, size, individuals):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(photos + size, 5)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    codes = np.concatenate([np.arange(individuals), rng.integers(0, individuals, size - individuals)])
    return rows[:photos], rows[photos:], rng.permutation(codes).astype(np.int64)


herds = st.tuples(st.integers(0, 1000), st.integers(1, 7), st.integers(1, 12), st.integers(1, 12)).map(
    lambda herd: drawn(herd[0], herd[1], max(herd[2], herd[3]), herd[3])
)


@pytest.fixture(params=[1, 2**22])
def _chunks(request, monkeypatch):
    monkeypatch.setattr(matching, "_CHUNK_CELLS", request.param)


@given(herds)
def test_an_individual_scores_by_its_most_similar_photo(herd):
    features, gallery, individual = herd
    found = best_per_individual(cosine(features, gallery), len(features), individual)
    for p, row in enumerate(features):
        for i in range(individual.max() + 1):
            best = max(row @ gallery[g] for g in range(len(gallery)) if individual[g] == i)
            assert abs(found[p, i] - best) < 1e-6


@given(herds)
def test_leave_one_out_agrees_with_loops(herd):
    _, gallery, individual = herd
    known, unknown = [], []
    for g, row in enumerate(gallery):
        rest = [h for h in range(len(gallery)) if h != g]
        if any(individual[h] == individual[g] for h in rest):
            known.append(max(row @ gallery[h] for h in rest))
        others = [row @ gallery[h] for h in rest if individual[h] != individual[g]]
        unknown += [max(others)] if others else []
    found = leave_one_out_scores(cosine(gallery, gallery), individual)
    np.testing.assert_allclose(found[0], known, atol=1e-6)
    np.testing.assert_allclose(found[1], unknown, atol=1e-6)


@pytest.mark.usefixtures("_chunks")
def test_chunks_change_nothing():
    features, gallery, individual = drawn(3, 9, 20, 6)
    best = [[(features[p] @ gallery[individual == i].T).max() for i in range(6)] for p in range(9)]
    np.testing.assert_allclose(
        best_per_individual(cosine(features, gallery), len(features), individual), best, atol=1e-6
    )
    assert len(leave_one_out_scores(cosine(gallery, gallery), individual)[1]) == 20


scores = st.lists(st.integers(-10, 10).map(lambda value: value / 10), max_size=8)


@given(scores, scores)
def test_no_other_threshold_separates_better(known, unknown):
    known, unknown = np.array(known, dtype=np.float32), np.array(unknown, dtype=np.float32)
    found = separating_threshold(known, unknown)
    if not len(known) or not len(unknown):
        assert found is None
        return

    def accuracy(threshold):
        return np.mean([float(k) >= threshold for k in known]) + np.mean([float(u) < threshold for u in unknown])

    tried = [accuracy(value / 20) for value in range(-24, 24)]
    assert accuracy(found) >= max(tried) - 1e-9


def test_among_equal_thresholds_the_lowest_flags_the_fewest():
    assert separating_threshold(np.float32([0.5, 0.9]), np.float32([0.5, 0.9])) == 0.5
    assert separating_threshold(np.float32([0.8]), np.float32([0.4])) == pytest.approx(0.6)


def test_single_photos_give_no_threshold():
    gallery = np.eye(3, dtype=np.float32)
    assert separating_threshold(*leave_one_out_scores(cosine(gallery, gallery), np.array([0, 1, 2]))) is None
    assert separating_threshold(*leave_one_out_scores(cosine(gallery, gallery), np.array([0, 0, 0]))) is None


def test_ranks_break_ties_by_the_lower_individual_and_end_with_the_gallery():
    ranked, values = top_individuals(np.float32([[0.1, 0.9, 0.9]]), 9)
    assert ranked.tolist() == [[1, 2, 0]]
    np.testing.assert_allclose(values, [[0.9, 0.9, 0.1]])
    assert top_individuals(np.float32([[0.1, 0.9, 0.9]]), 1)[0].tolist() == [[1]]
