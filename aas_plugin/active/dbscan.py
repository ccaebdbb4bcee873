"""Scikit-learn's DBSCAN with active learning: for a script that somebody wrote for DBSCAN."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pydantic import ValidationError
from scipy.sparse import issparse
from sklearn.cluster import DBSCAN

from aas_plugin.active.learner import ActiveLearner, Answerer, Selector, StepResult, select_aas
from aas_plugin.active.questions import Question
from aas_plugin.clustering.dense import DenseGraph
from aas_plugin.clustering.graph import Graph
from aas_plugin.errors import AasError
from aas_plugin.settings.explain import explain
from aas_plugin.settings.models import EPS_MARGIN, ActiveSettings, ClusteringSettings


class AnswersPending(AasError):
    """Questions lie in `pending.jsonl` without an answer; answer them and run the script again."""


@dataclass
class ActiveSession:
    """What goes on from one `fit` to the next, while a script makes a new estimator each time.

    Attributes:
        learner: asks, and keeps the answers.
        epoch: number of fits that are done.
        last: result of the last one; None before the first.
    """

    learner: ActiveLearner
    epoch: int = 0
    last: StepResult | None = None

    def step(self, labels: NDArray[np.int64], features: NDArray[np.float32], graph: Graph | None) -> NDArray[np.int64]:
        """Ask, if it is time, and repair the labels; labels that satisfy every answer come back as they are.

        Args:
            labels: int64 (N,), -1 for noise.
            features: float32 (N, D), rows of unit length; (N, 0) where only a graph is known.
            graph: None to compute it from the features.

        Returns:
            int64 (N,), in which every answer holds.

        Raises:
            AnswersPending: questions are left without an answer. The epoch is not counted, so that a fit after
                this asks for the rest.
            AasError: see `ActiveLearner.step`.
        """
        learner = self.learner
        result = learner.step(features, labels, epoch=self.epoch, graph=graph)
        if not any(learner.constraints.violations(labels)):
            result = replace(result, labels=labels)
        self.last = result
        if result.waiting:
            left = result.report["pending"] if result.report else 0
            raise AnswersPending(
                f"{left} questions in {Path(learner.folder) / 'pending.jsonl'} have no answer yet: answer them and "
                "run the script again; answers already given are kept"
            )
        self.epoch += 1
        return result.labels


class ActiveDBSCAN(DBSCAN):  # type: ignore[misc]
    """Scikit-learn's DBSCAN, whose labels satisfy what a person said about pairs of images.

    Name the images once with `ask_about`. From then on each `fit` counts as an epoch: it runs scikit-learn's
    DBSCAN, asks about ambiguous pairs if it is time to, and repairs the labels with NP3. Labels that satisfy
    every answer are scikit-learn's, number by number. No global random generator is touched.

    With `metric="precomputed"`, `X` is the dense k-reciprocal Jaccard distance, (N, N) in [0, 1]: it also gives
    the two views, of which view A has this `eps` and `min_samples`, and view B links each image to its nearest
    by that distance. With any other metric `X` are features, (N, D): the views are made from the Jaccard
    distance of the rows, scaled to unit length, and view A has this `min_samples` and an `eps` of 0.6, since
    the radius of another metric says nothing about it. Numpy arrays and torch tensors are taken alike.

    Args:
        eps: as in scikit-learn; in (0, 1) where the distance is precomputed.
        min_samples: as in scikit-learn, like all other parameters.

    Attributes:
        labels_: int64 (N,), clusters 0..K-1, -1 for noise.

    Example:
        >>> DBSCAN.ask_about(image_paths, answer=ask, folder="active")
        >>> labels = DBSCAN(eps=0.6, min_samples=4, metric="precomputed").fit_predict(distances)
    """

    labels_: NDArray[np.int64]
    _session: ClassVar[ActiveSession | None] = None

    @classmethod
    def ask_about(
        cls,
        paths: Sequence[str | Path],
        *,
        answer: Answerer | None = None,
        identities: Sequence[Any] | None = None,
        folder: Path | str = "active",
        every: int = 10,
        cycles: int = 5,
        budget: float = 0.0002,
        finch_partition: int = 0,
        seed: int = 0,
        select: Selector = select_aas,
    ) -> ActiveSession:
        """Start a session about a list of images; it replaces the one before.

        Args:
            paths: N distinct images, in the order of the rows that are clustered.
            answer: is asked for one pair at a time and says "same", "different", "cannot_tell", or None for
                "not yet".
            identities: N known individuals to answer from instead, None or NaN where there is none.
            folder: where answers, and questions without one, are kept; a run with the same folder goes on.
            every: fits from one asking to the next; the first fit asks. A script that clusters three times an
                epoch makes three fits of it.
            cycles: number of askings; 0 asks nothing.
            budget: questions an asking: below 1 a share of all pairs, from 1 on a number.
            finch_partition: which partition of FINCH is view B; one above 0 needs features.
            seed: of the draw of questions, at least 0.
            select: chooses the pairs, as in `ActiveLearner`.

        Returns:
            The session, to look into.

        Raises:
            AasError: not exactly one of `answer` and `identities`, `identities` of another length, a setting
                out of range, or what `ActiveLearner` raises.
        """
        names = [str(path) for path in paths]
        if identities is not None and answer is None:
            answer = _from_identities(list(identities), names)
        elif answer is None or identities is not None:
            raise AasError("give either `answer`, a function that answers a question, or `identities`")
        try:
            active = ActiveSettings(every=every, cycles=cycles, budget=budget, finch_partition=finch_partition)
        except ValidationError as error:
            raise AasError(explain(error, ActiveSettings)) from None
        learner = ActiveLearner(names, answer, folder, select=select, active=active, seed=seed)
        cls._session = ActiveSession(learner)
        return cls._session

    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Cluster as scikit-learn does, ask if it is time, and repair the labels.

        Args:
            X: distances (N, N) or features (N, D), dense; see the class.
            y: ignored.
            sample_weight: (N,), as in scikit-learn; the views do without.

        Raises:
            AasError: nobody called `ask_about`, N is not the number of its images, `X` is sparse, or distances
                or `eps` are out of range.
            AnswersPending: see `ActiveSession.step`.
            ValueError: what scikit-learn raises.
        """
        session = type(self)._session
        if session is None:
            raise AasError(
                f"no images to ask about: call {type(self).__name__}.ask_about(image_paths, answer=...) once, "
                "before the first fit"
            )
        if issparse(X):
            raise AasError("a sparse matrix was given; active learning needs dense features or distances")
        # A tensor may carry gradients, or lie on a GPU.
        X = np.asarray(X.detach().cpu() if hasattr(X, "detach") else X)
        super().fit(X, sample_weight=sample_weight)
        labels = np.asarray(self.labels_, dtype=np.int64)
        if len(X) != len(session.learner.paths):
            raise AasError(
                f"{len(X)} rows are clustered, and `ask_about` named {len(session.learner.paths)} images; "
                "name the images of the rows, in their order"
            )
        precomputed = self.metric == "precomputed"
        clustering = self._view_a(session.learner.clustering, precomputed)
        session.learner.clustering = clustering
        if precomputed:
            graph = DenseGraph(X, radius=min(clustering.eps + EPS_MARGIN, 1.0), k=clustering.k1)
            self.labels_ = session.step(labels, np.empty((len(X), 0), dtype=np.float32), graph)
        else:
            self.labels_ = session.step(labels, _unit_length(X), None)
        return self

    def _view_a(self, before: ClusteringSettings, precomputed: bool) -> ClusteringSettings:
        """Settings of the views, of which view A is clustered as the script does."""
        try:
            return ClusteringSettings(
                k1=before.k1,
                k2=before.k2,
                eps=float(self.eps) if precomputed else before.eps,
                min_samples=int(self.min_samples),
            )
        except ValidationError as error:
            raise AasError(explain(error, ClusteringSettings)) from None


def _from_identities(identities: list[Any], paths: list[str]) -> Callable[[Question], Literal["same", "different"]]:
    """An oracle that knows the individuals."""
    if len(identities) != len(paths):
        raise AasError(f"there are {len(identities)} identities for {len(paths)} images; each image needs one")
    unknown = pd.Series(identities, dtype=object).isna().to_numpy()

    def answer(question: Question) -> Literal["same", "different"]:
        for image in (question.u, question.v):
            if unknown[image]:
                raise AasError(
                    f"{paths[image]!r} has no identity to answer from; leave it out of the images, or give `answer`"
                )
        return "same" if identities[question.u] == identities[question.v] else "different"

    return answer


def _unit_length(features: NDArray[Any]) -> NDArray[np.float32]:
    """Rows divided by their length, (N, D); rows of zeros stay."""
    wide = np.asarray(features, dtype=np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(lengths > 0, lengths, 1), dtype=np.float32)
