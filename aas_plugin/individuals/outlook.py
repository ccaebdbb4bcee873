"""When labelling is done: how many names are expected to be wrong, and how many questions are left."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import chi2

from aas_plugin.individuals.draws import Partitions
from aas_plugin.individuals.standing import Standing

Floats = NDArray[np.float64]

ENDS = (0.05, 0.95)
"""Of the interval of wrong names and questions; its upper end is what a promise is made of."""

COUNT_ENDS = (0.025, 0.975)
"""Of the interval of the number of individuals."""

LEAST_ANSWERS, LEAST_AUDITS = 20, 10
"""Answers that calibrate, and random checks among them, from which on anything is promised (ours)."""

MOST_CUT, MOST_WRONG = 0.5, 0.1
"""Features are poor where more of the joins inside groups than the first share are expected to be wrong, or CAL finds
so; which matters where these are more than the second share of all photos (ours)."""

POOR = "these features hardly tell individuals apart; another backbone may"

_LEFT_WRONG = 1
_BY_DRAWS = 20


def outlook(standing: Standing, drawn: Partitions, targets: dict[str, int] | None = None) -> dict[str, Any]:
    """What is expected of a labelling, as numbers that can be written down.

    Args:
        standing: how it stands.
        drawn: draws of who is who.
        targets: most "wrong merges" and "wrong splits", by these names, that are wanted; one each without.

    Returns:
        `individuals`, `wrong_merges` and `wrong_splits`, each a mean, `value`, and the ends of an interval, `low` and
        `high`, of 95 % for the first and of 90 % for the others; `remaining`, the same of questions until the targets
        can be promised; `calibrating`, `audits` and `error`, on which all rests; and `reason`, why nothing is promised,
        or "". Where too little is known, `wrong_merges`, `wrong_splits` and `remaining` are None, and so is
        `individuals` without any answer and on features that hardly tell individuals apart.
    """
    wanted = targets or {}
    poor = _poor(standing)
    reason = POOR if poor else _too_little(standing)
    known = len(standing.calibrating) and not poor
    told: dict[str, Any] = {
        "individuals": estimate(drawn.individuals, COUNT_ENDS) if known else None,
        "wrong_merges": None,
        "wrong_splits": None,
        "remaining": None,
        "calibrating": len(standing.calibrating),
        "audits": standing.audits,
        "error": standing.weighed.error,
        "reason": reason,
    }
    if not reason:
        left = _questions_left(standing, [wanted.get(name, _LEFT_WRONG) for name in ("wrong merges", "wrong splits")])
        told |= {"wrong_merges": estimate(drawn.merges), "wrong_splits": estimate(drawn.splits)}
        told["remaining"] = estimate(left)
        told["reason"] = _out_of_reach(standing, wanted)
    return told


def estimate(drawn: Floats, ends: tuple[float, float] = ENDS) -> dict[str, float]:
    """The mean of draws and the ends of their interval."""
    low, high = np.quantile(drawn, ends)
    return {"value": float(drawn.mean()), "low": float(low), "high": float(high)}


def _poor(standing: Standing) -> bool:
    """Whether the features hardly tell individuals apart, and answers do not make up for it.

    Too little then holds groups together to draw who is who: photos that are cut off their group are the same as others
    of it by ways that are no joins.
    """
    inner = standing.joins.inside
    wrong = float((1 - standing.chance[inner]).sum())
    hopeless = standing.weighed.hopeless or (standing.audits >= LEAST_AUDITS and wrong > MOST_CUT * int(inner.sum()))
    return hopeless and wrong > MOST_WRONG * len(standing.joins.group)


def _too_little(standing: Standing) -> str:
    """What is lacking for a promise, blank where nothing is."""
    answers, checks = len(standing.calibrating), standing.audits
    if answers < LEAST_ANSWERS:
        return f"{answers} answers so far that tell how far similarity can be trusted, and it takes {LEAST_ANSWERS}"
    if checks < LEAST_AUDITS:
        return f"{checks} random checks so far, and it takes {LEAST_AUDITS}"
    return ""


def _out_of_reach(standing: Standing, wanted: dict[str, int]) -> str:
    """Which target the answers themselves keep from being promised, as some of them may be wrong; blank for none."""
    votes, doubt = standing.evidence.votes, standing.doubt
    for what, said in (("wrong merges", votes > 0), ("wrong splits", votes < 0)):
        wrong = float(doubt[said].sum())
        if what in wanted and wrong > _surely(wanted[what]):
            return (
                f"about {100 * standing.weighed.error:.1f} % of all answers are taken to be wrong, which alone leaves "
                f"{wrong:.1f} {what}; questions that are asked again lower that, or allow more than {wanted[what]}"
            )
    return ""


def _surely(most: int) -> float:
    """The expected number of errors up to which there are surely no more than `most`."""
    return float(chi2.ppf(1 - ENDS[1], 2 * (most + 1))) / 2


def _questions_left(standing: Standing, most: list[int]) -> Floats:
    """Questions until as many errors as are allowed, and no more, are expected with certainty, of some draws.

    Each question settles the place that is wrong most probably. That answers also teach which places are right is not
    counted, so fewer may do.
    """
    joins, beliefs = standing.joins, standing.beliefs
    inner = joins.inside
    held = np.bincount(standing.evidence.item, standing.weighed.in_force, minlength=standing.item_logits.shape[1]) > 0
    votes = standing.evidence.votes
    found = np.zeros(_BY_DRAWS)
    for place, draw in enumerate(beliefs.draws[:: max(1, len(beliefs.draws) // _BY_DRAWS)][:_BY_DRAWS]):
        chance = expit(standing.x @ draw)
        of_items = expit(standing.item_logits[place])
        same, apart = held & (votes > 0), held & (votes < 0)
        merges = np.concatenate([1 - chance[inner], 1 - of_items[same]])
        splits = np.concatenate([chance[~inner], of_items[apart]])
        counts = np.concatenate([joins.count[~inner], np.ones(int(apart.sum()))])
        for wrong, count, allowed in ((merges, np.ones(len(merges)), most[0]), (splits, counts, most[1])):
            found[place] += _until(wrong, count, _surely(allowed))
    return found


def _until(wrong: Floats, count: Floats, left: float) -> float:
    """How many of the most probable errors have to be settled so that those left sum up to no more than `left`."""
    order = np.argsort(-wrong, kind="stable")
    remaining = np.cumsum((wrong * count)[order][::-1])[::-1]
    return float(count[order][remaining > left].sum())
