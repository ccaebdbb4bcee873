"""How a labelling stands: what may still be wrong in it, by all that was answered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from aas_plugin.cal.similarity import similarity_of
from aas_plugin.cal.weighing import AUDITS, INSIDE, Weighed, weigh
from aas_plugin.clustering.graph import Graph
from aas_plugin.constraints.evidence import Evidence
from aas_plugin.individuals.beliefs import Beliefs, Scale, believe
from aas_plugin.individuals.draws import Partitions, draw_partitions
from aas_plugin.individuals.joins import Joins, cosines, joins_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_OF_MERGES = frozenset({"atom", "merge", INSIDE})
_MOST_JOINS = 20_000
_LEAST_SPREAD = 1e-3
_SURE = 1 - 1e-9
_DRAWS, _MOST_DRAWN = (100, 300), 600_000
"""Draws, and photos times draws."""


@dataclass(frozen=True)
class Standing:
    """How a labelling of N photos stands.

    Attributes:
        joins: where it may be wrong.
        chance: float64 (J,), P(same) of each join.
        weighed: the answers.
        calibrating: int64 (C,), items that stood for two sides, and so calibrate.
        item_chance: float64 (I,), P(same) of each item, by similarity and answers.
        audits: how many answers are to questions drawn at random.
        beliefs: P(same) as far as it is known.
        x: float64 (J, 7), what `beliefs` takes of each join.
        evidence: the answers.
        item_logits: float64 (R, I), logarithm of the odds for "same" of each item, by similarity and answers.
    """

    joins: Joins
    chance: Floats
    weighed: Weighed
    calibrating: Ints
    item_chance: Floats
    audits: int
    beliefs: Beliefs
    x: Floats
    evidence: Evidence
    item_logits: Floats

    @property
    def doubt(self) -> Floats:
        """P(wrong) of what each item says, float64 (I,)."""
        return np.where(self.evidence.votes > 0, 1 - self.item_chance, self.item_chance)

    def partitions(self, rng: np.random.Generator, watched: Ints | None = None) -> Partitions:
        """Draw who is who.

        Of many joins between groups a sample is drawn from, unlikely ones less often, each for all that it stands for.
        """
        joins, evidence = self.joins, self.evidence
        votes = evidence.votes
        held = self.weighed.in_force
        same = held & evidence.same
        inner = int(joins.inside.sum())
        links = np.concatenate([joins.pairs[:inner], evidence.pairs[same]])
        by = np.concatenate([np.arange(inner), inner + evidence.item[same]])
        of_items = expit(self.item_logits)
        keep = np.concatenate([expit(self.beliefs.logits(self.x[:inner])), of_items], axis=1)

        expected = (self.chance * joins.count)[inner:]
        scale = _MOST_JOINS / max(float(expected.sum()), 1e-12)
        rate = np.minimum(1.0, np.maximum(expected * scale, _MOST_JOINS / max(len(expected), 1)))
        chosen = np.flatnonzero(rng.random(len(rate)) < rate)
        stands_for = (joins.count[inner:] / rate)[chosen]
        places = inner + chosen
        odds = np.minimum(1.0, expit(self.beliefs.logits(self.x[places])) * stands_for)
        apart = held & ~evidence.same & (votes[evidence.item] < 0)
        ends = np.concatenate([joins.pairs[places], evidence.pairs[apart]])
        deciding = np.concatenate([np.arange(len(places)), len(places) + evidence.item[apart]])
        return draw_partitions(
            joins.group, (links, by), keep, (ends, deciding), np.concatenate([odds, of_items], axis=1), rng, watched
        )

    def pair_probability(self, pairs: Ints, rng: np.random.Generator) -> Floats:
        """P(same) of pairs of photos, float64 (P,), for int64 (P, 2).

        Two photos of one group are the same as far as what links them is right; two of two groups are as likely the
        same as these groups are, as far as both photos are right in theirs.
        """
        found = self.partitions(rng, pairs)
        group = self.joins.group
        ends = np.sort(group[pairs], axis=1)
        keys, chance = self._chances()
        wanted = ends @ np.array([len(group), 1])
        place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
        met = np.zeros(len(pairs))
        if len(keys):
            met = np.where(keys[place] == wanted, chance[place], 0.0)
        between = met * found.right[pairs[:, 0]] * found.right[pairs[:, 1]]
        return np.where(ends[:, 0] == ends[:, 1], found.together, between)

    def _chances(self) -> tuple[Ints, Floats]:
        """Two groups as one number, one * N + other, ascending, and P(same) of those that are joins or were asked."""
        group, between = self.joins.group, ~self.joins.inside
        asked = self.weighed.in_force & ~self.evidence.same
        ends = np.concatenate([self.joins.pairs[between], self.evidence.pairs[asked]])
        chance = np.concatenate([self.chance[between], self.item_chance[self.evidence.item[asked]]])
        keys = np.sort(group[ends], axis=1) @ np.array([len(group), 1])
        order = np.lexsort((-chance, keys))
        keys, first = np.unique(keys[order], return_index=True)
        return keys.astype(np.int64), chance[order][first]

    def alone(self) -> Floats:
        """How likely no other group is the same individual as each group, float64 (G,)."""
        joins, between = self.joins, ~self.joins.inside
        none = np.log1p(-np.minimum(self.chance[between], _SURE)) * joins.count[between]
        ends = joins.group[joins.pairs[between]]
        total = np.bincount(ends.ravel(), np.repeat(none, 2), minlength=int(joins.group.max(initial=-1)) + 1)
        return np.asarray(np.exp(total))

    def nearest(self) -> tuple[Ints, Floats]:
        """The most likely other group of each group, int64 (G,), -1 without, and P(same), float64 (G,)."""
        count = int(self.joins.group.max(initial=-1)) + 1
        keys, chance = self._chances()
        one, other = keys // max(len(self.joins.group), 1), keys % max(len(self.joins.group), 1)
        ends, others = np.concatenate([one, other]), np.concatenate([other, one])
        both = np.concatenate([chance, chance])
        order = np.lexsort((others, -both, ends))
        found, first = np.unique(ends[order], return_index=True)
        nearest, likely = np.full(count, -1, dtype=np.int64), np.zeros(count)
        nearest[found], likely[found] = others[order][first], both[order][first]
        return nearest, likely


def standing_of(
    labels: Ints,
    graph: Graph,
    features: NDArray[np.float32],
    evidence: Evidence,
    rng: np.random.Generator,
    draws: int | None = None,
) -> Standing:
    """How a labelling stands, given all answers.

    Answers about two sides whose linkage and number of pairs are known calibrate, those of CAL's sampler and of random
    checks; any answer counts for its own pair.

    Args:
        labels: int64 (N,), in which the answers hold that are not set aside; -1 for un-clustered.
        graph: distances between the photos.
        features: float32 (N, D), L2-normalised rows.
        evidence: the answers.
        rng: draws.
        draws: how many of what answers leave open; 300, of many photos fewer, but at least 100.
    """
    draws = draws or int(np.clip(_MOST_DRAWN // max(len(labels), 1), *_DRAWS))
    similarity = similarity_of(graph)
    weighed = weigh(evidence, similarity, similarity.threshold(labels))
    held = evidence.pairs[weighed.in_force]
    same = evidence.same[weighed.in_force]
    joins = joins_of(labels, similarity.matrix, features, held[same], held[~same], rng)
    scale = _scale(joins, weighed)
    votes = evidence.votes.astype(np.float64)
    first = np.unique(evidence.item, return_index=True)[1]
    kinds = np.array(evidence.kinds or [""] * len(evidence))[first] if len(first) else np.empty(0, dtype=np.str_)
    crossing = (evidence.crossing if len(evidence.crossing) else np.full(len(evidence), np.nan))[first]
    told = np.flatnonzero(~np.isnan(crossing))
    x = scale.columns(
        weighed.linkage[told],
        cosines(features, evidence.pairs[first[told]]),
        crossing[told],
        np.isin(kinds[told], list(_OF_MERGES)),
        ~np.isin(kinds[told], AUDITS),
    )
    beliefs = believe(x, votes[told], weighed.error, rng, draws)
    logits = np.tile(votes * np.log((1 - weighed.error) / weighed.error), (draws, 1))
    logits[:, told] += beliefs.logits(x)
    of_joins = scale.columns(joins.linkage, joins.cosine, joins.crossing, joins.inside)
    return Standing(
        joins=joins,
        chance=beliefs.probability(of_joins),
        weighed=weighed,
        calibrating=told,
        item_chance=np.asarray(expit(logits).mean(axis=0)),
        audits=int(np.isin(kinds, AUDITS).sum()),
        beliefs=beliefs,
        x=of_joins,
        evidence=evidence,
        item_logits=logits,
    )


def _scale(joins: Joins, weighed: Weighed) -> Scale:
    """The scale on which joins are told apart: cosines relative to those of two groups."""
    between = ~joins.inside
    if not between.any():
        return Scale(weighed.calibration, 0.0, 1.0)
    cosine, count = joins.cosine[between], joins.count[between]
    middle = float(np.average(cosine, weights=count))
    spread = float(np.sqrt(np.average((cosine - middle) ** 2, weights=count)))
    return Scale(weighed.calibration, middle, max(spread, _LEAST_SPREAD))
