"""The area under the ROC curve against its meaning: how often an unknown outscores a known query."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aas_plugin.evaluation.open_set import auc_roc


def literal_auc(similarity, known):
    scores = [-max(row) for row in similarity]
    wins = [
        1 if scores[u] > scores[k] else 0.5 if scores[u] == scores[k] else 0
        for u in range(len(known))
        for k in range(len(known))
        if not known[u] and known[k]
    ]
    return sum(wins) / len(wins) if wins else float("nan")


@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_equals_the_share_of_pairs_ranked_rightly(queries, galleries, seed):
    rng = np.random.default_rng(seed)
    similarity = rng.integers(-3, 4, (queries, galleries)).astype(np.float32) / 4
    known = rng.random(queries) < 0.5
    assert auc_roc(similarity, known) == pytest.approx(literal_auc(similarity, known), nan_ok=True)


def test_unknowns_that_resemble_nothing_are_told_apart():
    similarity = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.3]], dtype=np.float32)
    known = np.array([True, True, False])
    assert auc_roc(similarity, known) == 1
    assert auc_roc(similarity, ~known) == 0


def test_ties_are_chance():
    assert auc_roc(np.ones((4, 2), dtype=np.float32), np.array([True, True, False, True])) == 0.5


@pytest.mark.parametrize(
    ("shape", "known"), [((2, 2), [True, True]), ((2, 2), [False, False]), ((2, 0), [False, False]), ((0, 2), [])]
)
def test_one_kind_of_query_alone_is_nan(shape, known):
    assert np.isnan(auc_roc(np.zeros(shape, dtype=np.float32), np.array(known, dtype=bool)))
