"""What goes on from one `fit` to the next, while a script makes a new estimator each time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from aas_plugin.active.learner import ActiveLearner, StepResult
from aas_plugin.clustering.graph import Graph
from aas_plugin.errors import AasError
from aas_plugin.settings.models import ClusteringSettings


class AnswersPending(AasError):
    """Questions lie in `pending.jsonl` without an answer; answer them and run the script again."""


@dataclass(eq=False)
class ActiveSession:
    """One training of a script.

    Attributes:
        learner: asks, and keeps the answers.
        fits_per_epoch: how often the script clusters in an epoch, at least 1.
        fits: number of fits that are done.
        last: result of the last fit that may have asked; None before the first.
    """

    learner: ActiveLearner
    fits_per_epoch: int = 1
    fits: int = 0
    last: StepResult | None = None

    @property
    def epoch(self) -> int:
        """The epoch that the next fit belongs to, from 0."""
        return self.fits // self.fits_per_epoch

    def step(
        self,
        labels: NDArray[np.int64],
        features: NDArray[np.float32],
        graph: Graph | None,
        clustering: ClusteringSettings,
    ) -> NDArray[np.int64]:
        """Ask, if it is time, and repair the labels.

        Args:
            labels: int64 (N,), -1 for noise.
            features: float32 (N, D), rows of unit length; (N, 0) where only a graph is known.
            graph: None to compute it from the features.
            clustering: how the script clusters.

        Returns:
            int64 (N,), in which every answer holds; the labels themselves where they break none.

        Raises:
            AnswersPending: questions are left without an answer. The fit is not counted, so that one after this
                asks for the rest.
            AasError: see `ActiveLearner.step`.
        """
        learner = self.learner
        if self.fits % self.fits_per_epoch:
            refined = learner.refine(labels, lambda: graph or learner.graph(features, clustering=clustering))
        else:
            result = learner.step(features, labels, epoch=self.epoch, graph=graph, clustering=clustering)
            self.last = result
            if result.waiting:
                left = result.report["pending"] if result.report else 0
                raise AnswersPending(
                    f"{left} questions in {Path(learner.folder) / 'pending.jsonl'} have no answer yet: answer them "
                    "and run the script again; answers already given are kept"
                )
            refined = result.labels
        self.fits += 1
        return refined

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        # Scikit-learn clones an estimator by copying its parameters; its session goes on.
        return self


_begun: list[ActiveSession] = []


def begin_session(session: ActiveSession) -> ActiveSession:
    """Make a session the one of every estimator that is given no other."""
    _begun[:] = [session]
    return session


def current_session() -> ActiveSession | None:
    """The session that was begun last in this process, None before any."""
    return _begun[0] if _begun else None
