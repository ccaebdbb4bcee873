"""Matching agrees with loops over photos and individuals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aas_plugin.evaluation import matching
from aas_plugin.evaluation.matching import best_per_individual, cosine, top_individuals


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


@pytest.mark.usefixtures("_chunks")
def test_chunks_change_nothing():
    features, gallery, individual = drawn(3, 9, 20, 6)
    best = [[(features[p] @ gallery[individual == i].T).max() for i in range(6)] for p in range(9)]
    np.testing.assert_allclose(
        best_per_individual(cosine(features, gallery), len(features), individual), best, atol=1e-6
    )


def test_ranks_break_ties_by_the_lower_individual_and_end_with_the_gallery():
    ranked, values = top_individuals(np.float32([[0.1, 0.9, 0.9]]), 9)
    assert ranked.tolist() == [[1, 2, 0]]
    np.testing.assert_allclose(values, [[0.9, 0.9, 0.1]])
    assert top_individuals(np.float32([[0.1, 0.9, 0.9]]), 1)[0].tolist() == [[1]]
