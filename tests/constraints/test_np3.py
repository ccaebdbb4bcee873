"""What must hold of NP3 for every input."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aas_plugin.constraints.closure import Constraints, Contradiction
from aas_plugin.constraints.np3 import merge_must_linked, np3

EMPTY = np.empty((0, 2), dtype=np.int64)


def links(*pairs):
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def between(dist):
    """The distance function of a matrix."""
    return lambda u, v: dist[np.ix_(u, v)]


def on_a_line(*places):
    places = np.array(places, dtype=np.float32)
    return lambda u, v: np.abs(places[u][:, None] - places[v])


def no_distance(u, v):
    raise AssertionError("no distance is needed here")


def partition(labels):
    """Clusters as sets of images, whatever their names."""
    return {frozenset(np.flatnonzero(labels == k).tolist()) for k in set(labels.tolist()) - {-1}}


@st.composite
def problems(draw, agreeing=False):
    """Labels, constraints that are true of hidden identities, distances that differ but often sum alike."""
    n = draw(st.integers(0, 12))
    labels = np.array(draw(st.lists(st.integers(-1, 2), min_size=n, max_size=n)), dtype=np.int64)
    truth = draw(st.lists(st.integers(0, 6), min_size=n, max_size=n))
    if agreeing:
        truth = [name if name >= 0 else 10 + i for i, name in enumerate(labels.tolist())]
    pairs = list(itertools.combinations(range(n), 2))
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=20)) if pairs else []
    steps = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).permutation(len(pairs)) + 1
    dist = np.zeros((n, n), dtype=np.float32)
    for (u, v), step in zip(pairs, steps, strict=True):
        dist[u, v] = dist[v, u] = step / 128
    must = links(*(p for p in chosen if truth[p[0]] == truth[p[1]]))
    return labels, must, links(*(p for p in chosen if truth[p[0]] != truth[p[1]])), dist


@given(problems())
@settings(max_examples=300)
def test_every_constraint_holds(problem):
    labels, must, cannot, dist = problem
    refined = np3(labels, must, cannot, between(dist))
    assert all(refined[u] == refined[v] >= 0 for u, v in must)
    assert all(refined[u] != refined[v] or refined[u] == -1 for u, v in cannot)


@given(problems())
@settings(max_examples=150)
def test_labels_are_named_by_first_appearance_and_only_must_links_end_noise(problem):
    labels, must, cannot, dist = problem
    refined = np3(labels, must, cannot, between(dist))
    assert refined.dtype == np.int64 and refined.shape == labels.shape
    assert list(dict.fromkeys(refined[refined >= 0].tolist())) == list(range(refined.max(initial=-1) + 1))
    linked = np.isin(np.arange(len(labels)), must)
    assert (refined == -1).tolist() == ((labels == -1) & ~linked).tolist()


@given(problems(agreeing=True))
@settings(max_examples=150)
def test_labels_that_violate_nothing_stay_without_a_look_at_distances(problem):
    labels, must, cannot, _ = problem
    assert partition(np3(labels, must, cannot, no_distance)) == partition(labels)


@given(problems())
@settings(max_examples=150)
def test_clusters_that_no_constraint_violates_stay(problem):
    labels, must, cannot, dist = problem
    broken = [(u, v) for u, v in must if u != v and (labels[u] != labels[v] or labels[u] == -1)]
    broken += [(u, v) for u, v in cannot if labels[u] == labels[v] >= 0]
    touched = {labels[i] for pair in broken for i in pair}
    untouched = {c for c in partition(labels) if labels[min(c)] not in touched}
    assert untouched <= partition(np3(labels, must, cannot, between(dist)))


@given(problems())
@settings(max_examples=150)
def test_idempotent(problem):
    labels, must, cannot, dist = problem
    refined = np3(labels, must, cannot, between(dist))
    assert np3(refined, must, cannot, no_distance).tolist() == refined.tolist()


@given(problems(), st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_numbering_images_and_ordering_constraints_does_not_matter(problem, random):
    labels, must, cannot, dist = problem
    n = len(labels)
    old = np.array(random.sample(range(n), n), dtype=np.int64)  # the image that is now number i
    new = np.argsort(old)
    renamed = np.array([-1, 7, 3, 5])[labels + 1][old]

    def shuffled(pairs):
        moved = [tuple(random.sample(pair, 2)) for pair in new[pairs].tolist()]
        return links(*random.sample(moved, len(moved)))

    expected = np3(labels, must, cannot, between(dist))
    found = np3(renamed, shuffled(must), shuffled(cannot), between(dist[np.ix_(old, old)]))
    assert partition(found[new]) == partition(expected)
    assert (found[new] == -1).tolist() == (expected == -1).tolist()


def test_sums_of_distances_that_tie_do_not_bring_the_numbering_in():
    rng = np.random.default_rng(0)
    backwards = np.arange(6)[::-1]
    labels, cannot = np.zeros(6, dtype=np.int64), links((0, 1), (2, 3), (4, 5))
    for _ in range(300):
        dist = np.zeros((6, 6))
        dist[np.triu_indices(6, 1)] = rng.permutation(15) / 16
        dist += dist.T
        expected = np3(labels, EMPTY, cannot, between(dist))
        found = np3(labels, EMPTY, cannot, between(dist[np.ix_(backwards, backwards)]))
        assert partition(found[backwards]) == partition(expected)


@given(problems())
@settings(max_examples=50)
def test_deterministic_and_leaves_its_inputs_alone(problem):
    labels, must, cannot, _ = problem
    copies = labels.copy(), must.copy(), cannot.copy()
    tied = np.zeros((len(labels), len(labels)), dtype=np.float32)
    first, second = (np3(labels, must, cannot, between(tied)) for _ in range(2))
    assert first.tolist() == second.tolist()
    assert all(np.array_equal(a, b) for a, b in zip(copies, (labels, must, cannot), strict=True))


@given(problems(), st.data())
@settings(max_examples=100)
def test_contradictory_constraints_raise_with_a_chain(problem, data):
    labels, must, cannot, dist = problem
    known = Constraints(len(labels))
    for u, v in must:
        known.add(u, v, same=True)
    pairs = itertools.combinations(range(len(labels)), 2)
    denied = [pair for pair in pairs if known.entails(*pair)]
    if not denied:
        return
    u, v = data.draw(st.sampled_from(denied))
    with pytest.raises(Contradiction) as error:
        np3(labels, must, np.concatenate([cannot, links((u, v))]), between(dist))
    chain = [link[:2] for link in error.value.chain]
    assert set(chain) <= set(map(tuple, must.tolist()))
    ends = [image for image, count in zip(*np.unique(chain, return_counts=True), strict=True) if count == 1]
    assert ends == [u, v]


def test_only_distances_to_images_in_conflict_are_asked_for():
    labels = np.repeat([0, 1, -1], [1000, 500, 500])
    asked = []

    def distance(u, v):
        asked.extend(itertools.product(u.tolist(), v.tolist()))
        return np.abs(u[:, None] - v) / 2000

    np3(labels, links((3, 4), (1200, 1900)), links((4, 700), (1000, 1900), (10, 1100)), distance)
    impure = [(u, v) for u in range(1000) for v in (3, 4, 700)]
    impure += [(u, v) for u in [*range(1000, 1500), 1900] for v in (1000, 1200, 1900)]
    assert len(asked) == len(set(asked)) and set(asked) <= set(impure)


def test_must_links_merge_whole_clusters_and_wake_noise():
    labels = np.array([0, 0, 1, 1, -1, -1, -1, -1, 2])
    merged = np3(labels, links((1, 2), (3, 4), (5, 6)), EMPTY, no_distance)
    assert merged.tolist() == [0, 0, 0, 0, 0, 1, 1, -1, 2]
    assert partition(merge_must_linked(labels, links((1, 2), (3, 4), (5, 6)))) == partition(merged)


def test_cannot_links_between_noise_or_between_clusters_ask_nothing():
    labels = np.array([0, 0, 1, -1, -1])
    assert np3(labels, EMPTY, links((3, 4), (0, 2), (1, 3)), no_distance).tolist() == labels.tolist()


def test_a_merge_that_makes_a_cluster_impure_is_split_again():
    labels = np.array([0, 0, 1, 1])
    refined = np3(labels, links((1, 2)), links((0, 3)), on_a_line(0.0, 0.2, 0.3, 1.0))
    assert partition(refined) == {frozenset({0, 1, 2}), frozenset({3})}


def test_woken_noise_can_make_a_cluster_impure():
    labels = np.array([0, 0, -1])
    refined = np3(labels, links((1, 2)), links((0, 2)), on_a_line(0, 1, 2))
    assert partition(refined) == {frozenset({0}), frozenset({1, 2})}


def test_images_without_conflict_go_to_the_closest_part_with_their_must_link_group():
    labels = np.zeros(6, dtype=np.int64)
    distance = on_a_line(0.0, 1.0, 0.1, 0.9, 0.2, 0.3)
    refined = np3(labels, links((3, 4), (4, 5)), links((0, 1)), distance)
    assert partition(refined) == {frozenset({0, 2, 3, 4, 5}), frozenset({1})}


def test_the_group_with_most_colours_founds_and_others_are_matched_to_it():
    labels = np.zeros(5, dtype=np.int64)
    triangle, pair = [(0, 1), (0, 2), (1, 2)], [(3, 4)]
    # Image 3 is closest to 1, and so is 4; the least total distance sends 3 to 1 and 4 to 2.
    refined = np3(labels, EMPTY, links(*triangle, *pair), on_a_line(0, 10, 20, 11, 14))
    assert partition(refined) == {frozenset({0}), frozenset({1, 3}), frozenset({2, 4})}


def test_of_groups_with_as_many_colours_the_one_with_most_images_founds():
    dist = np.ones((7, 7)) + np.add.outer(np.arange(7), np.arange(7)) / 100
    for u, v in [(4, 0), (5, 1), (6, 1), (4, 2), (5, 3), (6, 3), (0, 3), (1, 2)]:
        dist[u, v] = dist[v, u] = 0.1
    refined = np3(np.zeros(7, dtype=np.int64), links((5, 6)), links((0, 1), (2, 3), (4, 5)), between(dist))
    assert partition(refined) == {frozenset({0, 2, 4}), frozenset({1, 3, 5, 6})}


@pytest.mark.parametrize("n", [0, 1, 5])
def test_all_noise_and_no_constraints(n):
    assert np3(np.full(n, -1), EMPTY, EMPTY, no_distance).tolist() == [-1] * n


def test_duplicate_images_repeated_constraints_and_self_links():
    labels = np.zeros(4, dtype=np.int64)
    refined = np3(labels, links((0, 1), (1, 0), (2, 2)), links((0, 2), (2, 0)), on_a_line(1, 1, 1, 1))
    assert refined[0] == refined[1] != refined[2]


def test_an_image_apart_from_itself_is_a_contradiction():
    with pytest.raises(Contradiction, match="itself"):
        np3(np.zeros(2, dtype=np.int64), EMPTY, links((1, 1)), no_distance)


@pytest.mark.parametrize(
    ("labels", "must", "cannot", "distance", "message"),
    [
        ([0, 0], [(0, 2)], [], no_distance, "outside 0..1"),
        ([0, 0], [], [(-1, 0)], no_distance, "outside 0..1"),
        ([0, -2], [], [], no_distance, "below -1"),
        ([0, 0], [], [(0, 1)], on_a_line(0, np.nan), "not finite"),
    ],
)
def test_bad_input_is_an_error(labels, must, cannot, distance, message):
    with pytest.raises(ValueError, match=message):
        np3(np.array(labels), links(*must), links(*cannot), distance)
