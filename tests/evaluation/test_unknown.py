"""Probabilities that a photo shows an unknown individual: trials agree with loops, probabilities keep their laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from aas_plugin.evaluation import matching
from aas_plugin.evaluation.leave_one_out import leave_one_out
from aas_plugin.evaluation.matching import best_per_individual, cosine
from aas_plugin.evaluation.reliability import calibration_error, error_by_chance
from aas_plugin.evaluation.unknown import DEVIATION, Calibration, calibrate, log_odds
from aas_plugin.simulation.synthetic import synthetic_features


def drawn(seed, individuals, most=4, noise=0.5, photos=9):
    """A gallery and photos: features, individuals of the gallery, features."""
    rng = np.random.default_rng(seed)
    individual = rng.permutation(np.repeat(np.arange(individuals), rng.integers(1, most + 1, individuals)))
    centres = rng.normal(size=(individuals + 3, 8))
    of_new = rng.integers(0, individuals + 3, photos)
    rows = [centres[who] + noise * rng.normal(size=(len(who), 8)) for who in (individual, of_new)]
    gallery, new = ((row / np.linalg.norm(row, axis=1, keepdims=True)).astype(np.float32) for row in rows)
    return gallery, individual, new


herds = st.builds(drawn, st.integers(0, 10**6), st.integers(2, 12), st.integers(1, 5), st.sampled_from([0.1, 0.5, 2]))


def calibrated(gallery, individual, copy=None):
    return calibrate(leave_one_out(cosine(gallery, gallery), individual, copy))


def scored(new, gallery, individual):
    return best_per_individual(cosine(new, gallery), len(new), individual)


@pytest.mark.parametrize("cells", [1, 2**22])
@settings(max_examples=30)
@given(herd=herds, seed=st.integers(0, 99))
def test_trials_agree_with_loops(cells, herd, seed):
    gallery, individual, _ = herd
    copy = np.random.default_rng(seed).integers(0, len(individual), len(individual))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "_CHUNK_CELLS", cells)
        found = leave_one_out(cosine(gallery, gallery), individual, copy)
    rows, seen = [], set()
    for g in range(len(gallery)):
        if (individual[g], copy[g]) in seen:
            continue
        seen.add((individual[g], copy[g]))
        others = [np.flatnonzero((individual == i) & (copy != copy[g])) for i in range(individual.max() + 1)]
        rows.append((individual[g], [max((gallery[g] @ gallery[h] for h in of), default=-np.inf) for of in others]))
    assert found.individual.tolist() == [who for who, _ in rows]
    np.testing.assert_allclose(found.scores, [scores for _, scores in rows], atol=1e-6)
    assert found.photos.tolist() == [sum(who == i for who, _ in seen) for i in range(individual.max() + 1)]


@given(herds, st.floats(0, 1))
def test_probabilities_of_all_individuals_and_of_none_sum_to_one(herd, share):
    gallery, individual, new = herd
    found = calibrated(gallery, individual)
    if found is None:
        assert np.bincount(individual).max() == 1
        return
    scores = scored(new, gallery, individual)
    unknown, each = found.unknown(scores, share), found.each(scores, share)
    assert (each >= 0).all() and (unknown >= 0).all()
    np.testing.assert_allclose(each.sum(axis=1) + unknown, 1, atol=1e-9)
    assert (np.diff(np.take_along_axis(each, np.argsort(scores, axis=1), axis=1)) >= 0).all()


@given(herds, st.floats(0, 1), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_a_better_best_score_never_makes_a_photo_more_unknown(herd, rise, share, other):
    gallery, individual, new = herd
    found = calibrated(gallery, individual)
    if found is None:
        return
    scores = scored(new, gallery, individual)
    rows, best = np.arange(len(new)), scores.argmax(axis=1)
    better = scores.copy()
    better[rows, best] += np.float32(rise)
    assert (found.unknown(better) <= found.unknown(scores) + 1e-12).all()
    assert (found.each(better)[rows, best] >= found.each(scores)[rows, best] - 1e-12).all()
    odds = other / (1 - other) / (share / (1 - share))
    one = found.unknown(scores, share)
    np.testing.assert_allclose(found.unknown(scores, other), one * odds / (1 - one + one * odds), atol=1e-9)


@given(herds, st.integers(0, 99))
def test_the_order_of_photos_and_copies_of_them_change_nothing(herd, seed):
    gallery, individual, new = herd
    rng = np.random.default_rng(seed)
    order = rng.permutation(np.concatenate([np.arange(len(gallery)), rng.integers(0, len(gallery), 5)]))
    one, two = calibrated(gallery, individual), calibrated(gallery[order], individual[order], order)
    if one is None:
        assert two is None
        return
    scores = scored(new, gallery, individual)
    np.testing.assert_allclose(one.unknown(scores), two.unknown(scores), atol=1e-3)
    np.testing.assert_allclose(one.each(scores), two.each(scores), atol=1e-3)
    assert (one.individuals, one.trials) == (two.individuals, two.trials)


def reference(trials):
    """Bias and weight of the best score alone: the same penalised likelihood, trial by trial."""
    strangers = []
    cases, weights = [], []
    size = [int(np.log2(n)) for n in trials.photos]
    left = [int(np.log2(trials.photos[i] - 1)) for i in trials.individual if trials.photos[i] > 1]
    for scores, i in zip(trials.scores, trials.individual, strict=True):
        ranked = sorted((s for j, s in enumerate(scores) if j != i), reverse=True)
        strangers.append((ranked, i))
        if trials.photos[i] > 1:
            wanted = sum(size[j] == int(np.log2(trials.photos[i] - 1)) for j in trials.individual)
            there = left.count(int(np.log2(trials.photos[i] - 1)))
            cases.append((max(scores), True))
            weights.append((wanted * len(left) / len(trials.individual) + 3) / (there + 3))
    spread = np.mean([ranked[0] - ranked[1] for ranked, _ in strangers])
    for ranked, i in strangers:
        n = len(trials.individual)
        cases.append((ranked[0] + spread * np.log(n / (n - trials.photos[i])), False))
        weights.append(1)
    best, known = np.array(cases).T
    weights = np.array(weights)
    for kind in (0, 1):
        weights[known == kind] *= len(known) / 2 / weights[known == kind].sum()

    def loss(at):
        odds = at[0] + at[1] * (best - best.mean()) / best.std()
        each = np.where(known == 1, np.log1p(np.exp(-odds)), np.log1p(np.exp(odds)))
        return (weights * each).sum() + at[1] ** 2 / DEVIATION**2 / 2

    bias, weight = minimize(loss, [0, 1], method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-10}).x
    return bias - weight * best.mean() / best.std(), weight / best.std()


@pytest.mark.parametrize("seed", range(4))
def test_the_curve_is_that_of_the_plain_likelihood(seed):
    gallery, individual, _ = drawn(seed, 15, noise=1)
    trials = leave_one_out(cosine(gallery, gallery), individual)
    found = calibrate(trials)
    assert found.margin == 0
    np.testing.assert_allclose([found.bias, found.best], reference(trials), rtol=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_the_slope_makes_the_known_individuals_most_likely(seed):
    gallery, individual, _ = drawn(seed, 15, noise=1)
    trials = leave_one_out(cosine(gallery, gallery), individual)
    slope = calibrate(trials).slope
    known = trials.known
    unit = trials.scores[known].std()

    def loss(slope):
        odds = slope * trials.scores[known].astype(float)
        own = odds[np.arange(len(odds)), trials.individual[known]]
        return (np.log(np.exp(odds).sum(axis=1)) - own).sum() + (slope * unit) ** 2 / DEVIATION**2 / 2

    assert slope > 0
    assert loss(slope) < min(loss(slope * 0.99), loss(slope * 1.01))


def test_scores_that_are_all_the_same_tell_nothing():
    gallery = np.tile(np.float32([[0.6, 0.8]]), (9, 1))
    individual = np.repeat([0, 1, 2], 3)
    found = calibrated(gallery, individual)
    scores = scored(gallery[:4], gallery, individual)
    np.testing.assert_allclose(found.unknown(scores), 0.5, atol=1e-4)
    np.testing.assert_allclose(found.unknown(scores, 0.3), 0.3, atol=1e-4)
    np.testing.assert_allclose(found.each(scores), 1 / 6, atol=1e-4)


def test_a_gallery_that_shows_no_known_or_no_unknown_photo_is_not_calibrated():
    rows = np.eye(4, dtype=np.float32)
    assert calibrated(rows, np.arange(4)) is None
    assert calibrated(rows, np.zeros(4, dtype=int)) is None
    # Both photos of the first individual are the same file.
    assert calibrated(rows[[0, 0, 1]], np.array([0, 0, 1]), np.array([5, 5, 6])) is None


def test_two_individuals_are_calibrated_without_margin():
    gallery, individual, _ = drawn(3, 2, most=6, noise=0.2)
    found = calibrated(gallery, individual)
    assert found.margin == 0 and found.best > 0
    scores = scored(np.concatenate([gallery[:1], -gallery[:1]]), gallery, individual)
    assert found.unknown(scores)[0] < 0.5 < found.unknown(scores)[1]


def test_one_individual_with_two_photos_cannot_be_checked():
    gallery, _, _ = drawn(1, 5)
    found = calibrated(gallery[:5], np.array([0, 0, 1, 2, 3]))
    assert found is not None and np.isnan(found.error) and np.isnan(found.accuracy) and found.individuals == 1


def test_few_photos_do_not_make_certain():
    rows = np.float32([[1, 0], [1, 0], [0, 1], [0, 1]])
    found = calibrated(rows, np.array([0, 0, 1, 1]))
    assert 0.02 < found.unknown(np.float32([[1, 0]]))[0] < 0.4


def test_the_margin_counts_where_photos_share_a_background():
    rng = np.random.default_rng(0)
    individual = np.repeat(np.arange(60), 3)
    rows = rng.normal(size=(60, 30))[individual] + 0.5 * rng.normal(size=(180, 30))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    # As like as a photo is to all others says nothing about who is on it.
    alike = rows @ rows.T + rng.normal(size=(180, 1))
    found = calibrate(leave_one_out(lambda rows: alike[rows].astype(np.float32), individual))
    assert found.margin > 0 and found.accuracy > 0.9
    found = calibrate(leave_one_out(cosine(rows.astype(np.float32), rows.astype(np.float32)), individual))
    assert found.margin == 0


def test_held_out_error_and_accuracy_are_those_of_new_photos():
    """On photos of 150 individuals, half of them in the gallery, P(unknown) comes true about as often as it says."""
    features, individual = synthetic_features(1, 7, 150)
    turn = np.array([(individual[:row] == who).sum() for row, who in enumerate(individual)])
    known = (individual < 75) & (turn % 3 != 1)
    found = calibrated(features[known], individual[known])
    scores = scored(features[~known], features[known], individual[known])
    unknown = found.unknown(scores, float((individual[~known] >= 75).mean()))
    stranger = individual[~known] >= 75
    assert calibration_error(unknown, stranger) < 0.05
    assert ((unknown > 0.5) == stranger).mean() > 0.95
    assert found.error < 0.05 and found.accuracy > 0.95 and found.individuals <= 75


def test_probabilities_become_scores_on_which_order_and_blanks_stay():
    given_ = np.float32([-np.inf, 0, 1e-3, 0.5, 0.9, 1])
    found = log_odds(given_)
    assert found[0] == -np.inf and found[3] == 0
    assert (np.diff(found[1:]) > 0).all() and np.isfinite(found[1:]).all()


def test_a_margin_is_weighed_by_the_distance_to_the_second():
    found = Calibration(0, 1, 2, 1)
    np.testing.assert_allclose(found.unknown(np.float32([[1, 0.5, 0], [0.5, 1, 1]])), 1 / (1 + np.exp([2, 1])))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.floats(0.1, 5)), min_size=1, max_size=30))
def test_calibration_error_agrees_with_loops(cases):
    total = 0
    for bin_ in range(10):
        inside = [(p, y, w) for p, y, w in cases if min(int(p * 10), 9) == bin_]
        total += abs(sum(w * (p - y) for p, y, w in inside))
    p, y, w = (np.array(column) for column in zip(*cases, strict=True))
    assert calibration_error(p, y, w) == pytest.approx(total / w.sum())


def test_error_by_chance_is_what_right_probabilities_have():
    rng = np.random.default_rng(0)
    p, weight = rng.random(400), rng.random(400) + 0.5
    drawn_ = [calibration_error(p, rng.random(400) < p, weight) for _ in range(300)]
    assert error_by_chance(p, weight) == pytest.approx(np.mean(drawn_), rel=0.05)
