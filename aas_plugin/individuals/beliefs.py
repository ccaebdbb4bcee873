"""How likely both sides of a join are the same individual: a calibration that tells how sure it is of itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logsumexp

from aas_plugin.clustering.calibration import Calibration

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MEAN = np.array([0.0, 0.0, 1.0, 0.5, 0.0, 0.0, 0.0])
DEVIATION = np.array([2.0, 2.0, 0.5, 0.5, 0.5, 0.5, 0.5])
"""Of the weights of `Scale.columns` before any answer."""

_TYPICAL = 1.5
_MOST_LOGIT = 12.0
_LEAST = np.array([-np.inf, -np.inf, 0.05, 0.0, -np.inf, -np.inf, -np.inf])
_PROPOSALS = 4000
_FREEDOM = 5


@dataclass(frozen=True)
class Scale:
    """Makes numbers of a join.

    Attributes:
        calibration: from linkage to P(same), of the questions in doubt.
        middle: mean cosine of two groups.
        spread: its deviation, above 0.
    """

    calibration: Calibration
    middle: float
    spread: float

    def columns(
        self, linkage: Floats, cosine: Floats, crossing: Floats, inside: Bools, doubted: Bools | None = None
    ) -> Floats:
        """What the logarithm of the odds for "same" is a weighted sum of, float64 (J, 7).

        1 for a join inside a group; 1 for one between two; the calibration's own logit; the cosine in deviations; the
        logarithm of the pairs of photos that the linkage is the mean of, as that of many tells more; and, inside and
        between, 1 where it was asked since it was in doubt, as such joins may not be like all of their linkage.

        Args:
            linkage: float64 (J,), in [0, 1].
            cosine: float64 (J,), in [-1, 1].
            crossing: float64 (J,), at least 1.
            inside: bool (J,).
            doubted: bool (J,), none by default.
        """
        asked = np.zeros(len(inside), dtype=bool) if doubted is None else doubted
        told = np.clip(self.calibration.logit(linkage), -_MOST_LOGIT, _MOST_LOGIT)
        alike = (cosine - self.middle) / self.spread
        pairs = np.log(crossing) - _TYPICAL
        both = [inside, ~inside, told, alike, pairs, asked & inside, asked & ~inside]
        return np.stack(both, axis=1).astype(np.float64)


@dataclass(frozen=True)
class Beliefs:
    """P(same) = sigmoid(x . w), with draws of w from what answers leave open.

    Attributes:
        draws: float64 (R, 7).
    """

    draws: Floats

    def logits(self, x: Floats) -> Floats:
        """Logarithm of the odds for "same" by each draw, float64 (R, J), of x, float64 (J, 7)."""
        return np.asarray(self.draws @ x.T)

    def probability(self, x: Floats) -> Floats:
        """P(same), the mean over all draws, float64 (J,), of x, float64 (J, 7)."""
        found = np.zeros(len(x))
        for draw in self.draws:
            found += expit(x @ draw)
        return found / len(self.draws)


def believe(x: Floats, votes: Floats, error: float, rng: np.random.Generator, draws: int = 300) -> Beliefs:
    """Draw w given answers of people who err, by importance sampling around the most likely w.

    An item's answers have the likelihood P e^d (1-e)^s + (1-P) e^s (1-e)^d, s being how many say "same" and d how many
    "different", and w ~ N(`MEAN`, `DEVIATION`^2), those of linkage and cosine above 0 (ours).

    Args:
        x: float64 (I, 7), of each item; see `Scale.columns`.
        votes: float64 (I,), answers "same" minus answers "different".
        error: share of answers that are wrong, in (0, 0.5).
        rng: draws.
        draws: R.
    """
    half = votes * np.log((1 - error) / error) / 2

    def cost(w: Floats) -> tuple[float, Floats]:
        logit = x @ w
        same, either = log_expit(logit) + half, np.logaddexp(log_expit(logit) + half, log_expit(-logit) - half)
        off = (w - MEAN) / DEVIATION
        slope = np.exp(same - either) - expit(logit)
        return float(off @ off / 2 - either.sum()), off / DEVIATION - x.T @ slope

    likely = minimize(cost, MEAN, jac=True, method="L-BFGS-B", bounds=[(one, None) for one in _LEAST]).x
    step = 1e-4
    curves = [
        (cost(likely + step * axis)[1] - cost(likely - step * axis)[1]) / (2 * step) for axis in np.eye(len(MEAN))
    ]
    values, axes = np.linalg.eigh((np.array(curves) + np.array(curves).T) / 2)
    root = axes / np.sqrt(np.maximum(values, DEVIATION.max() ** -2))
    z = rng.standard_t(_FREEDOM, (_PROPOSALS, len(MEAN)))
    proposed = likely + z @ root.T
    logits = proposed @ x.T
    told = np.logaddexp(log_expit(logits) + half, log_expit(-logits) - half).sum(axis=1)
    target = told - (((proposed - MEAN) / DEVIATION) ** 2).sum(axis=1) / 2
    target[(proposed < _LEAST).any(axis=1)] = -np.inf
    density = -(_FREEDOM + 1) / 2 * np.log1p(z**2 / _FREEDOM).sum(axis=1)
    chance = np.exp(target - density - logsumexp(target - density))
    return Beliefs(proposed[rng.choice(_PROPOSALS, draws, p=chance / chance.sum())])
