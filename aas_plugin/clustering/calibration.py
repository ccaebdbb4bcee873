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

    def cost(parameters: NDArray[np.float64]) -> float:
        found, log_slope = parameters
        logits = np.clip(np.exp(log_slope) * (from_similarity - found), -500, 500)
        probability = 1 / (1 + np.exp(-logits))
        likelihood = error + (1 - 2 * error) * np.where(is_same, probability, 1 - probability)
        prior = ((found - tau) / TAU_PRIOR[1]) ** 2 + ((log_slope - SLOPE_PRIOR[0]) / SLOPE_PRIOR[1]) ** 2
        return float(-np.log(np.maximum(likelihood, 1e-300)).sum() + prior / 2)

    # Wrong answers give the cost more than one valley, so it is searched on a grid before it is descended.
    grid = [(one, slope) for one in np.linspace(*TAU_RANGE, 23) for slope in np.log([3.0, 8.0, 20.0, 50.0])]
    start = min(grid, key=lambda point: cost(np.array(point)))
    found = minimize(cost, start, method="L-BFGS-B", bounds=(TAU_RANGE, (0.0, 7.0)))
    return Calibration(float(np.exp(found.x[1])), float(found.x[0]))
