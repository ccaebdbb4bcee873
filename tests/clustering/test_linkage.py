"""Mean linkage on a sparse graph merges as the dense formula does, and never what must stay apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import linkage
from scipy.sparse import csr_array
from scipy.spatial.distance import squareform

from aas_plugin.clustering.linkage import mean_linkage


def similarities(n, seed, floor=0.5):
    upper = np.triu(np.random.default_rng(seed).random((n, n)), 1)
    upper[upper < floor] = 0
    return upper + upper.T


def literal(similarity, stop, groups, apart):
    """Merge the closest two of all clusters, looking at all pairs of images each time."""
    clusters, found = [[image] for image in range(len(similarity))], []
    barred = {frozenset(pair) for pair in apart.tolist()}
    while True:
        best = (stop, None)
        for i, one in enumerate(clusters):
            for other in clusters[i + 1 :]:
                mean = similarity[np.ix_(one, other)].mean()
                if mean > best[0] and not any(frozenset((groups[a], groups[b])) in barred for a in one for b in other):
                    best = (mean, (one, other))
        if best[1] is None:
            return found, sorted(map(sorted, clusters))
        one, other = best[1]
        clusters = [cluster for cluster in clusters if cluster not in (one, other)] + [one + other]
        found.append(best[0])


def clusters_of(labels):
    return sorted(np.flatnonzero(labels == label).tolist() for label in np.unique(labels))


def test_without_constraints_it_is_scipys_average_linkage():
    similarity = similarities(60, 0)
    found = mean_linkage(csr_array(similarity), np.ones(60), 0.0)
    expected = linkage(squareform(1 - similarity, checks=False), "average")
    np.testing.assert_allclose(found.linkage, 1 - expected[:, 2])


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 16), st.integers(0, 1000), st.sampled_from([0.0, 0.1, 0.4]), st.integers(0, 12))
def test_it_is_the_literal_reference(n, seed, stop, pairs):
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, max(n // 2, 1), n)
    apart = rng.integers(0, max(n // 2, 1), (pairs, 2))
    apart = apart[apart[:, 0] != apart[:, 1]]
    similarity = similarities(n, seed)
    found = mean_linkage(csr_array(similarity), np.ones(n), stop, groups, apart)
    expected, clusters = literal(similarity, stop, groups, apart)
    np.testing.assert_allclose(found.linkage, expected)
    assert clusters_of(found.labels) == clusters


def test_a_node_is_made_of_its_leaves():
    found = mean_linkage(csr_array(similarities(20, 3)), np.ones(20), 0.0)
    together = [found.leaves(int(node)).tolist() for node in np.unique(found.last)]
    assert sorted(together) == clusters_of(found.labels)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_nothing_alike_merges_nothing(n):
    found = mean_linkage(csr_array((n, n)), np.ones(n), 0.0)
    assert len(found.linkage) == 0 and found.labels.tolist() == list(range(n))


def test_copies_become_one():
    found = mean_linkage(csr_array(np.ones((6, 6)) - np.eye(6)), np.ones(6), 0.5)
    assert found.labels.tolist() == [0] * 6
