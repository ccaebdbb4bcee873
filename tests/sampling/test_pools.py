from itertools import combinations

import numpy as np
import pytest
from scipy.sparse import csr_array

from aas_plugin.sampling.pools import medoids_of, over_segmentation_pool, pair_types, under_segmentation_pool
from aas_plugin.sampling.regions import uncertainty_regions


def ints(*values):
    return np.array(values, dtype=np.int64)


def sparse(matrix):
    """Distances as a graph stores them: those of 1 left out, zeros kept."""
    matrix = np.asarray(matrix, dtype=np.float32)
    rows, columns = np.nonzero(matrix < 1)
    return csr_array((matrix[rows, columns], (rows, columns)), shape=matrix.shape)


def distances_of(n, pairs):
    """Distances between `n` images, 1 but for `pairs`: {(u, v): distance}."""
    matrix = 1 - np.eye(n)
    for (u, v), distance in pairs.items():
        matrix[u, v] = matrix[v, u] = distance
    return sparse(matrix)


def points(n, seed):
    """Distances between random points of a line, with ties."""
    x = np.random.default_rng(seed).integers(0, 40, n) / 16
    return np.minimum(np.abs(x[:, None] - x[None]), 1)


def over(region, distances, **options):
    return over_segmentation_pool(medoids_of(region, distances), distances, **options)


def test_the_medoids_of_two_regions_are_paired():
    # 1 is in the middle of region 0, 4 in the middle of region 1.
    region = ints(0, 0, 0, 1, 1, 1, -1)
    near = {(0, 1): 0.25, (1, 2): 0.25, (3, 4): 0.25, (4, 5): 0.25, (1, 4): 0.5, (0, 3): 0.125, (1, 6): 0.125}
    pool = over(region, distances_of(7, near))
    assert pool.pairs.tolist() == [[1, 4]]
    assert pool.sim.tolist() == [0.5]


def test_of_equal_medoids_the_lowest_image_is_taken():
    region = ints(0, 0, 1, 1)
    pool = over(region, distances_of(4, {(u, v): 0.5 for u, v in combinations(range(4), 2)}))
    assert pool.pairs.tolist() == [[0, 2]]


def test_the_distance_of_an_image_to_itself_makes_no_medoid():
    distances = distances_of(4, {(u, v): 0.5 for u, v in combinations(range(4), 2)})
    distances.setdiag([0.125, 0, 0.125, 0])
    assert over(ints(0, 0, 1, 1), distances).pairs.tolist() == [[0, 2]]


@pytest.mark.parametrize(("s_min", "pairs"), [(0.25, [[0, 2]]), (0.26, [])])
def test_the_least_similarity_is_inclusive(s_min, pairs):
    near = {(0, 1): 0.0, (2, 3): 0.0, (0, 2): 0.75}
    pool = over(ints(0, 0, 1, 1), distances_of(4, near), s_min=s_min)
    assert pool.pairs.tolist() == pairs
    assert pool.pairs.shape == (len(pairs), 2)


def test_a_pair_needs_to_be_among_the_nearest_of_one_of_its_ends_only():
    # Medoids 0, 2, 4, 6 on a line at 0, 1, 3 and 7 sixteenths: each names its nearest.
    x = np.repeat([0, 1, 3, 7], 2) / 16
    pool = over(ints(0, 0, 1, 1, 2, 2, 3, 3), sparse(abs(x[:, None] - x[None])), k_max=1)
    assert pool.pairs.tolist() == [[0, 2], [2, 4], [4, 6]]


def test_regions_at_distance_one_are_not_joined_however_small_the_least_similarity():
    pool = over(ints(0, 0, 1, 1, 2, 2), distances_of(6, {(0, 2): 0.9}), s_min=1e-9)
    assert pool.pairs.tolist() == [[0, 2]]


@pytest.mark.parametrize("region", [[], [-1, -1], [0, 0, -1]])
def test_fewer_than_two_regions_have_no_over_segmentation(region):
    pool = over(ints(*region), distances_of(len(region), {}))
    assert pool.pairs.shape == (0, 2) and pool.sim.shape == (0,)


def under(a, b, distances, inlier=None):
    a, b = ints(*a), ints(*b)
    inlier = np.ones(len(a), dtype=bool) if inlier is None else np.array(inlier, dtype=bool)
    return under_segmentation_pool(a, b, inlier, uncertainty_regions(a, b), distances)


def test_one_question_stands_for_all_pairs_of_the_same_ambiguity():
    # View A groups {0, 1, 2, 3}, view B sets 3 apart: the pair nearest to 3 is asked.
    pool = under([0, 0, 0, 0], [0, 0, 0, 1], distances_of(4, {(0, 3): 0.5, (1, 3): 0.25, (2, 3): 0.75}))
    assert pool.pairs.tolist() == [[1, 3]]
    assert pool.sim.tolist() == [0.75]
    assert pool.type.tolist() == [0] and pool.region.tolist() == [0]
    assert pool.inconsistent.tolist() == [[3, 0, 0]]


def test_a_pair_is_not_asked_when_its_clusters_are_closer_elsewhere():
    # View B's {0, 2} and {1, 3} meet in view A's {0, 1}, but are closest at (2, 3), which A parts too.
    a, b = [0, 0, 1, 2], [0, 1, 0, 1]
    assert [2, 3] not in under(a, b, distances_of(4, {(0, 1): 0.5, (2, 3): 0.25})).pairs.tolist()
    assert [0, 1] not in under(a, b, distances_of(4, {(0, 1): 0.5, (2, 3): 0.25})).pairs.tolist()
    assert [0, 1] in under(a, b, distances_of(4, {(0, 1): 0.25, (2, 3): 0.5})).pairs.tolist()


def test_clusters_without_a_near_pair_are_asked_about_by_their_first_images():
    pool = under([0, 0, 0, 0, 0], [0, 0, 1, 1, 2], distances_of(5, {}))
    assert pool.pairs.tolist() == [[0, 2], [0, 4], [2, 4]]
    assert pool.sim.tolist() == [0, 0, 0]


def test_noise_images_that_the_other_view_groups_are_asked_about_by_type():
    pool = under([0, 0, 1, 2], [0, 0, 0, 0], distances_of(4, {}), inlier=[1, 1, 0, 0])
    assert pool.pairs.tolist() == [[0, 2], [0, 3], [2, 3]]
    assert pool.type.tolist() == [1, 1, 2]
    assert pool.inconsistent.tolist() == [[0, 4, 1]]


@pytest.mark.parametrize("labels", [[], [0], [0, 0, 0], [0, 1, 2]])
def test_views_that_agree_have_no_under_segmentation(labels):
    pool = under(labels, labels, distances_of(len(labels), {}))
    assert pool.pairs.shape == (0, 2) and pool.inconsistent.shape == (0, 3)


@pytest.mark.parametrize("seed", range(20))
def test_inconsistent_pairs_are_counted_by_region_and_type(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 12, 40), rng.integers(0, 30, 40)
    inlier = rng.random(40) < 0.6
    region = uncertainty_regions(a, b)
    counts = np.zeros((region.max() + 1, 3), dtype=int)
    for u, v in combinations(range(40), 2):
        if (a[u] == a[v]) != (b[u] == b[v]):
            counts[region[u], int(not inlier[u]) + int(not inlier[v])] += 1
    pool = under_segmentation_pool(a, b, inlier, region, sparse(points(40, seed)))
    assert pool.inconsistent.tolist() == counts.tolist()


def test_types_count_the_outliers_of_a_pair():
    pairs = ints(0, 1, 0, 2, 2, 3).reshape(3, 2)
    assert pair_types(pairs, np.array([True, True, False, False])).tolist() == [0, 1, 2]


def closest_by_definition(a, b, region, distance):
    """Of every two clusters of one view in a region the lowest closest pair, if the other view groups it."""
    found = {}
    for own, other in ((a, b), (b, a)):
        for x, y in combinations(np.unique(own), 2):
            xs, ys = np.flatnonzero(own == x), np.flatnonzero(own == y)
            if region[xs[0]] >= 0 and region[xs[0]] == region[ys[0]]:
                value, u, v = min((distance[u, v], min(u, v), max(u, v)) for u in xs for v in ys)
                if other[u] == other[v]:
                    found[int(u), int(v)] = float(1 - value)
    return found


def test_of_tied_closest_pairs_the_lowest_is_asked():
    for seed in range(150):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(2, 18))
        a, b = rng.integers(0, rng.integers(1, n + 1), n), rng.integers(0, rng.integers(1, n + 1), n)
        distance = rng.choice([0, 0.25, 0.5, 0.75, 1], size=(n, n), p=[0.1, 0.15, 0.15, 0.1, 0.5]).astype(np.float32)
        distance = np.minimum(distance, distance.T)
        np.fill_diagonal(distance, 0)
        pool = under(a, b, sparse(distance))
        found = dict(zip(map(tuple, pool.pairs.tolist()), pool.sim.tolist(), strict=True))
        assert found == closest_by_definition(a, b, uncertainty_regions(ints(*a), ints(*b)), distance), f"seed {seed}"


def test_thousands_of_pairs_of_one_region():
    near = {(0, 1): 0.25, (2, 40): 0.5}
    pool = under(range(60), [0] * 60, distances_of(60, near))
    assert pool.pairs.tolist() == [list(pair) for pair in combinations(range(60), 2)]
    similar = {tuple(pair): sim for pair, sim in zip(pool.pairs.tolist(), pool.sim.tolist(), strict=True) if sim > 0}
    assert similar == {(0, 1): 0.75, (2, 40): 0.5}
