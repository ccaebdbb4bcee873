"""The gate: whether features are good enough for questions to help, read off the first answers."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

TAU_PRIOR = (0.3, 0.15)
"""Mean and deviation of the similarity at which "same" and "different" are equally likely."""

SLOPE_PRIOR = (float(np.log(20)), 0.7)
"""Mean and deviation of the logarithm of the calibration's slope."""

TAU_RANGE = (0.02, 0.9)
ANSWERS = 20
"""Below so many answers there is no verdict."""

TAU, SAME, COVERAGE = 0.65, 0.2, 0.4
"""Limits of the verdict (ours), validated on answers to the first cycle of AAS on untrained features.

`coats` easy and default have tau .39 to .72 and "same" .29 to .66 on ten seeds, hard .72 to .90 and .13 to .18 on five,
real photos of nyala .74 and .05. Tau is asked first: the share of "same" depends on the sampler, and is small by nature
where pairs are drawn at random, which leaves tau low. Coverage told nothing apart on these sets, where DBSCAN leaves
few images out.
"""

Grade = Literal["hopeless", "weak", "good", "unknown"]

ADVICE = {
    "hopeless": (
        "They hardly tell individuals apart as they are clustered: let clustering fit them (--set clustering.k1=auto "
        "--set clustering.eps=auto), or take another backbone, crops to the animal, one flank at a time, or "
        "more photos of each individual; `aas data check` compares such changes without a question."
    ),
    "weak": (
        "Compare with the untrained model, as training may not beat it; another backbone, crops to the animal or one "
        "flank at a time may help more than further answers."
    ),
    "good": "The features tell individuals apart well enough for answers to help.",
    "unknown": "There are too few answers for a verdict.",
}
"""What to do, by verdict."""


class Calibration(NamedTuple):
    """P(same) = sigmoid(slope (similarity - tau)).

    Attributes:
        slope: above 0.
        tau: in [0.02, 0.9].
    """

    slope: float
    tau: float


class Verdict(NamedTuple):
    """What the first answers say of the features.

    Attributes:
        grade: "hopeless", "weak" or "good", or "unknown" where answers are too few.
        tau: similarity from which two images are rather of one individual; high where even near images differ.
        same: share of "same" among the answers, nan without any.
        coverage: share of the images that are in a cluster or in an answered pair.
        answers: how many "same" and "different" there were.
        advice: one paragraph: what to do.
    """

    grade: Grade
    tau: float
    same: float
    coverage: float
    answers: int
    advice: str

    @property
    def warning(self) -> str:
        """The numbers in a sentence, and what to do in another one."""
        numbers = f"tau {self.tau:.2f}, {self.same:.0%} of {self.answers} answers same, {self.coverage:.0%} covered"
        return f"the first answers call the features {self.grade} ({numbers}). {self.advice}"

    def report(self) -> dict[str, Any]:
        """The numbers and the grade, by the names that a cycle's report has for them."""
        values = {"gate_verdict": self.grade, "gate_tau": self.tau, "gate_coverage": self.coverage}
        return values if np.isnan(self.same) else {**values, "gate_same": self.same}


def calibrate(similarity: NDArray[np.float64], same: NDArray[np.bool_], error: float = 0.02) -> Calibration:
    """Fit P(same) to answers by maximum a posteriori: where one similarity gives "same" more often than not.

    Args:
        similarity: float (P,), 1 - Jaccard distance of each answered pair, in [0, 1].
        same: bool (P,), the answers.
        error: share of answers that are wrong, in [0, 0.5); an answer's likelihood is error + (1 - 2 error) P.

    Returns:
        Slope and tau; those of the priors where there is no answer. tau ~ N(.3, .15^2), ln slope ~ N(ln 20, .7^2).
    """
    from_similarity = np.asarray(similarity, dtype=np.float64)
    is_same = np.asarray(same, dtype=bool)

    def cost(parameters: NDArray[np.float64]) -> float:
        tau, log_slope = parameters
        logits = np.clip(np.exp(log_slope) * (from_similarity - tau), -500, 500)
        probability = 1 / (1 + np.exp(-logits))
        likelihood = error + (1 - 2 * error) * np.where(is_same, probability, 1 - probability)
        prior = ((tau - TAU_PRIOR[0]) / TAU_PRIOR[1]) ** 2 + ((log_slope - SLOPE_PRIOR[0]) / SLOPE_PRIOR[1]) ** 2
        return float(-np.log(np.maximum(likelihood, 1e-300)).sum() + prior / 2)

    # Wrong answers give the cost more than one valley, so it is searched on a grid before it is descended.
    grid = [(tau, slope) for tau in np.linspace(*TAU_RANGE, 23) for slope in np.log([3.0, 8.0, 20.0, 50.0])]
    start = min(grid, key=lambda point: cost(np.array(point)))
    found = minimize(cost, start, method="L-BFGS-B", bounds=(TAU_RANGE, (0.0, 7.0)))
    return Calibration(float(np.exp(found.x[1])), float(found.x[0]))


def gate(
    similarity: NDArray[np.float64], same: NDArray[np.bool_], pairs: NDArray[np.int64], labels: NDArray[np.int64]
) -> Verdict:
    """Judge features by the answers of the first cycle.

    Args:
        similarity: float (P,), 1 - Jaccard distance of each pair that was answered "same" or "different".
        same: bool (P,), the answers.
        pairs: int64 (P, 2), the images.
        labels: int64 (N,), the method's own clusters, -1 for un-clustered.

    Returns:
        The verdict.
    """
    covered = labels >= 0
    covered[np.unique(pairs)] = True
    coverage = float(covered.mean()) if len(labels) else 0.0
    tau = calibrate(similarity, same).tau
    share = float(np.mean(same)) if len(same) else float("nan")
    grade = _grade(tau, share, coverage, len(same))
    return Verdict(grade, tau, share, coverage, len(same), ADVICE[grade])


def _grade(tau: float, same: float, coverage: float, answers: int) -> Grade:
    if answers < ANSWERS:
        return "unknown"
    if coverage < COVERAGE or (tau > TAU and same < SAME):
        return "hopeless"
    return "weak" if tau > TAU else "good"
