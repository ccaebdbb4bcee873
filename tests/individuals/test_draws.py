"""Draws of who is who count what their definition counts."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from aas_plugin.individuals.draws import draw_partitions

NONE = (np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.int64))


def links(pairs):
    pairs = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return pairs, np.arange(len(pairs))


def drawn(group, inside, keep, between, join, watched=None, rounds=1):
    keep, join = (np.tile(np.array(one, dtype=float), (rounds, 1)) for one in (keep, join))
    rng = np.random.default_rng(0)
    return draw_partitions(np.array(group), inside, keep, between, join, rng, watched)


def test_all_links_hold_and_no_two_groups_are_one():
    got = drawn([0, 0, 1], links([(0, 1)]), [1], links([(0, 2)]), [0])
    assert (got.merges[0], got.splits[0], got.individuals[0]) == (0, 0, 2)
    assert got.right.tolist() == [1, 1, 1]


def test_a_broken_link_is_a_wrong_merge_and_two_groups_that_are_one_a_wrong_split():
    got = drawn([0, 0, 0, 1], links([(0, 1), (1, 2)]), [1, 0], NONE, [])
    assert (got.merges[0], got.individuals[0]) == (1, 3)
    # The larger part has the name.
    assert got.right.tolist() == [1, 1, 0, 1]
    got = drawn([0, 1, 2], NONE, [], links([(0, 1)]), [1])
    assert (got.merges[0], got.splits[0], got.individuals[0]) == (0, 1, 2)


def test_several_groups_of_one_individual_are_one():
    got = drawn([0, 1, 2, 3], NONE, [], links([(0, 1), (0, 2), (1, 2)]), [1, 1, 1])
    assert (got.splits[0], got.individuals[0]) == (2, 2)


def test_what_decides_two_links_breaks_both_or_none():
    pairs = np.array([[0, 1], [2, 3]])
    got = drawn([0, 0, 1, 1], (pairs, np.array([0, 0])), [0.5], NONE, [], rounds=400)
    assert set(got.merges.tolist()) == {0.0, 2.0}


def test_pairs_that_are_watched_are_together_as_often_as_their_links_hold():
    inside = links([(0, 1), (1, 2)])
    got = drawn([0, 0, 0, 1], inside, [0.7, 0.6], NONE, [], np.array([[0, 1], [0, 2], [0, 3]]), rounds=4000)
    np.testing.assert_allclose(got.together, [0.7, 0.42, 0.0], atol=0.03)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6))
def test_individuals_are_groups_and_merges_less_splits(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 12))
    group = np.unique(rng.integers(0, 4, n), return_inverse=True)[1]
    inside = [(u, v) for u in range(n) for v in range(u + 1, n) if group[u] == group[v]]
    between = [(u, v) for u in range(n) for v in range(u + 1, n) if group[u] != group[v]]
    keep, join = rng.random(len(inside)), rng.random(len(between))
    got = drawn(group, links(inside), keep, links(between), join, rounds=5)
    np.testing.assert_allclose(got.individuals, group.max() + 1 + got.merges - got.splits)
    assert (got.merges >= 0).all() and (got.merges <= n - (group.max() + 1)).all()
    assert (got.individuals > 0).all() and (got.individuals <= n).all()
    assert ((got.right >= 0) & (got.right <= 1)).all()


def test_nobody_at_all():
    got = drawn([], NONE, [], NONE, [])
    assert got.individuals.tolist() == [0] and len(got.right) == 0


def parts(n, pairs):
    """The connected parts of n photos, one photo and one pair after the other."""
    part = list(range(n))
    for u, v in pairs:
        old, new = part[v], part[u]
        part = [new if one == old else one for one in part]
    return part


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6))
def test_a_draw_is_what_a_slow_count_of_parts_gives(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 12))
    group = np.unique(rng.integers(0, 4, n), return_inverse=True)[1]
    inside = [(u, v) for u in range(n) for v in range(u + 1, n) if group[u] == group[v]]
    between = [(u, v) for u in range(n) for v in range(u + 1, n) if group[u] != group[v]]
    keep, join = rng.integers(0, 2, len(inside)), rng.integers(0, 2, len(between))
    # Links alone: each part is an individual.
    part = parts(n, [pair for pair, held in zip(inside, keep, strict=True) if held])
    got = drawn(group, links(inside), keep, links(between), np.zeros(len(between)))
    assert (got.individuals[0], got.merges[0]) == (len(set(part)), len(set(part)) - len(set(group.tolist())))
    for one in range(group.max() + 1):
        mine = [part[photo] for photo in range(n) if group[photo] == one]
        right = [got.right[photo] for photo in range(n) if group[photo] == one]
        assert sum(right) == max(mine.count(other) for other in set(mine))
    # All links hold: each group counts one over the number of groups that are the same.
    got = drawn(group, links(inside), np.ones(len(inside)), links(between), join)
    same = {tuple(sorted((group[u], group[v]))) for (u, v), made in zip(between, join, strict=True) if made}
    alike = [1 + sum(one in pair for pair in same) for one in range(group.max() + 1)]
    np.testing.assert_allclose(got.individuals, sum(1 / count for count in alike))


def test_many_draws_in_pieces_are_as_in_one(monkeypatch):
    from aas_plugin.individuals import draws as module

    inside, between = links([(0, 1), (2, 3)]), links([(0, 2)])
    whole = drawn([0, 0, 1, 1], inside, [0.5, 0.5], between, [0.3], rounds=4000)
    monkeypatch.setattr(module, "_MOST_NODES", 12)
    pieces = drawn([0, 0, 1, 1], inside, [0.5, 0.5], between, [0.3], rounds=4000)
    for name in ("merges", "splits", "individuals", "right"):
        np.testing.assert_allclose(getattr(whole, name).mean(), getattr(pieces, name).mean(), atol=0.05)
