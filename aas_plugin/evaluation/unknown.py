"""Whether a photo shows none of a gallery's individuals, and which one else, as probabilities.

Each gallery photo is tried as a new one: once without itself (known), once without its individual (unknown). Logistic
curves of scores are fitted to these trials.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize
from scipy.special import expit, logit, softmax

from aas_plugin.evaluation.leave_one_out import Ints, Scores, Trials
from aas_plugin.evaluation.reliability import calibration_error, error_by_chance

Floats = NDArray[np.float64]

DEVIATION = 3.0
"""Of the normal prior of weights, scores having deviation 1 (ours): two separable photos do not make 0 and 1."""

FOLDS = 10
LEAST_GAIN = 0.01
"""Nats a held-out trial by which the second score has to help before it counts (ours)."""

_STEADY = 3
"""Trials added to each group of individuals with about as many photos before groups are weighed (ours)."""


@dataclass(frozen=True)
class Calibration:
    """From scores to probabilities.

    Attributes:
        bias: log odds of "known" at scores of 0, where half of all photos show an unknown individual.
        best: weight of the best score, at least 0.
        margin: weight of its distance to the second, at least 0; 0 where that does not help.
        slope: log odds between two individuals of a photo by the difference of their scores, at least 0.
        individuals: those with two photos at least, on which it rests.
        trials: gallery photos, each tried once or twice.
        error: expected calibration error of P(unknown) in 10 bins, on individuals that were held out; NaN where
            that takes more individuals.
        by_chance: how large the error would be expected to be if all probabilities were right.
        accuracy: balanced accuracy of P(unknown) > 0.5 on individuals that were held out; NaN as above.
    """

    bias: float
    best: float
    margin: float
    slope: float
    individuals: int = 0
    trials: int = 0
    error: float = float("nan")
    by_chance: float = float("nan")
    accuracy: float = float("nan")

    def unknown(self, scores: Scores, share: float = 0.5) -> Floats:
        """P(none of the individuals), float64 (P,).

        It never rises with the best score while the others stay.

        Args:
            scores: float32 (P, I), of photos by individual.
            share: of photos that show an unknown individual, in [0, 1].
        """
        told = two_best(scores)
        # Without a second individual there is no margin, and none was fitted.
        known = self.bias + self.best * told[:, 0] + (self.margin * (told[:, 0] - told[:, 1]) if self.margin else 0)
        return np.asarray(expit(logit(share) - known))

    def each(self, scores: Scores, share: float = 0.5) -> Floats:
        """P(the photo shows this individual), float64 (P, I); rows sum to 1 - P(unknown)."""
        among = softmax(self.slope * scores.astype(np.float64), axis=1)
        return np.asarray((1 - self.unknown(scores, share))[:, None] * among)


def log_odds(probability: Scores) -> Scores:
    """Probabilities as scores on which a logistic curve is straight; -inf stays."""
    clipped = np.clip(probability.astype(np.float64), 1e-6, 1 - 1e-6)
    return np.where(np.isneginf(probability), -np.inf, logit(clipped)).astype(np.float32)


def two_best(scores: Scores) -> Floats:
    """The best score of each row and the second, -inf where there is none: float64 (P, 2)."""
    wide = scores if scores.shape[1] > 1 else np.pad(scores, ((0, 0), (0, 1)), constant_values=-np.inf)
    top = np.partition(wide, wide.shape[1] - 2, axis=1)[:, :-3:-1]
    return top.astype(np.float64)


def calibrate(trials: Trials) -> Calibration | None:
    """Fit probabilities to trials.

    Known and unknown trials count alike as wholes, so that the curve is for a share of one half. What trials lack
    beside new photos is made up for:

    - an individual that was left out has one photo less: trials of few photos count more, until those left are
      distributed as the gallery's;
    - an unknown individual faces the whole gallery, not one without it: the best of n scores of strangers rises by
      b log(n) (Gumbel), b being the mean distance of the best to the second.

    The second score counts where individuals that were held out are more likely with it, by a standard error and by
    `LEAST_GAIN`.

    Returns:
        The calibration; None where no individual has two different photos, or where there is one individual only.
    """
    if trials.scores.shape[1] < 2 or not trials.known.any():
        return None
    cases = _cases(trials)
    if not cases.known.any() or cases.known.all():
        return None
    used, held_out = _held_out(cases, len(trials.photos))
    bias, weights = _fitted(cases, np.ones(len(cases.known), dtype=bool), used)
    quality = {}
    if held_out is not None:
        unknown, weight = 1 - expit(held_out), _balanced(cases.weight, cases.known)
        quality = {
            "error": calibration_error(unknown, ~cases.known, weight),
            "by_chance": error_by_chance(unknown, weight),
            "accuracy": float(weight[(unknown > 0.5) != cases.known].sum() / weight.sum()),
        }
    repeated = int((trials.photos > 1).sum())
    return Calibration(bias, *weights, _slope(trials), repeated, len(trials.individual), **quality)


class _Cases(NamedTuple):
    """Trials of both kinds: float64 (n, 2) best score and margin, whether known, whose photo, how much they count."""

    told: Floats
    known: NDArray[np.bool_]
    individual: Ints
    weight: Floats


def _cases(trials: Trials) -> _Cases:
    scores, individual, photos, known = trials.scores, trials.individual, trials.photos, trials.known
    strangers = scores.copy()
    strangers[np.arange(len(individual)), individual] = -np.inf
    met, unmet = two_best(scores[known]), two_best(strangers)
    left = len(individual) - photos[individual]
    margins = len(photos) > 2
    if margins:
        gaps = -np.diff(unmet[np.isfinite(unmet).all(axis=1)])
        unmet += (gaps.mean() if len(gaps) else 0) * np.log(len(individual) / left)[:, None]
    both = np.concatenate([met, unmet])
    weight = np.concatenate([_as_many_photos(individual, photos, known), np.ones(len(individual))])
    kinds = np.repeat([True, False], [len(met), len(unmet)])
    whole = np.isfinite(both).all(axis=1) if margins else np.isfinite(both[:, 0])
    best = both[whole, 0]
    told = np.stack([best, best - both[whole, 1] if margins else np.zeros(len(best))], axis=1)
    return _Cases(told, kinds[whole], np.concatenate([individual[known], individual])[whole], weight[whole])


def _as_many_photos(individual: Ints, photos: Ints, known: NDArray[np.bool_]) -> Floats:
    """How much known trials count so that their individuals have as many photos left as the gallery's have."""
    size = np.log2(photos[individual]).astype(np.int64)
    left = np.log2(photos[individual[known]] - 1).astype(np.int64)
    there = np.bincount(left, minlength=size.max() + 1)
    wanted = np.bincount(size, minlength=len(there)) * len(left) / len(size)
    return np.asarray(((wanted + _STEADY) / (there + _STEADY))[left])


def _balanced(weight: Floats, known: NDArray[np.bool_]) -> Floats:
    """Weights that make known trials and unknown ones count alike; their sum is the number of trials."""
    sums = np.where(known, weight[known].sum(), weight[~known].sum())
    return np.asarray(weight / sums * len(weight) / 2)


def _fitted(cases: _Cases, rows: NDArray[np.bool_], used: int) -> tuple[float, tuple[float, float]]:
    """Bias and the weights of the best score and the margin, by maximum a posteriori, from the first `used` of both."""
    told, known = cases.told[rows, :used], cases.known[rows]
    weight = _balanced(cases.weight[rows], known)
    middle, deviation = told.mean(axis=0), told.std(axis=0)
    # Scores that are all the same but for rounding tell nothing.
    flat = deviation <= 1e-6 * np.abs(told).max(axis=0)
    z = np.where(flat, 0, (told - middle) / np.where(flat, 1, deviation))

    def loss(at: Floats) -> tuple[float, Floats]:
        odds = at[0] + z @ at[1:]
        pull = weight * (expit(odds) - known)
        prior = at[1:] / DEVIATION**2
        value = (weight * (np.logaddexp(0, odds) - known * odds)).sum() + prior @ at[1:] / 2
        return float(value), np.concatenate([[pull.sum()], z.T @ pull + prior])

    bounds = [(None, None)] + [(0, None)] * used
    found = minimize(loss, np.zeros(1 + used), jac=True, method="L-BFGS-B", bounds=bounds).x
    slopes = np.where(flat, 0, found[1:] / np.where(flat, 1, deviation))
    best, margin = [*slopes.tolist(), 0.0][:2]
    return float(found[0] - slopes @ middle), (best, margin)


def _held_out(cases: _Cases, individuals: int) -> tuple[int, Floats | None]:
    """How many of best score and margin to use, and log odds of "known" for individuals that were held out by then.

    The latter is None where one individual alone has two photos, which cannot be held out.
    """
    repeats = np.bincount(cases.individual[cases.known], minlength=individuals)
    if (repeats > 0).sum() < 2:
        return 1, None
    # From the individual with most photos on, so that each fold has about as many and lacks no kind.
    fold = np.empty(individuals, dtype=np.int64)
    fold[np.argsort(-repeats, kind="stable")] = np.arange(individuals) % min(FOLDS, individuals)
    of_case = fold[cases.individual]
    usable = 2 if individuals > 2 else 1
    odds = np.zeros((usable, len(of_case)))
    for one in range(fold.max() + 1):
        rows = of_case != one
        for used in range(usable):
            bias, weights = _fitted(cases, rows, used + 1)
            odds[used, ~rows] = bias + cases.told[~rows] @ weights
    weight = _balanced(cases.weight, cases.known)
    losses = weight * (np.logaddexp(0, odds) - cases.known * odds)
    gain = np.bincount(cases.individual, losses[0] - losses[-1], minlength=individuals)
    helps = gain.sum() > max(LEAST_GAIN * weight.sum(), np.sqrt(individuals) * gain.std())
    used = usable if helps else 1
    return used, odds[used - 1]


def _slope(trials: Trials) -> float:
    """The slope at which the individuals of known photos are most likely, by maximum a posteriori; at least 0."""
    scores = trials.scores[trials.known].astype(np.float64)
    rows, own = np.arange(len(scores)), trials.individual[trials.known]
    # Individuals of which nothing is left but copies have no part in it.
    there = np.isfinite(scores)
    below = scores - scores.max(axis=1, keepdims=True)
    unit = float(np.std(scores[there]))
    if unit <= 1e-6 * np.abs(scores[there]).max():
        return 0.0
    missing = below[rows, own].sum() / unit
    gaps = np.where(there, below / unit, 0)

    def falling(slope: float) -> float:
        among = softmax(np.where(there, slope * gaps, -np.inf), axis=1)
        return float((among * gaps).sum() - missing + slope / DEVIATION**2)

    if falling(0) >= 0:
        return 0.0
    high = 1.0
    while falling(high) < 0:
        high *= 2
    return float(brentq(falling, 0, high)) / unit
