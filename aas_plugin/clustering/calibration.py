"""Calibration: how likely two images, or clusters, of a similarity are the same, read off answers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

TAU_PRIOR = (0.3, 0.15)
"""Mean and deviation of the similarity at which "same" and "different" are equally likely."""

SLOPE_PRIOR = (float(np.log(20)), 0.7)
"""Mean and deviation of the logarithm of the calibration's slope."""

TAU_RANGE = (0.02, 0.9)


class Calibration(NamedTuple):
    """P(same) = sigmoid(slope (similarity - tau)).

    Attributes:
        slope: above 0.
        tau: in [0.02, 0.9].
    """

    slope: float
    tau: float

    def logit(self, similarity: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logarithm of the odds for "same"."""
        return self.slope * (similarity - self.tau)

    def probability(self, similarity: NDArray[np.float64]) -> NDArray[np.float64]:
        """P(same), in (0, 1)."""
        return np.asarray(expit(self.logit(similarity)))

    def similarity_at(self, probability: float) -> float:
        """The similarity of a probability in (0, 1)."""
        return self.tau + float(np.log(probability / (1 - probability))) / self.slope


def calibrate(
    similarity: NDArray[np.float64], same: NDArray[np.bool_], error: float = 0.02, tau: float = TAU_PRIOR[0]
) -> Calibration:
    """Fit P(same) to answers by maximum a posteriori: where one similarity gives "same" more often than not.

    Args:
        similarity: float (P,), 1 - Jaccard distance of each answered pair, in [0, 1].
        same: bool (P,), the answers.
        error: share of answers that are wrong, in [0, 0.5); an answer's likelihood is error + (1 - 2 error) P.
        tau: what tau is expected to be before any answer.

    Returns:
        Slope and tau; those of the priors where there is no answer. tau ~ N(tau, .15^2), ln slope ~ N(ln 20, .7^2).
    """
    from_similarity = np.asarray(similarity, dtype=np.float64)
    is_same = np.asarray(same, dtype=bool)

    sign = np.where(is_same, 1.0, -1.0)

    def likelihood_of(taus: NDArray[np.float64], slopes: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        logits = np.clip(slopes[:, None] * (from_similarity - taus[:, None]), -500, 500)
        told = expit(sign * logits)
        return logits, told, np.maximum(error + (1 - 2 * error) * told, 1e-300)

    def costs(taus: NDArray[np.float64], log_slopes: NDArray[np.float64]) -> NDArray[np.float64]:
        prior = ((taus - tau) / TAU_PRIOR[1]) ** 2 + ((log_slopes - SLOPE_PRIOR[0]) / SLOPE_PRIOR[1]) ** 2
        fit = np.log(likelihood_of(taus, np.exp(log_slopes))[2]).sum(axis=1)
        return np.asarray(prior / 2 - fit)

    def cost(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        one, log_slope = parameters[:1], parameters[1:]
        logits, told, likelihood = (part[0] for part in likelihood_of(one, np.exp(log_slope)))
        by_logit = -(1 - 2 * error) * sign * told * (1 - told) / likelihood
        by_tau = (one[0] - tau) / TAU_PRIOR[1] ** 2 - np.exp(log_slope[0]) * by_logit.sum()
        by_slope = (log_slope[0] - SLOPE_PRIOR[0]) / SLOPE_PRIOR[1] ** 2 + (by_logit * logits).sum()
        return float(costs(one, log_slope)[0]), np.array([by_tau, by_slope])

    # Wrong answers give the cost more than one valley: each that a grid shows, at most three, is descended.
    taus, log_slopes = np.meshgrid(np.linspace(*TAU_RANGE, 23), np.log([3.0, 8.0, 20.0, 50.0]), indexing="ij")
    on_grid = costs(taus.ravel(), log_slopes.ravel()).reshape(taus.shape)
    around = np.pad(on_grid, 1, constant_values=np.inf)
    lowest = np.minimum.reduce([around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:]])
    valleys = np.flatnonzero((on_grid <= lowest).ravel())
    valleys = valleys[np.argsort(on_grid.ravel()[valleys], kind="stable")][:3]
    starts = zip(taus.ravel()[valleys], log_slopes.ravel()[valleys], strict=True)
    bounds = (TAU_RANGE, (0.0, 7.0))
    descents = [minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds) for start in starts]
    found = min(descents, key=lambda descent: float(descent.fun))
    return Calibration(float(np.exp(found.x[1])), float(found.x[0]))
