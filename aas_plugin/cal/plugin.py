"""CAL as plugin objects: a refiner and a sampler."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from aas_plugin.cal.clusters import constrained_clusters
from aas_plugin.cal.questions import questions
from aas_plugin.cal.similarity import similarity_of
from aas_plugin.cal.weighing import weigh
from aas_plugin.clustering.calibration import TAU_PRIOR
from aas_plugin.clustering.graph import Graph
from aas_plugin.constraints.evidence import Evidence
from aas_plugin.constraints.np3 import np3
from aas_plugin.hookspecs import hookimpl
from aas_plugin.individuals.auditing import audit_pairs, round_at_random
from aas_plugin.individuals.standing import standing_of
from aas_plugin.plugins.registry import NoOptions, Registry
from aas_plugin.sampling.proposal import KnownPairs
from aas_plugin.sampling.ranked import most_similar_pairs
from aas_plugin.sampling.views import Views

Ints = NDArray[np.int64]


class CalRefiner:
    """Constrained average linkage at a threshold that answers calibrate; see `weigh` and `constrained_clusters`.

    Attributes:
        by_likelihood: its `graph` is 1 - P(same) where evidence beside the features counts.
    """

    by_likelihood = True

    def __init__(self, options: NoOptions) -> None:
        """Take no options."""

    @hookimpl
    def aas_set_aside(self, evidence: Evidence, graph: Graph) -> NDArray[np.bool_]:
        """Set aside what other answers, and similarity, deny."""
        similarity = similarity_of(graph)
        return ~weigh(evidence, similarity, 0.5 if similarity.is_probability else TAU_PRIOR[0]).in_force

    @hookimpl
    def aas_refine(self, labels: Ints, must_links: Ints, cannot_links: Ints, evidence: Evidence, graph: Graph) -> Ints:
        """Cluster anew where answers calibrate linkage; before, and on hopeless features, repair the labels by NP3."""
        similarity = similarity_of(graph)
        weighed = weigh(evidence, similarity, similarity.threshold(labels))
        if not weighed.trusted:
            return np3(labels, must_links, cannot_links, graph.between)
        found = constrained_clusters(similarity.matrix, must_links, cannot_links, weighed.calibration).labels
        alone = np.bincount(found)[found] == 1
        return np3(np.where(alone, -1, found), must_links, cannot_links, graph.between)


class CalOptions(BaseModel):
    """Settings of the sampler CAL."""

    model_config = ConfigDict(extra="forbid")

    again: bool = Field(
        True, description="whether answers in doubt are asked again; not for an annotator who never errs"
    )
    audit: float = Field(
        0.0, ge=0, le=1, description="share of questions drawn at random, on which counts and promises rest"
    )


class CalSampler:
    """Questions where average linkage is in doubt; see `questions`.

    Attributes:
        stops: no other questions are asked in the place of those that it leaves out.
    """

    stops = True

    def __init__(self, options: CalOptions) -> None:
        self.options = options

    @hookimpl
    def aas_select_pairs(
        self,
        views: Views,
        labels: Ints,
        evidence: Evidence,
        known: KnownPairs,
        budget: int,
        rng: np.random.Generator,
    ) -> pd.DataFrame:
        """Rank merges, clusters and answers by doubt; on hopeless features the most similar pairs fill the budget.

        There little is in doubt, as everything seems to be different. Where evidence beside the features counts, doubt
        is that of P(same), but only if the refiner uses P(same), too: what is sure by it is not asked, and no other
        refiner would know. Random checks come first.
        """
        graph = views.ranking if views.labels_scored else views.graph
        similarity = similarity_of(graph)
        weighed = weigh(evidence, similarity, similarity.threshold(labels))
        held = evidence.pairs[weighed.in_force]
        same = evidence.same[weighed.in_force]
        clusters = constrained_clusters(similarity.matrix, held[same], held[~same], weighed.calibration)
        wanted = min(round_at_random(self.options.audit * budget, rng), budget) if self.options.audit else 0
        checks = pd.DataFrame()
        if wanted and views.features.shape[1]:
            # Of the labels that the refiner `cal` makes.
            shown = clusters.labels if weighed.trusted else np3(labels, held[same], held[~same], views.graph.between)
            standing = standing_of(shown, graph, views.features, evidence, rng, draws=100)
            checks = audit_pairs(standing, wanted, known, rng)
        rest = budget - len(checks)
        features = None if weighed.hopeless else views.features
        found = questions(clusters, weighed, evidence, rest, features, again=self.options.again, known=known)
        if weighed.hopeless and len(found) < rest:
            found = _with_similar(found, most_similar_pairs(views, rest, known), rest)
        if not len(checks):
            return found
        both = pd.concat([checks, found], ignore_index=True) if len(found) else checks
        return both.drop_duplicates(["u", "v"]).reset_index(drop=True)


def _with_similar(found: pd.DataFrame, similar: pd.DataFrame, budget: int) -> pd.DataFrame:
    """Questions, and as many of the most similar pairs as the budget leaves."""
    rows = similar[["u", "v", "kind"]].assign(
        again=-1, linkage=np.nan, crossing=np.nan, p_same=np.nan, score=similar["similarity"]
    )
    both = pd.concat([found, rows], ignore_index=True) if len(found) else rows
    return both.drop_duplicates(["u", "v"]).head(budget).reset_index(drop=True)


def register_cal(registry: Registry) -> None:
    """Register CAL as a refiner and as a sampler."""
    registry.register("refiner", "cal", CalRefiner, NoOptions)
    registry.register("sampler", "cal", CalSampler, CalOptions)
