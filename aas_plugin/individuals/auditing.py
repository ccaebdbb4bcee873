"""Questions drawn at random among all joins, so that what is told of names does not rest on doubtful pairs alone."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aas_plugin.cal.weighing import BETWEEN, INSIDE
from aas_plugin.individuals.standing import Standing
from aas_plugin.sampling.proposal import KnownPairs

_LEAST = 1e-9


def round_at_random(number: float, rng: np.random.Generator) -> int:
    """A whole number beside a number, which is that number in the mean."""
    return math.floor(number + rng.random())


def audit_pairs(standing: Standing, wanted: int, known: KnownPairs, rng: np.random.Generator) -> pd.DataFrame:
    """Draw joins to ask about, half of them inside groups, by sqrt(P (1 - P)).

    So drawn, a number of answers tells most of a sum over all joins (Neyman's allocation).

    Args:
        standing: how the labelling stands.
        wanted: most questions.
        known: from pairs, int64 (P, 2), to whether each needs no question, bool (P,).
        rng: draws.

    Returns:
        One row a question: int64 `u < v`, text `kind`, `linkage`, `crossing`, `p_same`, P(same).
    """
    joins, chosen = standing.joins, []
    inner = round_at_random(wanted / 2, rng)
    for inside, number in ((True, inner), (False, wanted - inner)):
        places = np.flatnonzero(joins.inside == inside)
        places = places[~known(np.sort(joins.pairs[places], axis=1))]
        chance = standing.chance[places]
        weight = np.sqrt(chance * (1 - chance) + _LEAST) * joins.count[places]
        number = min(number, len(places))
        if number:
            chosen.append(rng.choice(places, number, replace=False, p=weight / weight.sum()))
    drawn: NDArray[np.int64] = rng.permutation(np.concatenate(chosen)) if chosen else np.empty(0, dtype=np.int64)
    pairs = np.sort(joins.pairs[drawn], axis=1)
    return pd.DataFrame(
        {
            "u": pairs[:, 0],
            "v": pairs[:, 1],
            "again": np.full(len(drawn), -1),
            "kind": np.where(joins.inside[drawn], INSIDE, BETWEEN),
            "linkage": joins.linkage[drawn],
            "crossing": joins.crossing[drawn],
            "p_same": standing.chance[drawn],
        }
    )
