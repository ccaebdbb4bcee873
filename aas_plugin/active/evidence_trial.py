"""Evidence beside the features in one training: it is tried by a few questions, and counts where it passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from aas_plugin.active import proposals
from aas_plugin.active.knowledge import Knowledge
from aas_plugin.active.questions import call_with_needed
from aas_plugin.clustering.graph import Graph
from aas_plugin.constraints.evidence import evidence_of
from aas_plugin.data.photo_list import PhotoList
from aas_plugin.fusion.pair_evidence import (
    PairEvidence,
    Trial,
    likely_pairs,
    trial_left,
    trial_of,
    trial_questions,
)
from aas_plugin.sampling.proposal import KnownPairs
from aas_plugin.sampling.views import Views


class EvidenceTrial:
    """Scores of pairs, and what the answers so far say of them.

    Args:
        scores: gives the scores, when they are first needed; see `PairEvidence`.
        knowledge: the answers.
        proposed: gives the tables of questions of this training.
    """

    def __init__(
        self, scores: Callable[[], Any], knowledge: Knowledge, proposed: Callable[[], list[pd.DataFrame]]
    ) -> None:
        self._evidence = PairEvidence(scores, len(knowledge.images))
        self._knowledge = knowledge
        self._proposed = proposed
        self._tried: dict[frozenset[str], str] = {}
        self._nothing_to_try = False

    def scored(self, graph: Graph, without: frozenset[frozenset[str]] = frozenset()) -> Graph | None:
        """Distances 1 - P(same) by all evidence; None where features alone count.

        Args:
            graph: distances of the features.
            without: pairs of paths whose answers are left out.
        """
        answers, evidence = self._knowledge.answers(), self._knowledge.evidence()
        if without:
            answers = [one for one in answers if frozenset((one.a, one.b)) not in without]
            evidence = evidence_of(answers, self._knowledge.images.index)
        kinds = {pair: kind for pair, kind in self._kinds().items() if pair not in without}
        trial = trial_of(kinds, answers)
        # Till it is over it has said nothing.
        scored = self._evidence.graph(graph, evidence, None if self._left(kinds, trial) else trial)
        return None if scored is graph else scored

    def draw(self, graph: Graph, budget: int) -> pd.DataFrame | None:
        """The pairs that say whether evidence counts; None where there is none, or where that is said.

        Args:
            graph: distances of the features.
            budget: most pairs.
        """
        kinds = self._kinds()
        left = self._left(kinds, trial_of(kinds, self._knowledge.answers()))
        drawn = self._evidence.trial_pairs(graph, budget, self._knowledge.covers, left) if left else None
        self._tried, self._nothing_to_try = {}, drawn is None
        return drawn

    def report(self) -> dict[str, Any]:
        """What a cycle's report says of evidence beside the features."""
        return self._evidence.report(trial_of(self._kinds(), self._knowledge.answers()))

    def _kinds(self) -> dict[frozenset[str], str]:
        """The questions of the trial in this training; none before it is drawn."""
        if not self._tried:
            for table in self._proposed():
                self._tried |= trial_questions(table)
        return self._tried

    def _left(self, kinds: dict[frozenset[str], str], trial: Trial | None) -> int:
        """How many more pairs each ranking may put forward: see `trial_left`."""
        return 0 if self._nothing_to_try else trial_left(kinds, trial)


def pair_scores(
    given: Any, photos: Callable[[], PhotoList], cache: Path | None, tasks: Callable[[str], Callable[[int, int], None]]
) -> Any:
    """Scores of pairs beside the features, as they were given or as the hook `aas_pair_scores` gives them.

    Args:
        given: a plugin object with the hook, or scores, alone or by name.
        photos: gives what the hook is told of the images.
        cache: folder in which the hook may keep what it computed.
        tasks: from the name of a long task of the hook to what is told how far it is.
    """
    hook = getattr(given, "aas_pair_scores", None)
    if hook is None:
        return given if isinstance(given, Mapping | Sequence) else {"evidence": given}
    return call_with_needed(hook, photos=photos(), cache=cache, progress=tasks)


def filled(table: Any, views: Views, budget: int, known: KnownPairs, stops: bool) -> Any:
    """A sampler's table with the most likely pairs in addition, where evidence counts and budget is left.

    Not that of a sampler that `stops`: it asks less where nothing more is worth asking, and a refiner that merges whole
    clusters takes more harm than help.

    Args:
        table: what the sampler gave; what is no table of pairs stays as it is.
        views: from which it chose.
        budget: most pairs of both together.
        known: from pairs, int64 (P, 2), to whether each needs no question, bool (P,).
        stops: whether the sampler's table stays as it is.
    """
    if views.scored is None or stops or not isinstance(table, pd.DataFrame):
        return table
    if not set(proposals.REQUIRED) <= set(table):
        return table
    taken = list(zip(table["u"].tolist(), table["v"].tolist(), strict=True))
    more = likely_pairs(views.scored, budget - len(table), known, taken)
    if not len(more):
        return table
    more = more.assign(again=-1) if "again" in table else more
    both = pd.concat([table, more], ignore_index=True) if len(table) else more
    both.attrs = dict(table.attrs)
    return both
