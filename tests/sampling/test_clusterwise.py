"""Samplers that ask within clusters, beside literal ones."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sampler_scenes import asked, distances_of, knowing, nothing_known, views_of

from aas_plugin.sampling import candidates
from aas_plugin.sampling.candidates import clusters_of, in_turns
from aas_plugin.sampling.clusterwise import (
    MassOptions,
    balanced_triplets,
    far_pairs,
    farthest_points,
    pivot_pairs,
    support_pairs,
)

ALL = 10**6


def rng(seed=0):
    return np.random.default_rng(seed)


def inside(views):
    """Images of each DBSCAN cluster of at least two."""
    groups = [np.flatnonzero(views.inlier & (views.a == label)) for label in np.unique(views.a[views.inlier])]
    return [group for group in groups if len(group) > 1]


def test_spal_asks_the_farthest_inside_and_the_closest_outside_of_each_cluster():
    views = views_of()
    distance = distances_of(views)
    table = support_pairs(views, ALL, rng(), nothing_known)
    order = {pair: position for position, pair in enumerate(asked(table))}
    for group in inside(views):
        inner = [(u, v) for u in group for v in group if u < v]
        farthest = max(inner, key=lambda pair: distance[pair])
        assert order[farthest] == min(order[pair] for pair in inner)
    crossing = [pair for pair, kind in zip(asked(table), table["kind"], strict=True) if kind == "outer"]
    assert all(views.a[u] != views.a[v] for u, v in crossing)
    for group in inside(views):
        own = [pair for pair in crossing if set(pair) & set(group.tolist())]
        if own:
            assert distance[own[0]] <= min(distance[pair] for pair in own) + 1e-6


def test_spal_goes_on_with_the_next_pairs_where_answers_are_known():
    views = views_of()
    first = asked(support_pairs(views, 12, rng(), nothing_known))
    known = knowing(len(views.a), [(*first[0], True)])
    later = asked(support_pairs(views, 12, rng(), known))
    assert first[0] not in later and len(later) == 12


def test_mass_asks_medoids_of_view_b_with_their_neighbours():
    views = views_of()
    distance = distances_of(views)
    chosen = asked(pivot_pairs(views, ALL, rng(), MassOptions(neighbours=3), nothing_known))
    expected = set()
    for label in np.unique(views.b):
        group = np.flatnonzero(views.b == label)
        if len(group) > 1:
            pivot = group[distance[np.ix_(group, group)].astype(np.float64).sum(axis=1).argmin()]
            near = [image for image in views.graph.neighbours[pivot].tolist() if image != pivot][:3]
            expected |= {(min(pivot, image), max(pivot, image)) for image in near}
    assert set(chosen) == expected


def test_gbas_and_lbas_ask_inside_of_dbscan_clusters_only():
    views = views_of(noise=1.1)
    assert not views.inlier.all()
    for sampler in (far_pairs, balanced_triplets):
        chosen = asked(sampler(views, ALL, rng(), nothing_known))
        assert chosen and all(views.a[u] == views.a[v] and views.inlier[u] for u, v in chosen)


def test_gbas_begins_in_every_cluster_with_its_medoid_and_the_image_farthest_from_it():
    views = views_of()
    distance = distances_of(views)
    groups = inside(views)
    chosen = asked(far_pairs(views, len(groups), rng(), nothing_known))
    for group in groups:
        block = distance[np.ix_(group, group)]
        medoid = block.astype(np.float64).sum(axis=1).argmin()
        pair = tuple(sorted((int(group[medoid]), int(group[block[medoid].argmax()]))))
        assert pair in chosen


def test_lbas_asks_both_ends_of_the_scale_alike_often():
    views = views_of()
    distance = distances_of(views)
    table = balanced_triplets(views, 2 * len(inside(views)), rng(), nothing_known)
    counts = table["kind"].value_counts()
    assert abs(counts["positive"] - counts["negative"]) <= 2
    near, far = (
        np.mean([distance[pair] for pair in asked(table[table["kind"] == kind])]) for kind in ("positive", "negative")
    )
    assert near < far


@given(st.integers(1, 9), st.integers(0, 99))
def test_each_farthest_point_is_the_farthest_from_all_before_it(size, seed):
    points = np.random.default_rng(seed).integers(0, 4, (size, 2)).astype(np.float32)
    distances = np.abs(points[:, None] - points[None]).sum(axis=2)
    order = farthest_points(distances).tolist()
    assert sorted(order) == list(range(size))
    for step in range(1, size):
        to_chosen = distances[order[:step]].min(axis=0)
        left = [point for point in range(size) if point not in order[:step]]
        assert to_chosen[order[step]] == max(to_chosen[point] for point in left)


def test_clusters_take_turns():
    lists = [np.array([[0, 1], [0, 2], [0, 3]]), np.array([[4, 5]]), np.empty((0, 2), dtype=np.int64)]
    assert in_turns(lists).tolist() == [[0, 1], [4, 5], [0, 2], [0, 3]]
    assert in_turns([]).shape == (0, 2)


def test_a_large_cluster_is_looked_at_in_part(monkeypatch):
    monkeypatch.setattr(candidates, "MOST_MEMBERS", 5)
    labels = np.array([0] * 20 + [1] * 3 + [2] + [-1] * 4)
    found = sorted(clusters_of(labels, rng()), key=len)
    assert [len(group) for group in found] == [3, 5]
    assert set(labels[found[1]]) == {0} and (np.diff(found[1]) > 0).all()


@pytest.mark.parametrize("sampler", [far_pairs, balanced_triplets, support_pairs])
def test_where_nothing_is_clustered_only_pairs_across_are_asked(sampler):
    views = views_of()
    alone = replace(views, a=np.arange(len(views.a)), inlier=np.zeros(len(views.a), dtype=bool))
    assert asked(sampler(alone, ALL, rng(), nothing_known)) == []
