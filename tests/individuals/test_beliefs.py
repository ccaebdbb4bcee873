"""A calibration that tells how sure it is of itself."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from aas_plugin.clustering.calibration import Calibration
from aas_plugin.individuals.beliefs import DEVIATION, MEAN, Scale, believe

SCALE = Scale(Calibration(20.0, 0.3), 0.1, 0.2)


def rows(rng, count):
    inside = rng.random(count) < 0.5
    crossing, doubted = np.exp(rng.normal(1.5, 1, count)), rng.random(count) < 0.5
    return SCALE.columns(rng.random(count), rng.normal(0.1, 0.2, count), crossing, inside, doubted)


def drawn_answers(seed, count, w, error=0.0):
    rng = np.random.default_rng(seed)
    x = rows(rng, count)
    same = (rng.random(count) < expit(x @ w)) ^ (rng.random(count) < error)
    return x, np.where(same, 1.0, -1.0)


def test_the_numbers_of_a_join():
    x = SCALE.columns(
        np.array([0.3, 1.0]), np.array([0.1, 0.5]), np.exp([1.5, 2.5]), np.array([True, False]), np.array([False, True])
    )
    # The second logit is cut off at 12.
    np.testing.assert_allclose(x, [[1, 0, 0, 0, 0, 0, 0], [0, 1, 12, 2, 1, 0, 1]], atol=1e-9)


def test_without_answers_draws_are_those_of_the_prior():
    draws = believe(np.empty((0, 7)), np.empty(0), 0.02, np.random.default_rng(0), draws=2000).draws
    free = [0, 1, 4, 5, 6]
    np.testing.assert_allclose(draws[:, free].mean(axis=0), MEAN[free], atol=0.2)
    np.testing.assert_allclose(draws[:, free].std(axis=0), DEVIATION[free], rtol=0.2)
    assert (draws[:, 2] > 0).all() and (draws[:, 3] > 0).all()


def test_many_answers_of_nobody_who_errs_give_the_weights_of_a_plain_regression():
    true = np.array([0.5, -1.0, 0.8, 0.6, 0.4, 0.3, -0.3])
    x, votes = drawn_answers(1, 4000, true)
    draws = believe(x, votes, 1e-6, np.random.default_rng(0)).draws
    plain = LogisticRegression(fit_intercept=False, C=1e4).fit(x, votes > 0).coef_[0]
    np.testing.assert_allclose(draws.mean(axis=0), plain, atol=0.1)


@pytest.mark.parametrize("count", [30, 200])
def test_intervals_hold_the_truth_as_often_as_they_say(count):
    rng = np.random.default_rng(0)
    inside = 0
    for seed in range(60):
        w = MEAN + 0.7 * DEVIATION * rng.normal(size=7)
        w[2:4] = np.abs(w[2:4])
        x, votes = drawn_answers(seed, count, w, error=0.05)
        others = rows(np.random.default_rng(seed + 1000), 300)
        draws = expit(believe(x, votes, 0.05, np.random.default_rng(seed)).logits(others)).sum(axis=1)
        low, high = np.quantile(draws, [0.025, 0.975])
        inside += low <= expit(others @ w).sum() <= high
    assert inside >= 54


def test_answers_repeated_by_others_count_more_than_one_that_may_be_wrong():
    x = np.tile(SCALE.columns(np.array([0.3]), np.array([0.1]), np.exp([1.5]), np.array([False])), (6, 1))
    p = [
        believe(x, np.full(6, votes), 0.2, np.random.default_rng(0)).probability(x[:1])[0]
        for votes in (-3.0, -1.0, 1.0)
    ]
    assert p[0] < p[1] < 0.5 < p[2]


def test_the_same_seed_gives_the_same_draws():
    x, votes = drawn_answers(3, 40, MEAN)
    one, other = (believe(x, votes, 0.02, np.random.default_rng(7)).draws for _ in range(2))
    np.testing.assert_array_equal(one, other)
