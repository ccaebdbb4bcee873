"""Error rates from looks alone: against the likelihood spelled out on a grid, and against people who are simulated."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aas_plugin.constraints.error_rates import error_rates

LOOKS = st.lists(st.tuples(st.sampled_from(["Ada", "Bob", "Eve"]), st.booleans()), min_size=1, max_size=3)


def spelled_out(pairs, person):
    """Ends of the interval of one person, from the likelihood at every point of a grid of all rates and of p."""
    people = sorted({name for looks in pairs for name, _ in looks})
    grid = 0.5 * np.linspace(0, 1, 61) ** 2
    others = 0.5 * np.linspace(0, 1, 21) ** 2
    axes = [grid if name == person else others for name in people] + [np.linspace(0, 1, 31)]
    *errors, p = np.meshgrid(*axes, indexing="ij", sparse=True)
    error = dict(zip(people, errors, strict=True))
    log_likelihood = 0.0
    with np.errstate(divide="ignore"):
        for looks in pairs:
            if_same, if_different = p, 1 - p
            for name, same in looks:
                if_same = if_same * ((1 - error[name]) if same else error[name])
                if_different = if_different * (error[name] if same else (1 - error[name]))
            log_likelihood = log_likelihood + np.log(if_same + if_different)
    own = people.index(person)
    profile = log_likelihood.max(axis=tuple(axis for axis in range(len(axes)) if axis != own))
    below = profile.max() - profile
    inside = grid[below <= (1.9207 if below[0] > 1.9207 else math.log(20))]
    return inside.min(), inside.max()


def simulated(seed, people, pairs, share=0.3):
    """Looks of two people drawn for each pair, and of a third one where these disagree."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(pairs):
        truth = rng.random() < share
        who = list(rng.permutation(list(people)))[:3]
        said = [(name, bool(truth != (rng.random() < people[name]))) for name in who]
        found.append(said if said[0][1] != said[1][1] else said[:2])
    return found


@pytest.mark.parametrize("seed", range(4))
def test_intervals_are_those_of_the_likelihood_spelled_out(seed):
    people = [{"Ada": 0.05, "Bob": 0.2}, {"Ada": 0.02, "Bob": 0.1, "Eve": 0.3}][seed % 2]
    pairs = simulated(seed, people, (12, 30, 60)[seed % 3])
    for name, found in error_rates(pairs).items():
        low, high = spelled_out(pairs, name)
        step = 0.5 * (2 * 60 * math.sqrt(2 * max(found.high, 0.02)) + 1) / 60**2
        assert abs(found.low - low) <= step and abs(found.high - high) <= step + 0.01


@settings(max_examples=10, deadline=None)
@given(st.lists(LOOKS, max_size=12), st.randoms(use_true_random=False))
def test_neither_order_nor_names_matter_and_intervals_contain_estimates(pairs, random):
    found = error_rates(pairs)
    shuffled = [random.sample(looks, len(looks)) for looks in random.sample(pairs, len(pairs))]
    renamed = {"Ada": "z", "Bob": "Ada", "Eve": "y"}
    again = error_rates([[(renamed[name], same) for name, same in looks] for looks in shuffled])
    assert set(again) == {renamed[name] for name in found}
    for name, one in found.items():
        other = again[renamed[name]]
        assert 0 <= one.low <= one.rate <= one.high <= 0.5
        assert np.allclose([one.rate, one.low, one.high], [other.rate, other.low, other.high], atol=2e-3)


def test_who_is_never_checked_has_no_rate():
    assert error_rates([]) == {}
    assert error_rates([[("Ada", True)], [("Bob", False)]]) == {}
    assert set(error_rates([[("Ada", True)], [("Bob", False), ("Eve", False)]])) == {"Bob", "Eve"}


@pytest.mark.parametrize("n", [10, 30, 100])
def test_agreement_everywhere_gives_nought_and_the_rule_of_three(n):
    found = error_rates([[("Ada", k % 3 == 0), ("Bob", k % 3 == 0)] for k in range(n)])
    for one in found.values():
        assert one.rate == one.low == 0
        assert one.high == pytest.approx(1 - 0.05 ** (1 / n), rel=0.02)


def test_two_looks_of_one_person_are_two_throws():
    (one,) = error_rates([[("Ada", k % 2 == 0), ("Ada", (k % 2 == 0) == (k >= 18))] for k in range(100)]).values()
    # 2 e (1 - e) = 0.18
    assert one.rate == pytest.approx(0.1, abs=0.002) and 0.05 < one.low < 0.07 and 0.14 < one.high < 0.17


def test_two_people_know_only_their_sum():
    pairs = [[("Ada", bool(k % 2)), ("Bob", bool(k % 2) != (k < 20))] for k in range(200)]
    found = error_rates(pairs)
    assert found["Ada"].rate == pytest.approx(found["Bob"].rate, abs=1e-3) == pytest.approx(0.053, abs=0.005)
    assert all(one.low == 0 and one.high > 0.1 for one in found.values())


def test_a_third_look_tells_who_errs():
    pairs = [[("Ada", True), ("Bob", k >= 20), *([("Eve", True)] if k < 20 else [])] for k in range(100)]
    pairs += [[("Ada", True), ("Eve", True)]] * 50
    found = error_rates(pairs)
    assert found["Bob"].low > 0.1 > 0.05 > found["Ada"].high
    assert found["Bob"].low < 0.2 < found["Bob"].high


def test_people_who_always_disagree_are_as_bad_as_chance():
    found = error_rates([[("Ada", True), ("Bob", False)]] * 30)
    assert all(one.high == 0.5 for one in found.values())


@pytest.mark.parametrize("seeds", [20, pytest.param(200, marks=pytest.mark.nightly)])
@pytest.mark.parametrize(
    ("people", "pairs"), [({"Ada": 0.02, "Bob": 0.1, "Eve": 0.05}, 100), ({"Ada": 0.1, "Bob": 0.1, "Eve": 0.1}, 50)]
)
def test_intervals_hold_the_truth_as_often_as_they_promise(people, pairs, seeds):
    held = [
        one.low <= people[name] <= one.high
        for seed in range(seeds)
        for name, one in error_rates(simulated(seed, people, pairs)).items()
    ]
    assert 0.9 <= np.mean(held) <= 0.99
