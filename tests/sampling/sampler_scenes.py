"""Small sets of images with two clusterings, for tests of samplers."""

from itertools import combinations

import numpy as np

from aas_plugin.clustering.jaccard import jaccard_graph
from aas_plugin.constraints.closure import Constraints
from aas_plugin.sampling.views import make_views
from aas_plugin.testing.sampler_contract import herd


def nothing_known(pairs):
    return np.zeros(len(pairs), dtype=bool)


def views_of(individuals=7, photos=6, noise=0.9, seed=3, eps=0.6, min_samples=3):
    features = herd(individuals, photos, noise, seed)
    return make_views(features, jaccard_graph(features, 8, 3, radius=0.7), lambda labels: labels, eps, min_samples)


def asked(table):
    return [tuple(pair) for pair in table[["u", "v"]].to_numpy().tolist()]


def pairs_of(n):
    return list(combinations(range(n), 2))


def distances_of(views):
    """All distances, float32 (N, N)."""
    n = len(views.a)
    first, second = np.divmod(np.arange(n * n), n)
    return views.graph.distance(first, second).reshape(n, n)


def knowing(n, answers):
    """What is known after answers (u, v, same)."""
    constraints = Constraints(n)
    for u, v, same in answers:
        constraints.add(u, v, same)
    return constraints.entailed_mask
