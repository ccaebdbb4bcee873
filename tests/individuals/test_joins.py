"""The places where names can be wrong are found, each once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from aas_plugin.individuals import joins as module
from aas_plugin.individuals.joins import groups_of, joins_of

NONE = np.empty((0, 2), dtype=np.int64)


def scene(seed, n=14, groups=4, links=3):
    """Labels with their features, a sparse similarity, and links that agree with them."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(-1, groups, n)
    features = rng.normal(size=(n, 5)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    dense = np.triu(np.where(rng.random((n, n)) < 0.4, rng.random((n, n)), 0.0), 1)
    group = groups_of(labels)
    pairs = np.array([(u, v) for u in range(n) for v in range(u + 1, n)])
    chosen = pairs[rng.permutation(len(pairs))[: 5 * links]]
    same = group[chosen[:, 0]] == group[chosen[:, 1]]
    return labels, csr_array(dense + dense.T), features, chosen[same], chosen[~same][:links]


def found(labels, matrix, features, must, cannot):
    return joins_of(labels, matrix, features, must, cannot, np.random.default_rng(0))


def components(n, pairs):
    parent = list(range(n))

    def root(one):
        while parent[one] != one:
            one = parent[one]
        return one

    for u, v in pairs:
        parent[root(u)] = root(v)
    return [root(one) for one in range(n)]


def test_an_unclustered_photo_is_a_group_by_itself():
    np.testing.assert_array_equal(groups_of(np.array([5, -1, 5, 2, -1])), [1, 2, 1, 0, 3])
    assert len(groups_of(np.array([], dtype=np.int64))) == 0


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6))
def test_a_group_is_a_tree_of_answers_and_joins_and_two_groups_are_one_join(seed):
    labels, matrix, features, must, cannot = scene(seed)
    got = found(labels, matrix, features, must, cannot)
    n, group = len(labels), got.group
    inside = got.pairs[got.inside]
    # With the answers they connect each group, and none of them is superfluous.
    together = components(n, [*must.tolist(), *inside.tolist()])
    assert len(set(together)) == group.max() + 1
    assert len(inside) == len(set(components(n, must.tolist()))) - (group.max() + 1)
    assert all(group[u] == group[v] for u, v in inside)
    apart = {tuple(sorted(group[pair].tolist())) for pair in cannot}
    every = {(one, other) for one in range(group.max() + 1) for other in range(one + 1, group.max() + 1)}
    between = [tuple(sorted(group[pair].tolist())) for pair in got.pairs[~got.inside]]
    assert len(between) == len(set(between)) and set(between) == every - apart


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6))
def test_linkage_and_crossing_of_two_groups_are_those_of_the_definition(seed):
    labels, matrix, features, must, cannot = scene(seed)
    got = found(labels, matrix, features, must, cannot)
    dense = matrix.toarray()
    for place in np.flatnonzero(~got.inside):
        one, other = (np.flatnonzero(got.group == got.group[photo]) for photo in got.pairs[place])
        assert got.linkage[place] == pytest.approx(dense[np.ix_(one, other)].mean())
        assert got.crossing[place] == len(one) * len(other)
        u, v = got.pairs[place]
        score = features[one] @ features[one].sum(axis=0)
        assert score[one == u] == pytest.approx(score.max(), abs=1e-5)
        assert got.cosine[place] == pytest.approx(features[u] @ features[v], abs=1e-6)
    assert (got.count == 1).all()


def test_nodes_that_nothing_connects_are_joined_by_no_similarity():
    labels = np.zeros(3, dtype=np.int64)
    features = np.eye(3, dtype=np.float32)
    got = found(labels, csr_array((3, 3)), features, NONE, NONE)
    assert got.inside.all() and len(got) == 2 and not got.linkage.any()
    # Two photos that an answer joins are one side.
    assert len(found(labels, csr_array((3, 3)), features, np.array([[0, 2]]), NONE)) == 1


@pytest.mark.parametrize("labels", [[], [0], [-1], [0, 0], [-1, -1]])
def test_the_smallest_sets(labels):
    labels = np.array(labels, dtype=np.int64)
    n = len(labels)
    got = found(labels, csr_array((n, n)), np.ones((n, 1), dtype=np.float32), NONE, NONE)
    assert len(got) == max(n - 1, 0)


def test_of_very_many_pairs_of_groups_a_sample_stands_for_all(monkeypatch):
    monkeypatch.setattr(module, "MOST_PAIRS", 1000)
    n = 80
    features = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    matrix = csr_array(([0.4, 0.4], ([0, 1], [1, 0])), shape=(n, n))
    got = found(np.full(n, -1), matrix, features, NONE, np.array([[2, 3]]))
    assert len(got) < 600
    assert got.count.sum() == pytest.approx(n * (n - 1) / 2, rel=0.01)
    # What similarity connects is never left out.
    assert got.linkage[(got.pairs == [0, 1]).all(axis=1)].tolist() == [0.4]
