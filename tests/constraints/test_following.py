"""Pairs that follow from answers, against every pair asked one by one."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from aas_plugin.constraints.closure import Constraints
from aas_plugin.constraints.following import MOST, pairs_that_follow


def known(n, individuals, pairs):
    constraints = Constraints(n)
    for u, v in pairs:
        constraints.add(u, v, same=individuals[u] == individuals[v])
    return constraints


@settings(max_examples=60)
@given(st.data())
def test_they_are_all_pairs_that_are_entailed_now_and_were_not_before(data):
    n = data.draw(st.integers(2, 9))
    individuals = data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    ends = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda pair: pair[0] != pair[1])
    pairs = data.draw(st.lists(ends, max_size=12))
    first = data.draw(st.integers(0, len(pairs)))
    after, before = known(n, individuals, pairs), known(n, individuals, pairs[:first])
    found, same = pairs_that_follow(after, before, np.random.default_rng(0))
    wanted = {
        (u, v): after.entails(u, v)
        for u in range(n)
        for v in range(u + 1, n)
        if after.entails(u, v) is not None and before.entails(u, v) is None
    }
    assert {tuple(pair): told for pair, told in zip(found.tolist(), same.tolist(), strict=True)} == wanted
    assert len(found) == len(wanted)


def test_a_large_group_gives_a_few_pairs_each_once():
    individuals = [0] * 30 + [1] * 30
    links = [(i, i + 1) for i in range(59) if i != 29] + [(0, 30)]
    found, same = pairs_that_follow(known(60, individuals, links), Constraints(60), np.random.default_rng(0))
    assert len({tuple(pair) for pair in found.tolist()}) == len(found) == 3 * MOST
    assert same.sum() == 2 * MOST and (found[:, 0] < found[:, 1]).all()
    assert ((found[:, 0] < 30) == (found[:, 1] < 30)).tolist() == same.tolist()
