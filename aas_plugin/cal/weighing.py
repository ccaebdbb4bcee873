"""How far each answer is believed: calibration, error rate and what is set aside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import rankdata

from aas_plugin.cal.similarity import Similarity
from aas_plugin.clustering.calibration import Calibration, calibrate
from aas_plugin.constraints.evidence import Evidence, by_votes, consistent

Floats = NDArray[np.float64]

ERROR_PRIOR, ERROR_WEIGHT = 0.02, 50
"""Error rate before any answer, and how many answers it is worth."""

ERROR_RANGE = (0.003, 0.15)

CAP = 3.0
"""Most that similarity counts, as logarithm of odds: less than one answer of an annotator who errs in 2 %, 3.9."""

AUC_PRIOR, AUC_WEIGHT = 0.9, 20

AUDITS = INSIDE, BETWEEN = "audit inside", "audit between"
"""Kinds of questions that are drawn at random, about what joins a group inside and about two groups."""

LEAST = 20
"""Answers that calibrate, from which on the calibration is trusted."""

TAU, LOW_TAU, SAME = 0.65, 0.4, 0.2
"""Features are hopeless from the first tau on, or from the second one on with fewer "same" than this (ours).

After a first cycle of 44 to 350 answers `coats` hard has tau .60 to .65 and "same" .10 to .18, nyala .71 and .03, drawn
features of noise 3.5 tau .38 and .45, "same" .27 and .18; `coats` default and easy, and less noise, tau .11 to .43 and
"same" .25 to .45. There CAL's labels beat those that NP3 repairs, on the former they do not.
"""


@dataclass(frozen=True)
class Weighed:
    """Answers, weighed.

    Attributes:
        calibration: from linkage to P(same).
        error: share of answers that are wrong.
        strength: float64 (I,), logarithm of the odds for "same" of each item, by similarity and answers.
        in_force: bool (Q,), which answers hold.
        linkage: float64 (I,), how alike the two of each item are.
        calibrating: how many answers the calibration is of.
        same: share of "same" among these, nan without any.
        is_probability: whether linkage is that of P(same).
    """

    calibration: Calibration
    error: float
    strength: Floats
    in_force: NDArray[np.bool_]
    linkage: Floats
    calibrating: int
    same: float
    is_probability: bool = False

    @property
    def hopeless(self) -> bool:
        """Whether the features hardly tell individuals apart, as far as enough answers calibrate: see `SAME`.

        Never where similarities are P(same), as answers calibrated these before.
        """
        tau = self.calibration.tau
        return (
            not self.is_probability
            and self.calibrating >= LEAST
            and (tau > TAU or (tau > LOW_TAU and self.same < SAME))
        )

    @property
    def trusted(self) -> bool:
        """Whether clusters by linkage are worth more than the method's own labels."""
        return self.is_probability or (self.calibrating >= LEAST and not self.hopeless)

    @property
    def doubt(self) -> Floats:
        """P(wrong) of what each item says, float64 (I,), at most .5."""
        return np.asarray(expit(-np.abs(self.strength)))


def weigh(evidence: Evidence, similarity: Similarity, tau: float) -> Weighed:
    """Weigh answers against each other and against similarity.

    Only answers about pairs that stood for two clusters, as those of CAL's sampler do, calibrate: the pairs of others,
    such as those on which clusterings disagree, are not like all pairs of their linkage.

    Args:
        evidence: Q answers to I items.
        similarity: of the images.
        tau: similarity at which "same" and "different" are equally likely, as expected before any answer.
    """
    error = error_rate(evidence, len(similarity))
    first = np.unique(evidence.item, return_index=True)[1]
    # The linkage of the moment at which it was asked: what answers have joined since would tell of the answer.
    asked = evidence.linkage[first]
    told = ~np.isnan(asked)
    linkage = np.where(told, asked, similarity.linkage(evidence.pairs[first]))
    used = told[evidence.item]
    # An error rate that is taken too low flattens the slope, and questions go where nothing is in doubt.
    calibration = calibrate(linkage[evidence.item[used]], evidence.same[used], max(error, ERROR_PRIOR), tau)
    # The items are those in doubt, among which similarity tells less than among all pairs.
    vote = np.log((1 - error) / error)
    cap = np.full(len(first), CAP * min(2 * informativeness(linkage, evidence.votes), 1.0))
    # Random checks are mostly of what is sure: one that denies it has to be asked again before it counts.
    checks = (
        [evidence.kinds[place] in AUDITS for place in first] if evidence.kinds else np.zeros(len(first), dtype=bool)
    )
    cap[checks] = vote + 1
    votes = vote * evidence.votes
    strength = np.clip(calibration.logit(linkage), -cap, cap) + votes
    in_force = consistent(evidence, strength, len(similarity))
    count = int(used.sum())
    same = float(evidence.same[used].mean()) if count else float("nan")
    return Weighed(calibration, error, strength, in_force, linkage, count, same, similarity.is_probability)


def error_rate(evidence: Evidence, n: int) -> float:
    """Share of answers that are wrong, as far as answers deny each other; similarity is not asked.

    Tested are the answers of items that were asked again, and items that others deny; wrong are those against the
    majority of their item, and those denied.

    Args:
        evidence: Q answers.
        n: number of images.
    """
    votes, counts = evidence.votes, evidence.counts
    in_force = np.bincount(evidence.item, by_votes(evidence, n), minlength=len(votes))
    minority = (counts - np.abs(votes)) / 2
    denied = (votes != 0) & (in_force == 0)
    wrong = float(minority.sum() + denied.sum())
    tested = float(counts[(counts > 1) | denied].sum())
    found = (ERROR_PRIOR * ERROR_WEIGHT + wrong) / (ERROR_WEIGHT + tested)
    return float(np.clip(found, *ERROR_RANGE))


def informativeness(linkage: Floats, votes: NDArray[np.int64]) -> float:
    """How much similarity tells of answers, 0 for nothing, 1 for all: their AUC, rescaled; few say little of it.

    Args:
        linkage: float64 (I,), of each item.
        votes: int64 (I,), "same" minus "different".
    """
    told = votes != 0
    same = votes[told] > 0
    count = int(same.sum())
    couples = count * (len(same) - count)
    auc, number = AUC_PRIOR, 0
    if couples:
        auc, number = (rankdata(linkage[told])[same].sum() - count * (count + 1) / 2) / couples, len(same)
    return max(2 * (auc * number + AUC_PRIOR * AUC_WEIGHT) / (number + AUC_WEIGHT) - 1, 0.0)
