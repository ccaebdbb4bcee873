"""The gate: calibration as defined, and a verdict from the numbers of the first cycle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aas_plugin.active.gate import gate
from aas_plugin.clustering.calibration import TAU_RANGE, calibrate


def cost(tau, log_slope, similarity, same, error=0.02):
    probability = 1 / (1 + np.exp(-np.exp(log_slope) * (similarity - tau)))
    total = ((tau - 0.3) / 0.15) ** 2 / 2 + ((log_slope - np.log(20)) / 0.7) ** 2 / 2
    for p, is_same in zip(probability, same, strict=True):
        total -= np.log(error + (1 - 2 * error) * (p if is_same else 1 - p))
    return total


def test_without_answers_the_calibration_is_that_of_the_priors():
    slope, tau = calibrate(np.zeros(0), np.zeros(0, dtype=bool))
    assert slope == pytest.approx(20, rel=1e-3)
    assert tau == pytest.approx(0.3, abs=1e-3)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 60), st.integers(0, 99))
def test_no_point_of_a_fine_grid_is_more_likely(n, seed):
    rng = np.random.default_rng(seed)
    similarity = rng.random(n)
    same = rng.random(n) < similarity
    slope, tau = calibrate(similarity, same)
    assert TAU_RANGE[0] <= tau <= TAU_RANGE[1]
    grid = [cost(t, s, similarity, same) for t in np.linspace(*TAU_RANGE, 60) for s in np.linspace(1, 5, 25)]
    assert cost(tau, np.log(slope), similarity, same) <= min(grid) + 1e-4


@pytest.mark.parametrize("threshold", [0.15, 0.4, 0.7])
def test_many_answers_put_tau_where_they_turn(threshold):
    similarity = np.linspace(0, 1, 400)
    assert calibrate(similarity, similarity > threshold).tau == pytest.approx(threshold, abs=0.05)


def test_one_wrong_answer_moves_tau_little():
    similarity = np.linspace(0, 1, 200)
    same = similarity > 0.4
    same[-1] = False
    assert calibrate(similarity, same).tau == pytest.approx(0.4, abs=0.05)


def verdict_of(threshold, similarity=(0.1, 0.9), clustered=1.0, n=200):
    values = np.linspace(*similarity, 100)
    pairs = np.stack([np.arange(100), np.arange(100) + 100], axis=1)
    labels = np.where(np.arange(n) < clustered * n, 0, -1)
    return gate(values, values > threshold, pairs, labels)


def test_features_that_tell_individuals_apart_are_good():
    verdict = verdict_of(0.45)
    assert verdict.grade == "good"
    assert verdict.same == pytest.approx(0.56, abs=0.03)
    assert verdict.report()["gate_verdict"] == "good"


@pytest.mark.parametrize("near", [0.6, 0.9])
@pytest.mark.parametrize("same", [True, False])
def test_answers_about_images_that_are_not_near_such_as_random_pairs_say_nothing(near, same):
    pairs = np.stack([np.arange(100), np.arange(100) + 100], axis=1)
    labels = np.zeros(200, dtype=np.int64)
    few = np.where(np.arange(100) < 15, near, 0.05)
    verdict = gate(few, (few > 0.5) & same, pairs, labels)
    assert verdict.grade == "unknown" and "near" in verdict.advice
    many = gate(np.full(100, near), np.full(100, same), pairs, labels)
    assert many.grade == ("good" if same else "hopeless")


def test_near_images_that_are_hardly_ever_the_same_are_hopeless_with_a_way_out():
    verdict = verdict_of(0.97)
    assert verdict.grade == "hopeless"
    assert "backbone" in verdict.advice
    assert "backbone" in verdict.warning
    assert f"{verdict.tau:.2f}" in verdict.warning


def test_answers_that_turn_late_but_are_often_the_same_are_weak():
    assert verdict_of(0.72).grade == "weak"
    assert verdict_of(0.55).grade == "good"


def test_images_that_nothing_reaches_are_hopeless():
    pairs = np.stack([np.arange(30), np.arange(30) + 1], axis=1)
    similarity = np.linspace(0, 1, 30)
    assert gate(similarity, similarity > 0.4, pairs, np.full(100, -1)).grade == "hopeless"


def test_coverage_counts_clustered_images_and_those_of_answers():
    pairs = np.array([[0, 1], [1, 2]])
    labels = np.array([0, -1, -1, 0, -1, -1, -1, -1])
    verdict = gate(np.array([0.5, 0.5]), np.array([True, False]), pairs, labels)
    assert verdict.coverage == 4 / 8
    assert labels[1] == -1


def test_few_answers_give_no_verdict():
    verdict = gate(np.zeros(0), np.zeros(0, dtype=bool), np.zeros((0, 2), dtype=np.int64), np.full(5, -1))
    assert verdict.grade == "unknown"
    assert "gate_same" not in verdict.report()
