"""Nested importance sampling: what is drawn how often."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from sampler_scenes import asked, knowing, nothing_known, views_of

from aas_plugin.sampling.nis import NisOptions, nested_pairs


def crowd_and_loner():
    """Nine photos that are alike, and one that is like none of them."""
    views = views_of(2, 5)
    features = np.zeros((10, 3), dtype=np.float32)
    features[:9, 0], features[9, 1] = 1, 1
    return replace(views, features=features)


@pytest.mark.parametrize(("vertices", "rare"), [("degree", True), ("uniform", False)])
def test_a_vertex_of_low_degree_is_drawn_more_often(vertices, rare):
    views = crowd_and_loner()
    options = NisOptions(vertices=vertices, neighbours=1)
    first = Counter(
        9 in asked(nested_pairs(views, 1, np.random.default_rng(seed), options, nothing_known))[0]
        for seed in range(400)
    )
    # Degrees: 8 e^2 + 1 of each of nine, 9 of one. Seen as a vertex, or as the rare neighbour of another one.
    degrees = np.array([8 * np.exp(2) + 1] * 9 + [9.0])
    chance = 1 / degrees if rare else np.ones(10)
    chance /= chance.sum()
    expected = chance[9] + (1 - chance[9]) / (8 * np.exp(2) + 1)
    assert first[True] / 400 == pytest.approx(expected, abs=0.08)


def test_likely_neighbours_are_drawn_more_often():
    features = np.array([[1, 0], [0.95, np.sqrt(1 - 0.95**2)], [-1, 0]], dtype=np.float32)
    views = replace(views_of(1, 3), features=features)
    options = NisOptions(vertices="uniform", neighbours=1)
    drawn = Counter(
        asked(nested_pairs(views, 1, np.random.default_rng(seed), options, nothing_known))[0] for seed in range(300)
    )
    assert drawn[(0, 1)] > 150 > drawn[(0, 2)] + drawn[(1, 2)] > 0


def test_what_is_known_is_not_drawn_and_where_all_is_known_nothing_is():
    views = views_of()
    n = len(views.a)
    known = knowing(n, [(0, image, False) for image in range(1, n)])
    assert all(0 not in pair for pair in asked(nested_pairs(views, 60, np.random.default_rng(0), NisOptions(), known)))
    everything = lambda pairs: np.ones(len(pairs), dtype=bool)  # noqa: E731
    assert asked(nested_pairs(views, 60, np.random.default_rng(0), NisOptions(), everything)) == []


def test_without_features_distances_are_taken():
    views = views_of()
    bare = replace(views, features=np.empty((len(views.a), 0), dtype=np.float32))
    assert len(asked(nested_pairs(bare, 20, np.random.default_rng(0), NisOptions(), nothing_known))) == 20
