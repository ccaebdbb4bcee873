"""Scikit-learn's DBSCAN with active learning: for a script that somebody wrote for DBSCAN."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import ValidationError
from scipy.sparse import issparse
from sklearn.cluster import DBSCAN

from aas_plugin.active.learner import ActiveLearner, select_aas
from aas_plugin.active.session import ActiveSession, begin_session, current_session
from aas_plugin.clustering.arrays import dense
from aas_plugin.clustering.dense import DenseGraph
from aas_plugin.errors import AasError
from aas_plugin.oracles.labels import LabelsOptions, LabelsOracle
from aas_plugin.settings.explain import explain
from aas_plugin.settings.models import EPS_MARGIN, ActiveSettings, ClusteringSettings


class ActiveDBSCAN(DBSCAN):  # type: ignore[misc]
    """Scikit-learn's DBSCAN, whose labels satisfy what a person said about pairs of images.

    Name the images once with `ask_about`. From then on each `fit` runs scikit-learn's DBSCAN, asks about ambiguous
    pairs if it is time to, and repairs the labels with NP3. Labels that satisfy every answer are scikit-learn's,
    number by number. No global random generator is touched. The session is looked up when `fit` is called: the one
    that is given, or else the latest that was begun in this process.

    With `metric="precomputed"`, `X` is the dense k-reciprocal Jaccard distance, (N, N) in [0, 1]: it also gives
    the two views, of which view A has this `eps` and `min_samples`, and view B links each image to its nearest
    by that distance. With any other metric `X` are features, (N, D): the views are made from the Jaccard
    distance of the rows, scaled to unit length, and view A has this `min_samples` and an `eps` of 0.6, since
    the radius of another metric says nothing about it. Numpy arrays and torch tensors are taken alike.

    Args:
        eps: as in scikit-learn; in (0, 1) where the distance is precomputed.
        min_samples: as in scikit-learn, like all other parameters.
        session: what `ask_about` gave; None for the latest.

    Attributes:
        labels_: int64 (N,), clusters 0..K-1, -1 for noise.

    Example:
        >>> DBSCAN.ask_about(image_paths, answer=ask, folder="active")
        >>> labels = DBSCAN(eps=0.6, min_samples=4, metric="precomputed").fit_predict(distances)
    """

    labels_: NDArray[np.int64]

    def __init__(
        self,
        eps: float = 0.5,
        *,
        min_samples: int = 5,
        metric: Any = "euclidean",
        metric_params: dict[str, Any] | None = None,
        algorithm: str = "auto",
        leaf_size: int = 30,
        p: float | None = None,
        n_jobs: int | None = None,
        session: ActiveSession | None = None,
    ) -> None:
        super().__init__(
            eps=eps,
            min_samples=min_samples,
            metric=metric,
            metric_params=metric_params,
            algorithm=algorithm,
            leaf_size=leaf_size,
            p=p,
            n_jobs=n_jobs,
        )
        self.session = session

    @staticmethod
    def ask_about(
        paths: Sequence[str | Path],
        *,
        answer: Any = None,
        identities: Sequence[Any] | np.ndarray | None = None,
        folder: Path | str = "active",
        every: int = 10,
        cycles: int = 5,
        budget: float = 0.0002,
        rounds: int = 5,
        finch_partition: int = 0,
        seed: int = 0,
        select: Any = select_aas,
        fits_per_epoch: int = 1,
        resume: bool | None = None,
        hashes: Sequence[str] | None = None,
    ) -> ActiveSession:
        """Begin a session about a list of images; estimators that are given no other use it from now on.

        Args:
            paths: N distinct images, in the order of the rows that are clustered.
            answer: is asked for one pair at a time and says "same", "different", "cannot_tell", or None for
                "not yet"; or a plugin object, as in `ActiveLearner`.
            identities: N known individuals to answer from instead, None or NaN where there is none.
            folder: where answers, and questions without one, are kept.
            every: epochs from one asking to the next; the first epoch asks.
            cycles: number of askings; 0 asks nothing.
            budget: questions an asking: below 1 a share of all pairs, from 1 on a number.
            rounds: parts in which the questions of an asking are asked, each chosen after the answers to those before.
            finch_partition: which partition of FINCH is view B; one above 0 needs features.
            seed: of the draw of questions, at least 0.
            select: chooses the pairs, as in `ActiveLearner`.
            fits_per_epoch: how often the script clusters in an epoch. The first fit of an epoch may ask; the
                labels of the others are only repaired. SpCL clusters three times.
            resume: True goes on with the folder, False begins anew and keeps its answers, as in `ActiveLearner`.
            hashes: N content hashes, by which answers are found wherever the images lie; without, the end of a path
                says which image is meant.

        Returns:
            The session, to look into, and to give to an estimator where there are several.

        Raises:
            AasError: not exactly one of `answer` and `identities`, a setting out of range, or what
                `ActiveLearner` raises.
        """
        if (answer is None) == (identities is None):
            raise AasError("give either `answer`, a function that answers a question, or `identities`")
        if fits_per_epoch < 1:
            raise AasError(f"fits_per_epoch is {fits_per_epoch}; a script clusters at least once an epoch")
        try:
            active = ActiveSettings(
                every=every, cycles=cycles, budget=budget, rounds=rounds, finch_partition=finch_partition
            )
        except ValidationError as error:
            raise AasError(explain(error, ActiveSettings, where=lambda *_: "ActiveDBSCAN")) from None
        learner = ActiveLearner(
            [str(path) for path in paths],
            answer if answer is not None else LabelsOracle(LabelsOptions()),
            folder,
            select=select,
            active=active,
            seed=seed,
            identities=None if identities is None else list(identities),
            resume=resume,
            hashes=hashes,
        )
        return begin_session(ActiveSession(learner, fits_per_epoch))

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
        session = self.session or current_session()
        if session is None:
            raise AasError(
                f"no images to ask about: call {type(self).__name__}.ask_about(image_paths, answer=...) once, "
                "before the first fit"
            )
        if issparse(X):
            raise AasError("a sparse matrix was given; active learning needs dense features or distances")
        # A tensor may carry gradients, or lie on a GPU.
        X = np.asarray(dense(X, "features"))
        super().fit(X, sample_weight=sample_weight)
        labels = np.asarray(self.labels_, dtype=np.int64)
        if len(X) != len(session.learner.paths):
            raise AasError(
                f"{len(X)} rows are clustered, and `ask_about` named {len(session.learner.paths)} images; "
                "name the images of the rows, in their order"
            )
        precomputed = self.metric == "precomputed"
        clustering = self._view_a(session.learner.clustering, precomputed)
        if precomputed:
            graph = DenseGraph(X, radius=min(clustering.eps + EPS_MARGIN, 1.0), k=clustering.k1)
            self.labels_ = session.step(labels, np.empty((len(X), 0), dtype=np.float32), graph, clustering)
        else:
            self.labels_ = session.step(labels, _unit_length(X), None, clustering)
        return self

    def _view_a(self, own: ClusteringSettings, precomputed: bool) -> ClusteringSettings:
        """Settings of the views, of which view A is clustered as the script does."""
        try:
            return ClusteringSettings(
                k1=own.k1,
                k2=own.k2,
                eps=float(self.eps) if precomputed else own.eps,
                min_samples=int(self.min_samples),
            )
        except ValidationError as error:
            raise AasError(explain(error, ClusteringSettings, where=lambda *_: type(self).__name__)) from None


def _unit_length(features: NDArray[Any]) -> NDArray[np.float32]:
    """Rows divided by their length, (N, D); rows of zeros stay."""
    wide = np.asarray(features, dtype=np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(lengths > 0, lengths, 1), dtype=np.float32)
