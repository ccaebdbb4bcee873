"""Whether probabilities were right is told as it was."""

import numpy as np
import pytest

from aas_plugin.evaluation.reliability import calibration_error, error_by_chance, reliability_curve


def test_bins_hold_what_was_said_and_what_came():
    said, came = np.array([0.02, 0.04, 0.55, 0.55, 1.0]), np.array([False, True, True, False, True])
    np.testing.assert_allclose(reliability_curve(said, came), [[0.03, 0.5, 2], [0.55, 0.5, 2], [1.0, 1.0, 1]])
    assert calibration_error(said, came) == pytest.approx((2 * 0.47 + 2 * 0.05) / 5)


def test_probabilities_that_come_true_have_no_more_error_than_chance_gives():
    rng = np.random.default_rng(0)
    said = rng.random(20_000)
    assert calibration_error(said, rng.random(20_000) < said) < 2 * error_by_chance(said)
    assert calibration_error(said, rng.random(20_000) < said / 2) > 0.2


def test_nothing_was_said():
    assert reliability_curve(np.empty(0), np.empty(0, dtype=bool)).shape == (0, 3)
