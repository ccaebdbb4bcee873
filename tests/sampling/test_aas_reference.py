"""Ambiguity-aware sampling against a slow version straight from the definitions, in sets and loops."""

from itertools import combinations, product

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import csr_array, eye_array

from aas_plugin.clustering.jaccard import JaccardGraph
from aas_plugin.sampling.aas import AasOptions, ambiguity_aware_pairs
from aas_plugin.sampling.views import Views

CASES = 100


def clusters(labels):
    return [frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)]


def pairs_of(images):
    return set(combinations(sorted(images), 2))


def regions_of(a, b):
    """Connected components of partly overlapping clusters: the images of each, by first image."""
    graph = nx.Graph()
    for cluster_a, cluster_b in product(clusters(a), clusters(b)):
        if 0 < len(cluster_a & cluster_b) / len(cluster_a | cluster_b) < 1:
            graph.add_edge(("a", cluster_a), ("b", cluster_b))
    components = nx.connected_components(graph)
    return sorted((frozenset().union(*(c for _, c in nodes)) for nodes in components), key=min)


def over_segmentation(regions, distance, k_max, s_min):
    medoids = [min(s, key=lambda i: (sum(float(distance[i, j]) for j in s if j != i), i)) for s in regions]
    pool = set()
    for m in medoids:
        others = sorted((o for o in medoids if o != m), key=lambda o: (distance[m, o], o))
        pool |= {(min(m, o), max(m, o)) for o in others[:k_max] if 1 - distance[m, o] >= s_min}
    return pool


def under_segmentation(regions, a, b, distance):
    """For each region all inconsistent pairs (equation 1) and the chosen ones (equations 2 and 3)."""
    inconsistent, chosen = [], []
    for s in regions:
        grouped, candidates = [], set()
        for labels in (a, b):
            inside = [c for c in clusters(labels) if c <= s]
            grouped.append(set().union(*(pairs_of(c) for c in inside)))
            for one, other in combinations(inside, 2):
                cross = {(min(u, v), max(u, v)) for u, v in product(one, other)}
                candidates.add(min(cross, key=lambda pair: (distance[pair], pair)))
        inconsistent.append(grouped[0] ^ grouped[1])
        chosen.append(inconsistent[-1] & candidates)
    return inconsistent, chosen


def share(values):
    """Each value over the sum of all; equal shares of zeros."""
    total = sum(values.values())
    return {key: value / total if total else 1 / len(values) for key, value in values.items()}


def reference(a, b, inlier, distance, known, options):
    """Each pair of the pool with its kind, type, regions and probability; and the sizes."""
    regions = regions_of(a, b)
    where = {image: k for k, s in enumerate(regions) for image in s}
    inconsistent, chosen = under_segmentation(regions, a, b, distance)
    if not options.closest:
        chosen = inconsistent
    drawn_anyway = set() if options.closure else known
    known = known - drawn_anyway
    over = over_segmentation(regions, distance, options.k_max, options.s_min) - known
    under = set().union(*chosen) - known
    over, under = (set() if options.pools == other else pool for other, pool in (("under", over), ("over", under)))
    sim = {pair: float(1 - distance[pair]) for pair in over | under}
    kind = {pair: sum(not inlier[i] for i in pair) for s in inconsistent for pair in s}

    types = {kind[pair] for pair in under}
    weights = {t: sum(kind[pair] == t for pair in under) if options.pi is None else options.pi[t] for t in types}
    if not any(weights.values()):
        weights = {t: sum(kind[pair] == t for pair in under) for t in types}
    pi = share(weights)
    p_under = {}
    for t in types:
        present = {where[pair[0]] for pair in under if kind[pair] == t}
        even = options.rho == "uniform"
        rho = share({k: 1 if even else sum(kind[pair] == t for pair in inconsistent[k]) for k in present})
        for k in present:
            even = options.omega == "uniform"
            omega = share({pair: 1 if even else sim[pair] for pair in under & chosen[k] if kind[pair] == t})
            p_under |= {pair: pi[t] * rho[k] * omega[pair] for pair in omega}
    p_over = share({pair: sim[pair] for pair in over})
    epsilon = options.epsilon if over and under else float(bool(over))

    rows = {}
    for name, pool, mass in (("over", p_over, epsilon), ("under", p_under, 1 - epsilon)):
        for u, v in set(pool) - drawn_anyway:
            outliers = int(not inlier[u]) + int(not inlier[v])
            rows[u, v] = (name, outliers, where[u], where[v], sim[u, v], mass * pool[u, v])
    return rows, {"regions": len(regions), "over_pool": len(over), "under_pool": len(under)}


def random_case(rng):
    n = int(rng.integers(2, 17))
    a = rng.integers(0, rng.integers(1, n + 1), n)
    b = a.copy() if rng.random() < 0.5 else rng.integers(0, rng.integers(1, n + 1), n)
    moved = rng.random(n) < 0.3
    b[moved] = rng.integers(0, n, np.count_nonzero(moved))
    inlier = rng.random(n) < rng.choice([0, 0.7, 1])
    if rng.random() < 0.7:
        a[~inlier] = n + np.arange(np.count_nonzero(~inlier))
    if rng.random() < 0.5:
        upper = rng.choice([0, 0.25, 0.5, 0.75, 1], size=(n, n))
    else:
        upper = np.where(rng.random((n, n)) < 0.3, 1, rng.random((n, n)))
    distance = np.triu(upper, 1).astype(np.float32)
    distance += distance.T
    known = {pair for pair in combinations(range(n), 2) if rng.random() < rng.choice([0, 0.3])}
    options = AasOptions(
        epsilon=float(rng.choice([0, 0.3, 0.6, 1])),
        k_max=int(rng.integers(1, 6)),
        s_min=float(rng.choice([0.01, 0.25, 0.3, 0.5])),
        pi=None if rng.random() < 0.7 else tuple(rng.permutation([0.0, 0.2, 3.0]).tolist()),
        pools=str(rng.choice(["both", "both", "over", "under"])),
        closest=bool(rng.random() < 0.7),
        rho=str(rng.choice(["inconsistent", "uniform"])),
        omega=str(rng.choice(["similarity", "uniform"])),
        closure=bool(rng.random() < 0.7),
    )
    return a, b, inlier, distance, known, options


class GivenDistances(JaccardGraph):
    """Any distances, of no weights."""

    def among(self, groups, radius=1.0):
        return self.distances


def views_of(a, b, inlier, distance):
    n = len(a)
    rows, columns = np.nonzero(distance < 1)
    graph = GivenDistances(
        neighbours=np.arange(n)[:, None],
        weights=csr_array(eye_array(n, dtype=np.float32)),
        distances=csr_array((distance[rows, columns], (rows, columns)), shape=(n, n)),
    )
    return Views(features=np.eye(n, dtype=np.float32), graph=graph, a=a, inlier=inlier, b=b)


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(2, 25))])
def test_pool_and_distribution_equal_the_definitions(seed):
    rng = np.random.default_rng(seed)
    for case in range(CASES):
        a, b, inlier, distance, known, options = random_case(rng)
        rows, sizes = reference(a, b, inlier, distance, known, options)
        table = ambiguity_aware_pairs(
            views_of(a, b, inlier, distance),
            budget=10_000,
            rng=np.random.default_rng(0),
            options=options,
            known=lambda pairs, known=known: np.array([tuple(p) in known for p in pairs.tolist()], dtype=bool),
        )
        found = {
            (r.u, r.v): (r.kind, r.type, r.region_u, r.region_v, r.similarity, pytest.approx(r.probability))
            for r in table.itertuples()
        }
        assert len(found) == len(table)
        assert found == rows, f"case {case}"
        assert table.attrs == sizes, f"case {case}"


def test_the_random_cases_are_of_every_kind():
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(CASES):
        rows, sizes = reference(*random_case(rng))
        seen |= {(row[0], row[1]) for row in rows.values()}
        seen |= {"nothing"} if not rows else set()
        seen |= {"both pools"} if sizes["over_pool"] and sizes["under_pool"] else set()
    assert seen == {*product(["over", "under"], [0, 1, 2]), "nothing", "both pools"}
