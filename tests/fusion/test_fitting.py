"""Calibrated fusion: what helps counts, what does not gets no weight."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from aas_plugin.fusion.fitting import (
    HELD_OUT,
    ISOTONIC,
    Fusion,
    fit_fusion,
    prior_fusion,
    scale_of,
    standardised,
)

SIMILAR = np.array([True, True])


def drawn(count, weights, bias, seed=0):
    """Answers that follow a logistic curve of standard normal scores."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(count, len(weights)))
    return z, rng.random(count) < expit(z @ np.array(weights) + bias)


def prior_of(z):
    return prior_fusion(z, np.ones(z.shape[1], dtype=bool), len(z) // 10)


def test_before_any_answer_similarities_count_alike_and_the_others_nothing():
    z = np.random.default_rng(0).normal(size=(500, 3))
    prior = prior_fusion(z, np.array([True, True, False]), 40)
    assert prior.weights.tolist() == [1, 1, 0]
    assert (prior.probability(z) >= 0.5).sum() == 40
    assert fit_fusion(z[:0], np.zeros(0, bool), np.array([True, True, False]), prior) is prior


def test_many_answers_give_the_weights_that_they_were_drawn_with():
    z, same = drawn(20_000, [2.0, 0.7], -1.5)
    found = fit_fusion(z, same, SIMILAR, prior_of(z))
    np.testing.assert_allclose(found.weights, [2.0, 0.7], atol=0.12)
    truth = expit(z @ [2.0, 0.7] - 1.5)
    assert np.abs(found.probability(z) - truth).mean() < 0.02


@pytest.mark.parametrize("seed", range(5))
def test_a_source_that_says_nothing_gets_no_weight_or_hardly_any(seed):
    z, same = drawn(400, [2.0, 0.0], -1.0, seed)
    found = fit_fusion(z, same, SIMILAR, prior_of(z))
    assert found.weights[0] > 1
    assert found.weights[1] < 0.35
    assert found.gain[0] > 0.05


@pytest.mark.parametrize("seed", range(5))
def test_a_similarity_that_is_the_wrong_way_round_gets_no_weight(seed):
    z, same = drawn(300, [2.0, -1.5], -1.0, seed)
    assert fit_fusion(z, same, SIMILAR, prior_of(z)).weights[1] == 0
    free = fit_fusion(z, same, np.array([True, False]), prior_fusion(z, np.array([True, False]), 30))
    assert free.weights[1] < -0.7


def test_a_few_answers_move_the_prior_only_a_little():
    z, same = drawn(6, [2.0, 0.7], -1.5)
    prior = prior_of(z)
    found = fit_fusion(z, same, SIMILAR, prior)
    assert np.isnan(found.gain).all()
    assert np.abs(found.weights - prior.weights).max() < 1.5


@pytest.mark.parametrize("count", [1, HELD_OUT, ISOTONIC + 50])
@pytest.mark.parametrize("same", [True, False])
def test_answers_that_are_all_the_same_break_nothing(count, same):
    z, _ = drawn(count, [1.0, 1.0], 0)
    found = fit_fusion(z, np.full(count, same), SIMILAR, prior_of(z))
    told = found.probability(z)
    assert np.isfinite(told).all()
    assert (told.mean() > 0.5) == same


def test_a_curve_that_only_rises_takes_over_where_it_fits_better():
    rng = np.random.default_rng(1)
    z = rng.normal(size=(3000, 2))
    # Never surer than 60 %: a logistic curve cannot say that.
    same = rng.random(3000) < np.where(z.sum(axis=1) > 0, 0.6, 0.02)
    found = fit_fusion(z, same, SIMILAR, prior_of(z))
    assert len(found.curve[0])
    best = np.sort(found.probability(z))[-100:]
    assert 0.5 < best.mean() < 0.75


@given(seed=st.integers(0, 999), count=st.integers(0, 400), kinds=st.sampled_from([(1.0, 1.0), (3.0, 0.0), (0.0, 0.0)]))
def test_p_rises_with_every_score_and_the_fit_does_not_depend_on_chance(seed, count, kinds):
    z, same = drawn(count, kinds, -1.0, seed)
    prior = Fusion(np.ones(2), -1.0)
    found = fit_fusion(z, same, SIMILAR, prior)
    again = fit_fusion(z, same, SIMILAR, prior)
    assert found.weights.tolist() == again.weights.tolist()
    grid = np.stack([np.linspace(-4, 6, 50), np.zeros(50)], axis=1)
    for axis in ([0, 1], [1, 0]):
        assert (np.diff(found.probability(grid[:, axis])) >= 0).all()
    assert ((found.probability(grid) > 0) & (found.probability(grid) < 1)).all()


def test_scores_are_put_on_one_scale_and_what_is_unknown_or_flat_says_nothing():
    rng = np.random.default_rng(0)
    candidates = np.stack([rng.normal(3, 2, 4000), np.full(4000, 7.0), np.full(4000, np.nan)], axis=1)
    found = standardised(candidates, scale_of(candidates))
    np.testing.assert_allclose(np.quantile(found[:, 0], [0.5, 0.9]), [0, 1.28], atol=0.05)
    assert (found[:, 1:] == 0).all()
    assert standardised(np.array([[np.nan, 7.0, 1.0]]), scale_of(candidates)).tolist() == [[0, 0, 0]]
    # What hardly ever says anything has a median and a best tenth of 0.
    rare = np.zeros((1000, 1))
    rare[:5] = 4.0
    assert standardised(rare, scale_of(rare))[0, 0] > 5
