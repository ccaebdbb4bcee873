"""Ambiguity-aware sampling: the pairs to ask about in one cycle."""

import math
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from aas_plugin.sampling.distribution import pair_distribution
from aas_plugin.sampling.pools import medoids_of, over_segmentation_pool, pair_types, under_segmentation_pool
from aas_plugin.sampling.proposal import KnownPairs, proposal
from aas_plugin.sampling.regions import uncertainty_regions
from aas_plugin.sampling.views import Views


class AasOptions(BaseModel):
    """Settings of ambiguity-aware sampling; the defaults are the paper's, or ours where it is silent."""

    model_config = ConfigDict(extra="forbid")

    epsilon: float = Field(0.6, ge=0, le=1, description="probability mass of the over-segmentation pool")
    k_max: int = Field(5, ge=1, description="nearest other medoids that each medoid is paired with")
    s_min: float = Field(0.3, gt=0, le=1, description="least similarity of a pair of medoids")
    pi: tuple[float, float, float] | None = Field(
        None,
        description="weights of inlier-inlier, inlier-outlier and outlier-outlier pairs; "
        "none: their shares of the under-segmentation pool",
    )

    pools: Literal["both", "over", "under"] = Field("both", description="ablation: which pools there are")
    closest: bool = Field(
        True, description="ablation: whether the pairs inside regions are only those closest between two clusters"
    )
    rho: Literal["inconsistent", "uniform"] = Field(
        "inconsistent", description="weight of a region: its pairs that one view alone groups, or the same for all"
    )
    omega: Literal["similarity", "uniform"] = Field(
        "similarity", description="weight of a pair inside its region and type: its similarity, or the same for all"
    )
    closure: bool = Field(
        True,
        description="ablation: without it pairs whose answer follows from others are drawn too, and spend the budget",
    )

    @field_validator("pi")
    @classmethod
    def _weights(cls, pi: tuple[float, float, float] | None) -> tuple[float, float, float] | None:
        if pi is not None and not (min(pi) >= 0 and 0 < sum(pi) < math.inf):
            raise ValueError("the three weights must be at least 0, and one of them more than 0")
        return pi


def ambiguity_aware_pairs(
    views: Views, budget: int, rng: np.random.Generator, options: AasOptions, known: KnownPairs
) -> pd.DataFrame:
    """Draw the pairs of images to ask about, without replacement.

    Source: paper, section 3.1 A to D. Known pairs leave the pools before probabilities are computed. A pool
    of at most `budget` pairs is asked whole, by decreasing probability; otherwise pairs of probability 0
    are never asked, even if fewer than `budget` remain. Views that agree give an empty table. Without `closure` known
    pairs stay in the pools; those that are drawn are not asked, and no others in their place.

    Args:
        views: two clusterings of N images.
        budget: most pairs to ask, at least 0.
        rng: decides the draw.
        options: settings.
        known: from pairs, int64 (P, 2), to whether each needs no question, bool (P,).

    Returns:
        One row a pair in the order drawn: u < v, kind ("over" or "under"), probability in the whole pool,
        similarity in [0, 1], type (outliers among the two), region_u, region_v. `attrs` holds the numbers of
        "regions" and of unknown pairs in each pool, "over_pool" and "under_pool".
    """
    region = uncertainty_regions(views.a, views.b)
    distances = views.graph.among(region)
    medoids = medoids_of(region, distances)
    medoid_group = np.full(len(region), -1, dtype=np.int64)
    medoid_group[medoids] = 0
    over = over_segmentation_pool(medoids, views.ranking.among(medoid_group), options.k_max, options.s_min)
    under = under_segmentation_pool(views.a, views.b, views.inlier, region, distances, closest=options.closest)
    under_similarity = under.sim
    if views.scored is not None:
        under_similarity = 1 - views.scored.distance(under.pairs[:, 0], under.pairs[:, 1])
    asked = known if options.closure else lambda pairs: np.zeros(len(pairs), dtype=bool)
    over_open = ~asked(over.pairs) & (options.pools != "under")
    under_open = ~asked(under.pairs) & (options.pools != "over")
    p_over, p_under = pair_distribution(
        over.sim[over_open],
        under_similarity[under_open],
        under.type[under_open],
        under.region[under_open],
        under.inconsistent,
        options.epsilon,
        options.pi,
        even_regions=options.rho == "uniform",
        even_pairs=options.omega == "uniform",
    )
    pairs = np.concatenate([over.pairs[over_open], under.pairs[under_open]])
    probability = np.concatenate([p_over, p_under])
    drawn = _draw(probability, budget, rng)
    if not options.closure:
        drawn = drawn[~known(pairs[drawn])]
    table = proposal(
        pairs=pairs[drawn],
        kind=np.repeat(["over", "under"], [len(p_over), len(p_under)])[drawn],
        probability=probability[drawn],
        similarity=np.concatenate([over.sim[over_open], under_similarity[under_open]])[drawn],
        types=pair_types(pairs[drawn], views.inlier),
        regions=region[pairs[drawn]],
    )
    regions = len(under.inconsistent)
    table.attrs = {"regions": regions, "over_pool": len(p_over), "under_pool": len(p_under)}
    return table


def _draw(probability: NDArray[np.float64], budget: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions in the order drawn, int64, at most `budget`."""
    if len(probability) <= budget:
        return np.argsort(-probability, kind="stable")
    size = min(budget, int(np.count_nonzero(probability)))
    return rng.choice(len(probability), size=size, replace=False, p=probability)
