"""Samplers that ask pairs by rank: the most similar, the most uncertain, and all there are."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aas_plugin.clustering.pairs import numbered_pairs
from aas_plugin.sampling.candidates import first_unknown, near_pairs
from aas_plugin.sampling.proposal import KnownPairs
from aas_plugin.sampling.views import Views


def most_similar_pairs(views: Views, budget: int, known: KnownPairs) -> pd.DataFrame:
    """Ask the most similar pairs that are not known: top-k review, as users of WBIA work.

    Similarity is 1 - Jaccard distance, or P(same) where evidence beside the features counts; of equally similar pairs,
    which beyond the graph all are, those of the larger inner product come first. Candidates are the stored pairs and
    the lists of neighbours (ours).

    Args:
        views: two clusterings of N images.
        budget: most pairs to ask, at least 0.
        known: from pairs, int64 (P, 2), to whether each needs no question, bool (P,).

    Returns:
        One row a pair, the most similar first, of the kind "similar".
    """
    pairs, distance = near_pairs(views.ranking)
    product = (views.features[pairs[:, 0]] * views.features[pairs[:, 1]]).sum(axis=1)
    order = np.lexsort((-product, distance))
    return first_unknown(views, pairs[order], np.full(len(order), "similar"), budget, known)


def margin_pairs(views: Views, budget: int, known: KnownPairs) -> pd.DataFrame:
    """Ask the pairs whose distance is nearest to the radius of view A: uncertainty sampling by margin.

    Where evidence beside the features counts, those whose P(same) is nearest to one half.

    Args:
        views: two clusterings of N images.
        budget: most pairs to ask, at least 0.
        known: from pairs, int64 (P, 2), to whether each needs no question, bool (P,).

    Returns:
        One row a pair, the most uncertain first, of the kind "margin".
    """
    pairs, distance = near_pairs(views.ranking)
    order = np.argsort(np.abs(distance.astype(np.float64) - views.doubtful), kind="stable")
    return first_unknown(views, pairs[order], np.full(len(order), "margin"), budget, known)


def all_pairs(views: Views, budget: int, known: KnownPairs) -> pd.DataFrame:
    """Ask every pair that is not known, the most similar first, so that most of the others follow: the skyline.

    Time and memory grow with N squared.

    Args:
        views: two clusterings of N images.
        budget: most pairs to ask, at least 0.
        known: from pairs, int64 (P, 2), to whether each needs no question, bool (P,).

    Returns:
        One row a pair, of the kind "all".
    """
    n = len(views.a)
    pairs = numbered_pairs(np.arange(n * (n - 1) // 2))
    distance = views.ranking.distance(pairs[:, 0], pairs[:, 1])
    order = np.argsort(distance, kind="stable")
    return first_unknown(views, pairs[order], np.full(len(order), "all"), budget, known)
