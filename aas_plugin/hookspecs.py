"""Every hook of aas-plugin: what it is for, when it is called, what it may return.

A plugin is a module or object with functions marked `@hookimpl`. Three kinds of hooks exist: registration
(called once, when plugins are loaded), method seams (the first result that is not None wins; they are called
on the adapter, sampler, refiner and oracle chosen for the run) and observers (all are called; an error in one is
reported and stops nothing else).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from torch import nn

    from aas_plugin.active.questions import Question
    from aas_plugin.clustering.graph import Graph
    from aas_plugin.clustering.jaccard import JaccardGraph
    from aas_plugin.constraints.evidence import Evidence
    from aas_plugin.data.photo_list import PhotoList
    from aas_plugin.fusion.sources import Scores, Source
    from aas_plugin.plugins.registry import Registry
    from aas_plugin.runs.run import NativeRun, Run
    from aas_plugin.sampling.proposal import KnownPairs
    from aas_plugin.sampling.views import Views

hookspec = pluggy.HookspecMarker("aas_plugin")
hookimpl = pluggy.HookimplMarker("aas_plugin")


# Registration


@hookspec
def aas_register(registry: Registry) -> None:
    """Register adapters, samplers, refiners, oracles, data sources, backbones and recipes by name. Called once.

    Args:
        registry: takes each of them by its `register`.
    """


# Method seams


@hookspec(firstresult=True)
def aas_setup(run: NativeRun) -> bool | None:
    """Build the model, memory and optimiser on `run.device`. Called once, before any other method seam.

    Args:
        run: the run to make ready.

    Returns:
        True when it is done.
    """


@hookspec(firstresult=True)
def aas_embed(run: NativeRun, rows: np.ndarray) -> np.ndarray | None:
    """Embed images with the current model in evaluation mode. Called for evaluation and the check on answers, at every
    cycle.

    Args:
        run: the run.
        rows: int64 (n,), catalogue rows of the images.

    Returns:
        float32 (n, D), L2-normalised rows.
    """


@hookspec(firstresult=True)
def aas_features(run: NativeRun) -> np.ndarray | None:
    """Give the features of the training images that this epoch clusters. Called once an epoch, first.

    Args:
        run: the run; `run.train` holds the catalogue rows of the N training images.

    Returns:
        float32 (N, D), L2-normalised rows, in the order of `run.train`.
    """


@hookspec(firstresult=True)
def aas_pseudo_labels(run: NativeRun, features: np.ndarray, graph: JaccardGraph) -> np.ndarray | None:
    """Turn this epoch's features and distances into pseudo-labels. Called once an epoch, after `aas_features`.

    Active learning wraps this hook: in what comes out, every answer holds.

    Args:
        run: the run.
        features: float32 (N, D), L2-normalised rows: those of `aas_features`.
        graph: k-reciprocal Jaccard distances between these N images.

    Returns:
        int64 (N,), -1 for an un-clustered image.
    """


@hookspec(firstresult=True)
def aas_train_epoch(run: NativeRun, features: np.ndarray, labels: np.ndarray) -> dict[str, float] | None:
    """Train one epoch on the pseudo-labels. Called once an epoch, after `aas_pseudo_labels`.

    Args:
        run: the run.
        features: float32 (N, D), L2-normalised rows: those of `aas_features`, which were clustered.
        labels: int64 (N,), in which every answer holds; -1 for an un-clustered image.

    Returns:
        The epoch's mean losses and other scalars, by name.
    """


@hookspec(firstresult=True)
def aas_save_state(run: NativeRun) -> dict[str, Any] | None:
    """Give all that is needed to go on after this epoch. Called after every epoch, for the checkpoint.

    Args:
        run: the run.

    Returns:
        Tensors, numbers, strings and containers of them, by name.
    """


@hookspec(firstresult=True)
def aas_load_state(run: NativeRun, state: dict[str, Any]) -> bool | None:
    """Take back what `aas_save_state` gave. Called once, after `aas_setup`, when a run is resumed.

    Args:
        run: the run.
        state: what `aas_save_state` gave after the last whole epoch.

    Returns:
        True when it is done.
    """


@hookspec(firstresult=True)
def aas_model(run: NativeRun) -> nn.Module | None:
    """Give the embedding module as it is, to be kept beside the run. Called before the first epoch, untrained, and
    after the last.

    A method that leaves this hook out keeps no model.

    Args:
        run: the run.

    Returns:
        A module that takes float32 (B, 3, H, W) on `run.device` and returns float32 (B, D), L2-normalised rows: those
        of `aas_embed`. Its input is normalised by its attributes `mean` and `std`, or by ImageNet's where it has none.
    """


@hookspec(firstresult=True)
def aas_select_pairs(
    views: Views,
    labels: np.ndarray,
    evidence: Evidence,
    known: KnownPairs,
    budget: int,
    rng: np.random.Generator,
    run: Run | None,
) -> pd.DataFrame | None:
    """Choose the pairs of N training images to ask about. Called at the start of every round of a cycle.

    Args:
        views: two clusterings of the N images, in which the answers hold.
        labels: int64 (N,), the method's own clustering of this epoch, -1 for un-clustered.
        evidence: the answers so far, each of which may be asked again.
        known: from pairs, int64 (P, 2), to whether each needs no question, bool (P,); such pairs must not be chosen.
        budget: most pairs to choose, at least 0.
        rng: the generator to draw from, the same after a resume.
        run: the run, or None where somebody else's loop calls `ActiveLearner`: a sampler that leaves this argument out
            works everywhere.

    Returns:
        One row a pair, in asking order: int64 columns `u < v` (positions in the training set), a text column `kind`,
        and any others worth keeping. An int64 column `again` holds the position in `evidence` of an answer that the
        pair asks again by other photographs, -1 for none: such a pair may be known. A float column `linkage` says how
        alike, by mean similarity in [0, 1], the two clusters are that the pair stands for; it is kept with the answer,
        and the refiner `cal` calibrates on it; a column `crossing` says how many pairs of images lie between
        these two clusters. Numbers in its `attrs` are told in
        the cycle's report as `sampler.NAME`. Where evidence beside the features counts, the most likely pairs fill
        what the table leaves of the budget, but not for a sampler with an attribute `stops = True`.
    """


@hookspec(firstresult=True)
def aas_pair_scores(
    photos: PhotoList, cache: Path | None, progress: Callable[[str], Callable[[int, int], None]]
) -> Mapping[str, Scores] | Sequence[Source] | None:
    """Score pairs of training images by something else than features. Called once a process, before the first question.

    What it gives counts only as far as answers bear it out: see `PairEvidence`.

    Args:
        photos: the N training images.
        cache: folder in which what was computed may be kept, None for none; it can be deleted at any time.
        progress: from the name of a long task to what is told (parts done, all parts) of it.

    Returns:
        Scores by name: CSR (N, N), symmetric, at least 0, more being more alike, or a function from pairs, int64
        (P, 2), to float (P,), NaN where it says nothing, whose sign answers decide. Or a list of `Source`, which say
        more.

    Raises:
        AasError: there are none, for a reason that is told as a warning; the run goes on with features alone.
    """


@hookspec(firstresult=True)
def aas_set_aside(evidence: Evidence, graph: Graph) -> np.ndarray | None:
    """Say which answers are probably wrong. Called on the refiner in every epoch and round, before `aas_refine`.

    A refiner may leave this hook out: then a question that was asked again says what most of its answers say. The
    cycle's report counts what is set aside, `set_aside`, and names it, `set_aside_answers`.

    Args:
        evidence: Q answers.
        graph: distances between the images.

    Returns:
        bool (Q,), True for an answer that must not hold; the others must not contradict each other.
    """


@hookspec(firstresult=True)
def aas_refine(
    labels: np.ndarray, must_links: np.ndarray, cannot_links: np.ndarray, evidence: Evidence, graph: Graph
) -> np.ndarray | None:
    """Make labels in which every answer holds that is not set aside. Called in every epoch.

    A refiner whose attribute `keeps_satisfied` is True is not asked about labels that break no answer, and is called on
    both views of a round as well, in place of NP3. It draws nothing at random, and permuting the images permutes what
    it gives.

    Args:
        labels: int64 (N,), a clustering of the training images, -1 for un-clustered; not to be changed.
        must_links: int64 (M, 2), pairs that were said to be the same, not closed.
        cannot_links: int64 (C, 2), pairs that were said to differ; never in contradiction to the must-links.
        evidence: all answers, also those set aside.
        graph: distances between the images; 1 - P(same) where evidence counts and the refiner's attribute
            `by_likelihood` is True.

    Returns:
        int64 (N,), in which every answer holds: the ends of a must-link share a cluster, those of a cannot-link do
        not; -1 for un-clustered.
    """


@hookspec(firstresult=True)
def aas_answer(
    question: Question, identities: Sequence[str | None] | np.ndarray | None, seed: int, run: Run | None
) -> str | None:
    """Answer one question. Called for one pair at a time, since each answer can make a later question superfluous.

    When any question of a cycle is left without an answer, the run saves itself and ends, to be resumed. An oracle that
    is no person has an attribute `machine = True`: its answers depend on nothing but the arguments, and are written in
    batches.

    Args:
        question: the pair, with positions in the training set and paths.
        identities: (N,), individuals of the training images, None where unknown; None instead of all where nobody
            knows any.
        seed: of the run.
        run: the run, or None where somebody else's loop calls `ActiveLearner`.

    Returns:
        "same", "different" or "cannot_tell"; None for "not answered yet".
    """


@hookspec(firstresult=True)
def aas_stop(run: Run, report: dict[str, Any] | None) -> bool | None:
    """Say whether a native run is to end here, in order. Called after each cycle, once its checkpoint is written.

    All that a run gives at its end is written, and it can be resumed: that asks first, of its last cycle. It is also
    called, without a report, when people were waited for and left questions of a batch unanswered.

    Args:
        run: the run.
        report: of the cycle that ended: see `aas_cycle_finished`. None while a cycle asks.

    Returns:
        True to end; within a cycle True leaves its other questions unasked, and the cycle goes on. None, or False, to
        go on.
    """


# Observers


@hookspec
def aas_run_started(run: Run) -> None:
    """Observe that a run is set up and about to begin. Called once a process, so also when a run is resumed.

    Args:
        run: the run; `run.resumed` says whether it goes on from an earlier process.
    """


@hookspec
def aas_clustering_chosen(run: Run) -> None:
    """Observe that `clustering` settings that were "auto" have values. Called once a process, unless all are given.

    Args:
        run: the run; `run.active.clustering` holds the values.
    """


@hookspec(firstresult=True)
def aas_wait_for_answers(run: Run) -> bool | None:
    """Wait until people have answered the questions in the run's `pending.jsonl`.

    Without such a plugin a run ends here, and goes on by `--resume`.

    Args:
        run: the run.

    Returns:
        Whether they are answered; False to end the run, which can be resumed.
    """


@hookspec
def aas_progress(run: Run | None, task: str, done: int, total: int) -> None:
    """Observe how far a long task is. Called often, last with `done == total`, and also before there is a run.

    Args:
        run: the run, or None before there is one.
        task: what is done, such as "reading images".
        done: parts of the task that are done.
        total: all parts of the task.
    """


@hookspec
def aas_epoch_finished(run: Run, report: dict[str, Any]) -> None:
    """Observe what an epoch gave. Called after every epoch, before its checkpoint is written.

    Args:
        run: the run.
        report: `epoch`, its losses and other scalars, `clusters`, `noise` and `seconds`; where individuals are known
            also `ARI`, `pairwise_precision` and `pairwise_recall` of the labels that were trained on, and `ARI_raw` and
            so on of the method's own.
    """


@hookspec
def aas_cycle_finished(run: Run, report: dict[str, Any]) -> None:
    """Observe what a cycle gave. Called after its last epoch, and for cycle 0, the state before any question.

    Args:
        run: the run.
        report: `cycle`, `epoch`, the questions, the answers, the clusters, the evaluation, and `seconds` by stage.
            `ARI_before` and `ARI_after` are of the labels of the epoch that asked, without and with the new answers,
            `ARI_raw` and `ARI` of the last epoch's, the method's own and those that were trained on. `check.*` compares
            the model with the untrained one on answers.
    """


@hookspec
def aas_run_finished(run: Run, outcome: str) -> None:
    """Observe how a run ended. Called when all is done, and when it has to wait for people.

    Args:
        run: the run.
        outcome: "finished", or "waiting" for answers of people.
    """


@hookspec
def aas_run_failed(run: Run, error: BaseException) -> None:
    """Observe that a run failed or was interrupted. The checkpoint of the last whole epoch is on disk.

    Args:
        run: the run.
        error: what was raised.
    """
