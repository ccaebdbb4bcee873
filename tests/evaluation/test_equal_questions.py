import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aas_plugin.evaluation.equal_questions import SHARES, at_equal_questions, quality_at


def literal_area(asked, quality, most, steps=20_000):
    """The mean over many small steps."""
    places = (np.arange(steps) + 0.5) * most / steps
    return float(np.mean(quality_at(asked, quality, places)))


def test_between_two_cycles_quality_lies_on_a_line():
    found = at_equal_questions({"a": ([0, 40, 80], [0.2, 0.4, 0.8]), "b": ([0, 10, 20], [0.2, 0.6, 0.6])})
    assert found["a"].at == pytest.approx((0.3, 0.4, 0.6, 0.8))
    assert found["a"].area == pytest.approx((0.3 * 40 + 0.6 * 40) / 80)
    assert found["a"].questions == found["b"].questions == 80


def test_who_stops_asking_keeps_its_last_quality():
    found = at_equal_questions({"a": ([0, 80], [0.2, 0.4]), "b": ([0, 10, 20], [0.2, 0.6, 0.5])})
    assert found["b"].at == pytest.approx((0.5,) * 4)
    assert found["b"].area == pytest.approx((10 * 0.4 + 10 * 0.55 + 60 * 0.5) / 80)


def test_who_asks_nothing_is_a_flat_line_at_its_end():
    found = at_equal_questions({"none": ([0, 0, 0], [0.2, 0.3, 0.4]), "a": ([0, 5, 5], [0.2, 0.3, 0.6])})
    assert found["none"].at == (0.4,) * 4 and found["none"].area == pytest.approx(0.4)
    assert found["a"].at[-1] == 0.6


def test_without_any_question_the_last_quality_counts():
    assert at_equal_questions({"none": ([0, 0], [0.2, 0.3])})["none"].area == 0.3
    assert at_equal_questions({}) == {}


curves = st.lists(st.tuples(st.integers(0, 50), st.floats(0, 1)), min_size=1, max_size=6).map(
    lambda steps: ([0, *np.cumsum([asked for asked, _ in steps]).tolist()], [0.5, *(quality for _, quality in steps)])
)


@given(curves, curves)
def test_areas_are_those_of_many_small_steps_and_lie_within_the_curve(one, other):
    found = at_equal_questions({1: one, 2: other})
    most = max(one[0][-1], other[0][-1])
    for key, (asked, quality) in ((1, one), (2, other)):
        assert len(found[key].at) == len(SHARES)
        assert min(quality) - 1e-9 <= found[key].area <= max(quality) + 1e-9
        if most:
            assert found[key].area == pytest.approx(literal_area(asked, quality, most), abs=2e-3)
