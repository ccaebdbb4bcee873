"""Samplers by rank, beside slow sorts."""

import numpy as np
import pytest
from sampler_scenes import asked, distances_of, knowing, nothing_known, pairs_of, views_of

from aas_plugin.sampling.ranked import all_pairs, margin_pairs, most_similar_pairs


@pytest.mark.parametrize("seed", range(4))
def test_the_most_similar_pairs_come_first(seed):
    views = views_of(seed=seed)
    distance = distances_of(views)
    chosen = asked(most_similar_pairs(views, 25, nothing_known))
    left = set(pairs_of(len(views.a))) - set(chosen)
    reached = [distance[pair] for pair in chosen]
    assert len(chosen) == 25 and reached == sorted(reached)
    assert max(reached) <= min(distance[pair] for pair in left)


def test_beyond_the_graph_neighbours_go_on_by_their_product():
    views = views_of(90, 1)
    chosen = np.array(asked(most_similar_pairs(views, 10**6, nothing_known)))
    far = chosen[views.graph.distance(*chosen.T) == 1]
    products = (views.features[far[:, 0]] * views.features[far[:, 1]]).sum(axis=1)
    assert len(far) > 3 and (np.diff(products) <= 1e-6).all()


@pytest.mark.parametrize("eps", [0.45, 0.6])
def test_the_margin_is_that_of_view_a(eps):
    views = views_of(eps=eps)
    distance = distances_of(views)
    chosen = asked(margin_pairs(views, 15, nothing_known))
    off = [abs(distance[pair] - eps) for pair in chosen]
    left = set(pairs_of(len(views.a))) - set(chosen)
    assert off == sorted(off)
    assert max(off) <= min(abs(distance[pair] - eps) for pair in left) + 1e-6


def test_all_pairs_are_all_that_are_not_known():
    views = views_of(4, 4)
    known = knowing(16, [(0, 1, True), (1, 2, True), (2, 5, False)])
    chosen = asked(all_pairs(views, 10**6, known))
    entailed = {(0, 1), (0, 2), (1, 2), (0, 5), (1, 5), (2, 5)}
    assert len(chosen) == len(set(chosen)) and set(chosen) == set(pairs_of(16)) - entailed
