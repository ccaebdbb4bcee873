"""Wilcoxon's test is scipy's, and refuses where it can say nothing."""

import pytest
from scipy.stats import wilcoxon

from aas_plugin.report.statistics import signed_rank, stat


def test_it_is_scipys():
    pairs = [(0.61, 0.50), (0.72, 0.70), (0.55, 0.58), (0.80, 0.66), (0.49, 0.40), (0.90, 0.85), (0.77, 0.69)]
    expected = wilcoxon([u for u, _ in pairs], [v for _, v in pairs])
    test = signed_rank("aas", "random", pairs)
    assert (test.statistic, test.p) == (pytest.approx(expected.statistic), pytest.approx(expected.pvalue))
    # By hand: only the difference -0.03 is negative, the second smallest of seven.
    assert (test.n, test.wins, test.statistic) == (7, 6, 2.0)


@pytest.mark.parametrize("n", [0, 1, 3, 5])
def test_too_few_pairs_are_refused(n):
    test = signed_rank("aas", "random", [(0.5 + i / 100, 0.4) for i in range(n)])
    assert test.p is None and test.statistic is None
    assert test.smallest_p == min(1.0, 2.0 ** (1 - n))


def test_six_pairs_are_enough_but_not_if_one_is_equal():
    pairs = [(0.5 + i / 100, 0.4) for i in range(6)]
    assert signed_rank("a", "b", pairs).p == pytest.approx(2**-5)
    assert signed_rank("a", "b", [*pairs[:5], (0.4, 0.4)]).p is None


def test_pairs_share_method_data_and_seed(runs):
    for seed in range(7):
        runs.add(f"aas{seed}", "aas", seed, mAP=0.6 + seed / 100)
        runs.add(f"random{seed}", "random", seed, mAP=0.5)
    runs.add("alone", "random", 9, mAP=0.99)
    _, text, _ = runs.report()
    assert "| aas against random | 7 | 7 of 7 | +13.0 | 0 | 0.016 | 0.016 | yes |" in text
    assert "Too few pairs" not in text


def test_a_run_that_asked_nothing_stands_in_one_pair_whatever_the_number_of_refiners(runs):
    for seed in range(3):
        runs.add(f"none{seed}", "none", seed, mAP=0.5, asked=(0, 0), refiner__name="np3")
        for refiner, mAP in (("np3", 0.6), ("cal", 0.7)):
            runs.add(f"aas-{refiner}{seed}", "aas", seed, mAP=mAP, refiner__name=refiner)
            runs.add(f"random-{refiner}{seed}", "random", seed, mAP=0.55, refiner__name=refiner)
    text = runs.report()[1]
    assert "| aas against none | 3 | 3 of 3 | +15.0 |" in text
    assert "| aas against random | 6 | 6 of 6 | +10.0 |" in text


def test_three_pairs_cannot_tell(runs):
    for seed in range(3):
        runs.add(f"aas{seed}", "aas", seed, mAP=0.6)
        runs.add(f"random{seed}", "random", seed, mAP=0.5)
    text = runs.report()[1]
    assert "| aas against random | 3 | 3 of 3 | +10.0 | - | - | 0.25 | too few pairs to tell |" in text
    assert "so with 3 pairs or fewer" in text


def test_one_value_has_no_deviation():
    assert str(stat([0.5])) == "Stat(mean=0.5, deviation=nan, n=1)"
