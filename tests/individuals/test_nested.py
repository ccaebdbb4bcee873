"""Nested importance sampling finds the number of individuals where it draws enough."""

import numpy as np
import pytest

from aas_plugin.individuals.nested import NestedDraw, draw_nested, nested_count
from aas_plugin.simulation.synthetic import synthetic_features


def test_the_estimate_is_that_of_its_formula():
    draw = NestedDraw(
        np.array([0, 3]), np.array([0.5, 0.25]), np.array([[1, 2], [1, 2]]), np.array([[0.5, 0.5], [0.1, 0.4]])
    )
    same = np.array([[True, False], [False, False]])
    # Photo 0 has 1 + (1/.5 + 0)/2 = 2 photos, photo 3 has 1: 1/(.5 * 2) and 1/(.25 * 1).
    value, low, high = nested_count(draw, same)
    assert value == 2.5
    # Both terms, 1 and 4, have the deviation 1.5 sqrt(2), and so their mean 1.5.
    assert (low, high) == pytest.approx((2.5 - 1.959964 * 1.5, 2.5 + 1.959964 * 1.5))


def test_it_is_right_in_the_mean_of_many_draws():
    features, individual = synthetic_features(0.5, 0, 12)
    rng = np.random.default_rng(0)
    draw = draw_nested(features, 1500, 400, rng, temperature=0.2)
    same = individual[draw.vertex][:, None] == individual[draw.neighbour]
    value, low, high = nested_count(draw, same)
    assert low <= 12 <= high or abs(value - 12) < 0.6
    assert (draw.neighbour != draw.vertex[:, None]).all()


def test_one_vertex_has_no_interval():
    features, individual = synthetic_features(0.5, 0, 5)
    draw = draw_nested(features, 1, 3, np.random.default_rng(0))
    assert nested_count(draw, individual[draw.vertex][:, None] == individual[draw.neighbour])[2] == np.inf
