"""The gate: whether features are good enough for questions to help, read off the first answers."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aas_plugin.clustering.calibration import calibrate

ANSWERS = 20
"""Below so many answers there is no verdict, nor below so many about near images where clusters cover enough."""

NEAR = 0.4
"""Similarity from which two images are near (ours).

Bad features are those where even near images differ. Pairs drawn at random are hardly ever near, and tau then follows
from a handful of "same": .67 after 20 random pairs on a small easy drawing of `coats`, .46 to .50 on three hard ones.
"""

TAU, SAME, COVERAGE = 0.65, 0.2, 0.4
"""Limits of the verdict (ours), validated on answers to the first cycle of AAS on untrained features.

`coats` easy and default have tau .39 to .72 and "same" .29 to .66 on ten seeds, hard .72 to .90 and .13 to .18 on five,
real photos of nyala .74 and .05. On five hard drawings that no limit was read off tau was .63 to .77 and "same" .17 to
.27: two good, two weak, one hopeless. So the gate is sure of what is far from the limits only. Coverage told nothing
apart on these sets, where DBSCAN leaves few images out.
"""

Grade = Literal["hopeless", "weak", "good", "unknown"]

ADVICE = {
    "hopeless": (
        "They hardly tell individuals apart as they are clustered: take another backbone, crops to the animal, one "
        "flank at a time, or more photos of each individual, or, where k1 or eps were set, let them fit (--set "
        "clustering.k1=auto --set clustering.eps=auto); `aas data check` compares such changes without a question."
    ),
    "weak": (
        "Compare with the untrained model, as training may not beat it; another backbone, crops to the animal or one "
        "flank at a time may help more than further answers."
    ),
    "good": "The features tell individuals apart well enough for answers to help.",
    "unknown": "There are too few answers about images that are near each other for a verdict.",
}
"""What to do, by verdict."""


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
    grade = _grade(tau, share, coverage, len(same), int((similarity >= NEAR).sum()))
    return Verdict(grade, tau, share, coverage, len(same), ADVICE[grade])


def _grade(tau: float, same: float, coverage: float, answers: int, near: int) -> Grade:
    if answers >= ANSWERS and coverage < COVERAGE:
        return "hopeless"
    if near < ANSWERS:
        return "unknown"
    if tau <= TAU:
        return "good"
    return "hopeless" if same < SAME else "weak"
