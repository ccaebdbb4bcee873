from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aas_plugin.sampling.baselines import random_pairs


def nothing_known(pairs):
    return np.zeros(len(pairs), dtype=bool)


def asked(table):
    return list(zip(table["u"].tolist(), table["v"].tolist(), strict=True))


@given(
    n=st.integers(0, 14), budget=st.integers(0, 100), share=st.sampled_from([0, 0.5, 0.95, 1]), seed=st.integers(0, 999)
)
def test_the_questions_are_new_distinct_reproducible_and_as_many_as_there_can_be(n, budget, share, seed):
    pairs = list(combinations(range(n), 2))
    answered = {pair for pair in pairs if np.random.default_rng([seed, *pair]).random() < share}

    def known(some):
        return np.array([tuple(pair) in answered for pair in some.tolist()], dtype=bool)

    table = random_pairs(n, budget, np.random.default_rng(seed), known)
    found = asked(table)
    assert len(found) == len(set(found)) == min(budget, len(pairs) - len(answered))
    assert set(found) <= set(pairs) - answered
    assert table.equals(random_pairs(n, budget, np.random.default_rng(seed), known))


@pytest.mark.parametrize("known_pairs", [{(0, 1)}, {(0, 1), (0, 2), (0, 3), (1, 2)}])
def test_every_pair_that_is_not_known_is_equally_likely(known_pairs):
    def known(some):
        return np.array([tuple(pair) in known_pairs for pair in some.tolist()], dtype=bool)

    rng = np.random.default_rng(0)
    first = Counter(asked(random_pairs(4, 2, rng, known))[0] for _ in range(1500))
    expected = 1500 / (6 - len(known_pairs))
    assert set(first) == set(combinations(range(4), 2)) - known_pairs
    assert all(abs(count - expected) < 5 * np.sqrt(expected) for count in first.values())


def test_every_pair_is_equally_likely_when_all_are_looked_at():
    rng = np.random.default_rng(0)
    unknown = {(3, 90), (5, 6), (7, 8), (98, 99)}

    def known(some):
        return np.array([tuple(pair) not in unknown for pair in some.tolist()], dtype=bool)

    counts = Counter(pair for _ in range(80) for pair in asked(random_pairs(100, 2, rng, known)))
    assert set(counts) == unknown
    assert all(15 < count < 65 for count in counts.values())


def test_many_images_are_no_burden():
    n = 10_000_000
    table = random_pairs(n, 2000, np.random.default_rng(0), nothing_known)
    u, v = table["u"].to_numpy(), table["v"].to_numpy()
    assert len(table) == 2000
    assert (u >= 0).all() and (u < v).all() and (v < n).all()
    # v is distributed as the larger of two uniform numbers.
    assert v.mean() / n == pytest.approx(2 / 3, abs=0.03)
    assert u.mean() / n == pytest.approx(1 / 3, abs=0.03)


def test_what_is_not_computed_is_marked():
    table = random_pairs(10, 3, np.random.default_rng(0), nothing_known)
    assert table.columns.tolist() == [
        "u",
        "v",
        "kind",
        "probability",
        "similarity",
        "type",
        "region_u",
        "region_v",
    ]
    assert (table["kind"] == "random").all()
    assert table[["probability", "similarity"]].isna().all(axis=None)
    assert (table[["type", "region_u", "region_v"]] == -1).all(axis=None)
