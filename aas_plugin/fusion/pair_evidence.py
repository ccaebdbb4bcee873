"""Evidence about pairs in an active learner: on trial first, then as far as answers bear it out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aas_plugin.clustering.graph import Graph
from aas_plugin.constraints.answers import Answer
from aas_plugin.constraints.evidence import Evidence
from aas_plugin.fusion.fitting import Fusion, fit_fusion, prior_fusion
from aas_plugin.fusion.graph import Candidates, ScoredGraph
from aas_plugin.fusion.sources import Source, sources_if_any
from aas_plugin.sampling.proposal import KnownPairs

Ints = NDArray[np.int64]

TRIAL, FIRST = 20, 5
"""Pairs that evidence, and features, may each put forward before it is decided whether evidence counts; and of these
those that are asked first, so that evidence which says nothing costs little."""

FEATURES = "features"
"""The source that is there without any evidence: 1 - Jaccard distance."""

BY_EVIDENCE, BY_FEATURES, BY_BOTH = "trial: evidence", "trial: features", "trial: both"
TRIALS = (BY_EVIDENCE, BY_FEATURES, BY_BOTH)
SIDES = ((BY_EVIDENCE, BY_BOTH), (BY_FEATURES, BY_BOTH))


@dataclass(frozen=True)
class Trial:
    """What the first questions said, of both rankings.

    Pairs whose answer followed from others were not asked, so shares are compared, not numbers.

    Attributes:
        same: answers "same" among the pairs of evidence, and among those of features.
        asked: answers "same" or "different" of both.
    """

    same: tuple[int, int]
    asked: tuple[int, int]

    @property
    def promising(self) -> bool:
        """Whether it is worth going on after the first pairs: not half of the share of features, or less."""
        return self.same[0] * self.asked[1] * 2 > self.same[1] * self.asked[0] or not self.same[1]

    @property
    def passed(self) -> bool | None:
        """Whether a larger share is the same by evidence than by features; None where both shares are equal."""
        if not self.asked[0] or not self.same[0]:
            return False
        by_evidence, by_features = self.same[0] * self.asked[1], self.same[1] * self.asked[0]
        return None if by_evidence == by_features else by_evidence > by_features


class PairEvidence:
    """Scores of pairs beside the features, turned into P(same) by answers.

    It counts only after a trial: `TRIAL` pairs that it ranks first and as many that features rank first are asked, and
    a larger share must be the same. Where both shares are equal, and where evidence is no similarity, so that there is
    nothing to rank by, it counts as soon as there are enough answers to hold some out. From then on each source has
    the weight that answers give it, none where it does not help: see `fit_fusion`.

    Args:
        make: gives the sources of N images, or scores by name; called when they are first needed.
        images: N.
    """

    def __init__(self, make: Callable[[], Any], images: int) -> None:
        self._make, self._images = make, images
        self._sources: list[Source] | None = None
        self._candidates: tuple[Graph, Candidates] | None = None
        self._scored: tuple[Graph, tuple[tuple[str, ...], Trial | None], Graph] | None = None
        self.fusion: Fusion | None = None

    @property
    def sources(self) -> list[Source]:
        """What there is; nothing, with a warning, where it cannot be had."""
        if self._sources is None:
            self._sources = sources_if_any(self._make, self._images)
        return self._sources

    @property
    def _rank(self) -> bool:
        """Whether there is anything to rank pairs by before an answer; else held-out answers alone decide."""
        return any(source.is_similarity for source in self.sources)

    def trial_pairs(self, graph: Graph, budget: int, known: KnownPairs, most: int = TRIAL) -> pd.DataFrame | None:
        """The pairs of the trial: the first of both rankings in turn.

        Args:
            graph: distances of the features.
            budget: most pairs.
            known: from pairs, int64 (P, 2), to whether each needs no question, bool (P,).
            most: pairs of each ranking at most.

        Returns:
            One row a pair, int64 `u < v` and text `kind`; None where there is nothing to try.
        """
        if not self._rank or budget < 2:
            return None
        candidates = self._of(graph)
        fresh = np.flatnonzero(~known(candidates.pairs))
        prior = self._prior(candidates)
        only = Fusion(np.where(_is_features(candidates), 0.0, prior.weights), 0.0)
        ranked = [
            fresh[np.argsort(-score[fresh], kind="stable")][: min(most, budget // 2)]
            for score in (only.logit(candidates.z), candidates.z[:, 0])
        ]
        first, second = (set(one.tolist()) for one in ranked)
        kind = {
            place: BY_BOTH if place in first and place in second else BY_EVIDENCE if place in first else BY_FEATURES
            for place in [*first, *second]
        }
        order = list(dict.fromkeys(place for both in zip(*ranked, strict=True) for place in both))
        if not order:
            return None
        pairs = candidates.pairs[order]
        return pd.DataFrame({"u": pairs[:, 0], "v": pairs[:, 1], "kind": [kind[place] for place in order]})

    def graph(self, graph: Graph, evidence: Evidence, trial: Trial | None) -> Graph:
        """Distances 1 - P(same) where evidence counts; else those of the features as they are.

        Args:
            graph: distances of the features.
            evidence: the answers.
            trial: what the first questions said; None before.
        """
        passed = None
        if self._rank:
            passed = False if trial is None else trial.passed
        self.fusion = None
        if passed is False or not self.sources:
            return graph
        by = evidence.ids, trial
        if self._scored is None or self._scored[0] is not graph or self._scored[1] != by:
            candidates = self._of(graph)
            z = candidates.z_of(evidence.pairs)
            fusion = fit_fusion(z, evidence.same, candidates.similar, self._prior(candidates))
            # Once it counts it counts to the end, or similarities of one scale would be mixed with those of another.
            counts = passed or bool(np.isfinite(fusion.gain).any())
            self._scored = graph, by, ScoredGraph(graph, candidates, fusion) if counts else graph
        scored = self._scored[2]
        self.fusion = scored.fusion if isinstance(scored, ScoredGraph) else None
        return scored

    def _prior(self, candidates: Candidates) -> Fusion:
        return prior_fusion(candidates.z, candidates.similar, self._images)

    def _of(self, graph: Graph) -> Candidates:
        if self._candidates is None or self._candidates[0] is not graph:
            features = Source(FEATURES, lambda pairs: 1 - graph.distance(pairs[:, 0], pairs[:, 1]).astype(np.float64))
            self._candidates = graph, Candidates([features, *self.sources], graph.neighbours)
        return self._candidates[1]

    def report(self, trial: Trial | None) -> dict[str, Any]:
        """What a cycle's report says of it: the weight of each source, and the trial."""
        if not self.sources:
            return {}
        names = [FEATURES, *(source.name for source in self.sources)]
        weights = self.fusion.weights.tolist() if self.fusion is not None else [1.0] + [0.0] * (len(names) - 1)
        told: dict[str, Any] = {f"evidence.{name}": weight for name, weight in zip(names, weights, strict=True)}
        if trial is not None:
            told |= {"evidence.trial_same": trial.same[0], "evidence.trial_features_same": trial.same[1]}
        return told


def trial_of(kinds: Mapping[frozenset[str], str], answers: Iterable[Answer]) -> Trial | None:
    """What a trial said; None before its first answer.

    Args:
        kinds: the kind of each question of the trial, by the paths of both images.
        answers: in their order.
    """
    told = {pair: answer.decision for answer in answers if (pair := frozenset((answer.a, answer.b))) in kinds}
    if not told:
        return None
    of = [[decision for pair, decision in told.items() if kinds[pair] in side] for side in SIDES]
    same = [decisions.count("same") for decisions in of]
    asked = [decisions.count("same") + decisions.count("different") for decisions in of]
    return Trial((same[0], same[1]), (asked[0], asked[1]))


def trial_left(kinds: Mapping[frozenset[str], str], trial: Trial | None) -> int:
    """How many more pairs each ranking may put forward: 0 once the trial is over.

    Args:
        kinds: the kind of each question of the trial so far.
        trial: what they said, None before any.
    """
    if not kinds:
        return FIRST
    drawn = max(sum(kind in side for kind in kinds.values()) for side in SIDES)
    return TRIAL - FIRST if drawn <= FIRST and trial is not None and trial.promising else 0


def trial_questions(table: pd.DataFrame) -> dict[frozenset[str], str]:
    """The kind of each question of a trial in a cycle's table, by the paths of both images."""
    of_trial = table[table["kind"].isin(TRIALS)]
    rows = zip(of_trial["path_u"], of_trial["path_v"], of_trial["kind"], strict=True)
    return {frozenset((one, other)): kind for one, other, kind in rows}


def trial_rounds(table: pd.DataFrame) -> int:
    """How many rounds of a cycle's table are of the trial."""
    of_trial = table[table["kind"].isin(TRIALS)]
    return int(of_trial["round"].nunique()) if "round" in of_trial else int(len(of_trial) > 0)


def _is_features(candidates: Candidates) -> NDArray[np.bool_]:
    return np.array([source.name == FEATURES for source in candidates.sources], dtype=bool)


LIKELY = 0.1
"""P(same) down to which pairs fill what a sampler leaves of its budget (ours)."""


def likely_pairs(graph: Graph, budget: int, known: KnownPairs, taken: Sequence[tuple[int, int]]) -> pd.DataFrame:
    """The most likely pairs that nobody took: score order, which fills what a sampler leaves of its budget.

    Args:
        graph: distances 1 - P(same).
        budget: most pairs.
        known: from pairs, int64 (P, 2), to whether each needs no question, bool (P,).
        taken: pairs u < v to leave out.
    """
    near = graph.distances.tocoo()
    kept = (near.row < near.col) & (near.data <= 1 - LIKELY)
    pairs = np.stack([near.row[kept], near.col[kept]], axis=1).astype(np.int64)
    pairs = pairs[np.argsort(near.data[kept], kind="stable")]
    left_out = set(taken)
    open_ones = pairs[~known(pairs)] if len(pairs) else pairs
    found = [pair for pair in map(tuple, open_ones.tolist()) if pair not in left_out][:budget]
    ends = np.array(found, dtype=np.int64).reshape(-1, 2)
    return pd.DataFrame({"u": ends[:, 0], "v": ends[:, 1], "kind": ["likely"] * len(ends)})
