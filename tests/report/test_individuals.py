"""Whether probabilities were right is told as it was."""

import numpy as np
import pytest

from aas_plugin.report.individuals import reliability


def test_bins_hold_what_was_said_and_what_came():
    said = np.array([0.02, 0.04, 0.55, 0.55, 1.0])
    points, error = reliability(said, np.array([False, True, True, False, True]))
    np.testing.assert_allclose(points, [[0.03, 0.5, 2], [0.55, 0.5, 2], [1.0, 1.0, 1]])
    assert error == pytest.approx((2 * 0.47 + 2 * 0.05) / 5)


def test_probabilities_that_come_true_have_a_small_error():
    rng = np.random.default_rng(0)
    said = rng.random(20_000)
    assert reliability(said, rng.random(20_000) < said)[1] < 0.02
    assert reliability(said, rng.random(20_000) < said / 2)[1] > 0.2


def test_nothing_was_said():
    points, error = reliability(np.empty(0), np.empty(0, dtype=bool))
    assert points.shape == (0, 3) and error == 0
