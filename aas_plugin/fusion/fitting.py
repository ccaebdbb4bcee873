"""Calibrated fusion: from the scores of several sources to P(same), read off answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

Floats = NDArray[np.float64]

HELD_OUT = 50
"""Answers from which on held-out ones decide which sources count."""

ISOTONIC = 300
"""Answers from which on a curve that only has to rise may take the logistic one's place."""

FOLDS = 5
BIAS_DEVIATION = 2.0
WEIGHT_DEVIATION = 1.0
LEAST_OF_A_KIND = 5
_NORMAL_TENTH = 1.2816
"""Deviations above the median from which on the best tenth of a normal distribution lies."""

_STRAIGHT = 0.05
"""Share of the logistic curve in a rising one, so that no two different scores become equal."""


@dataclass(frozen=True)
class Fusion:
    """P(same) = sigmoid(bias + weights . z), or a rising curve of it.

    Attributes:
        weights: float64 (S,), of each source's standardised score; 0 where a source carries nothing.
        bias: a number.
        curve: logits and P(same) of a curve that only rises, ascending; empty where the logistic one is used.
        answers: how many it was fitted to.
        gain: float64 (S,), by how much each source lowers the log loss of held-out answers, in nats an answer; NaN
            where there are too few to tell.
    """

    weights: Floats
    bias: float
    curve: tuple[Floats, Floats] = field(default_factory=lambda: (np.empty(0), np.empty(0)))
    answers: int = 0
    gain: Floats = field(default_factory=lambda: np.empty(0))

    def logit(self, z: Floats) -> Floats:
        """Logarithm of the odds for "same" before any curve, float64 (P,), of z, float64 (P, S)."""
        return np.asarray(self.bias + z @ self.weights)

    def probability(self, z: Floats) -> Floats:
        """P(same), float64 (P,), in (0, 1), of standardised scores, float64 (P, S)."""
        straight = self.logit(z)
        plain = expit(straight)
        if not len(self.curve[0]):
            return np.asarray(plain)
        return np.asarray((1 - _STRAIGHT) * np.interp(straight, *self.curve) + _STRAIGHT * plain)


def prior_fusion(z: Floats, similar: NDArray[np.bool_], images: int) -> Fusion:
    """Fusion before any answer: sources that are similarities count alike, and each image expects two partners.

    Args:
        z: float64 (P, S), standardised scores of the candidates.
        similar: bool (S,), whether more means rather the same.
        images: N; the bias makes P(same) one half at the N-th best candidate (ours).
    """
    weights = similar.astype(np.float64)
    score = np.sort(z @ weights)[::-1]
    bias = -float(score[min(images, len(score)) - 1]) if len(score) else 0.0
    return Fusion(weights, bias)


def fit_fusion(z: Floats, same: NDArray[np.bool_], similar: NDArray[np.bool_], prior: Fusion) -> Fusion:
    """Fit P(same) to answers by maximum a posteriori, each source only where it helps on answers that it did not see.

    Weights ~ N(prior, 1), those of similarities at least 0; bias ~ N(prior, 2^2). From `HELD_OUT` answers on a source
    stays only if held-out answers are more likely with it than without it; from `ISOTONIC` on a curve that only has
    to rise takes the logistic one's place where held-out answers are more likely by it. Answers count alike, however
    their pairs were chosen: weighing them as if pairs had been drawn evenly made questions worse (ours).

    Args:
        z: float64 (A, S), standardised scores of answered pairs.
        same: bool (A,), the answers.
        similar: bool (S,), whether more means rather the same.
        prior: before any answer.

    Returns:
        The fusion; the prior where there is no answer.
    """
    if not len(same):
        return prior
    sources = len(similar)
    used = np.ones(sources, dtype=bool)
    gain = np.full(sources, np.nan)
    kinds = int(same.sum()), int((~same).sum())
    if len(same) >= HELD_OUT and min(kinds) >= LEAST_OF_A_KIND:
        loss = _held_out_loss(z, same, similar, prior, used)
        for source in range(sources):
            without = used.copy()
            without[source] = False
            gain[source] = _held_out_loss(z, same, similar, prior, without) - loss
        for source in np.argsort(gain, kind="stable"):
            if gain[source] > 0 or used.sum() == 1:
                continue
            without = used.copy()
            without[source] = False
            now = _held_out_loss(z, same, similar, prior, without)
            if now <= loss:
                used, loss = without, now
    weights, bias = _fitted(z, same, similar, prior, used)
    found = Fusion(weights, bias, answers=len(same), gain=gain)
    if len(same) < ISOTONIC or min(kinds) < LEAST_OF_A_KIND:
        return found
    if _held_out_loss(z, same, similar, prior, used, rising=True) < loss:
        return Fusion(weights, bias, _rising(found.logit(z), same), len(same), gain)
    return found


def _fitted(
    z: Floats, same: NDArray[np.bool_], similar: NDArray[np.bool_], prior: Fusion,
    used: NDArray[np.bool_],
) -> tuple[Floats, float]:  # fmt: skip
    """Weights, 0 for sources that are not used, and bias."""
    x, mean = z[:, used], prior.weights[used]
    sign = np.where(same, 1.0, -1.0)

    def cost(parameters: Floats) -> tuple[float, Floats]:
        weights, bias = parameters[:-1], parameters[-1]
        margin = sign * (x @ weights + bias)
        off, shift = (weights - mean) / WEIGHT_DEVIATION, (bias - prior.bias) / BIAS_DEVIATION
        value = np.logaddexp(0, -margin).sum() + (off @ off + shift**2) / 2
        slope = -sign * expit(-margin)
        return float(value), np.append(x.T @ slope + off / WEIGHT_DEVIATION, slope.sum() + shift / BIAS_DEVIATION)

    bounds = [(0.0 if positive else None, None) for positive in similar[used]] + [(None, None)]
    found = minimize(cost, np.append(mean, prior.bias), jac=True, method="L-BFGS-B", bounds=bounds)
    weights = np.zeros(len(similar))
    weights[used] = found.x[:-1]
    return weights, float(found.x[-1])


def _held_out_loss(
    z: Floats, same: NDArray[np.bool_], similar: NDArray[np.bool_], prior: Fusion,
    used: NDArray[np.bool_], rising: bool = False,
) -> float:  # fmt: skip
    """Mean log loss of answers by fits that did not see them."""
    losses = np.empty(len(same))
    fold = np.arange(len(same)) % FOLDS
    for one in range(FOLDS):
        seen, held = fold != one, fold == one
        fit = Fusion(*_fitted(z[seen], same[seen], similar, prior, used))
        if rising:
            fit = Fusion(fit.weights, fit.bias, _rising(fit.logit(z[seen]), same[seen]))
        told = np.clip(fit.probability(z[held]), 1e-6, 1 - 1e-6)
        losses[held] = -np.where(same[held], np.log(told), np.log1p(-told))
    return float(losses.mean())


def _rising(logits: Floats, same: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """The curve that only rises, and fits best: logits, ascending, and P(same)."""
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(logits, same)
    return np.asarray(fitted.X_thresholds_, np.float64), np.clip(fitted.y_thresholds_, 1e-4, 1 - 1e-4)


class Scale(NamedTuple):
    """The median of each source's scores, and how far above it the best tenth begins, in deviations of a normal one.

    Attributes:
        middle: float64 (S,).
        spread: float64 (S,), 0 where a source says nothing, or always the same.
    """

    middle: Floats
    spread: Floats


def scale_of(values: Floats) -> Scale:
    """The scale of scores, float64 (C, S), NaN where a source says nothing."""
    middle, spread = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for source, column in enumerate(values.T):
        known = column[~np.isnan(column)]
        if len(known):
            middle[source], best = np.quantile(known, [0.5, 0.9])
            spread[source] = (best - middle[source]) / _NORMAL_TENTH if best > middle[source] else known.std()
    return Scale(middle, spread)


def standardised(values: Floats, scale: Scale) -> Floats:
    """Scores on a common scale, float64 (P, S); unknown ones and those of flat sources are 0.

    Args:
        values: float64 (P, S), NaN where a source says nothing.
        scale: that of all candidates.
    """
    told = scale.spread > 0
    found = (values - scale.middle) / np.where(told, scale.spread, 1.0)
    return np.where(told & ~np.isnan(found), found, 0.0)
