"""How many questions were asked, counted by the pairs that were proposed, whoever answered them and when."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd

from aas_plugin.constraints.answers import Answer


def questions_a_cycle(budget: float, all_pairs: int) -> int:
    """Questions allowed a cycle (paper: a share of all pairs; rounding up, and at least one, are ours).

    Args:
        budget: a share of all pairs, or from 1 on a number.
        all_pairs: number of pairs of images.
    """
    if budget >= 1 or budget == 0:
        return min(int(budget), all_pairs)
    return max(1, math.ceil(budget * all_pairs - 1e-9))


def count_asked(
    earlier: Iterable[pd.DataFrame],
    answers: Iterable[Answer],
    proposal: pd.DataFrame,
    pending: int,
    all_pairs: int,
    unasked: int = 0,
) -> dict[str, float]:
    """Count the questions of a cycle and of those before it.

    Args:
        earlier: the proposals of the cycles before it, with `path_u` and `path_v`.
        answers: all answers that are in force.
        proposal: that of the cycle.
        pending: how many of its pairs have no answer yet.
        all_pairs: number of pairs of images.
        unasked: how many of its pairs are left without an answer for good.

    Returns:
        `proposed`; of these `asked`, with an answer of their own, `pending`, and `superfluous`, whose answer
        followed from others; `asked_total` over all cycles so far; `imported`, answers to pairs that were not
        proposed; `asked_share`, of all pairs.
    """
    answered = {frozenset((answer.a, answer.b)) for answer in answers}
    asked = answered & _pairs_of(proposal)
    asked_before = answered & set().union(*map(_pairs_of, earlier))
    asked_total = len(asked | asked_before)
    return {
        "proposed": len(proposal),
        "asked": len(asked),
        "pending": pending,
        "superfluous": len(proposal) - len(asked) - pending - unasked,
        "asked_total": asked_total,
        "imported": len(answered) - asked_total,
        "asked_share": asked_total / all_pairs if all_pairs else 0.0,
    }


def _pairs_of(proposal: pd.DataFrame) -> set[frozenset[str]]:
    return {frozenset(pair) for pair in zip(proposal["path_u"], proposal["path_v"], strict=True)}
