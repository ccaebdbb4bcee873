"""Every hook of aas-plugin: what it is for, when it is called, what it may return.

A plugin is a module or object with functions marked `@hookimpl`. Three kinds of hooks exist: registration
(called once, when plugins are loaded), method seams (the first result that is not None wins; they are called
on the adapter, sampler and oracle chosen for the run) and observers (all are called; an error in one is
reported and stops nothing else).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd
    from torch import nn

    from aas_plugin.active.questions import Question
    from aas_plugin.clustering.jaccard import JaccardGraph
    from aas_plugin.plugins.registry import Registry
    from aas_plugin.runs.run import NativeRun, Run
    from aas_plugin.sampling.proposal import KnownPairs
    from aas_plugin.sampling.views import Views

hookspec = pluggy.HookspecMarker("aas_plugin")
hookimpl = pluggy.HookimplMarker("aas_plugin")


# Registration


@hookspec
def aas_register(registry: Registry) -> None:
    """Register adapters, samplers, oracles, data sources and backbones by name. Called once, at loading."""


# Method seams


@hookspec(firstresult=True)
def aas_setup(run: NativeRun) -> bool | None:
    """Build the model, memory and optimiser on `run.device`. Called once, before anything else.

    Return True when it is done.
    """


@hookspec(firstresult=True)
def aas_embed(run: NativeRun, rows: np.ndarray) -> np.ndarray | None:
    """Embed catalogue rows, int64 `(n,)`, with the current model in evaluation mode.

    Return float32 `(n, D)` with L2-normalised rows. Called for evaluation, at every cycle.
    """


@hookspec(firstresult=True)
def aas_features(run: NativeRun) -> np.ndarray | None:
    """Give the features of `run.train` that this epoch's clustering sees. Called once an epoch, first.

    Return float32 `(N, D)` with L2-normalised rows, in the order of `run.train`.
    """


@hookspec(firstresult=True)
def aas_pseudo_labels(run: NativeRun, features: np.ndarray, graph: JaccardGraph) -> np.ndarray | None:
    """Turn this epoch's features and their k-reciprocal graph into pseudo-labels. Called once an epoch.

    Return int64 `(N,)`, -1 for an un-clustered image. Active learning wraps this hook: whatever is returned
    comes out satisfying every answer.
    """


@hookspec(firstresult=True)
def aas_train_epoch(run: NativeRun, features: np.ndarray, labels: np.ndarray) -> dict[str, float] | None:
    """Train one epoch on `labels`, int64 `(N,)`, -1 for un-clustered. Called after `aas_pseudo_labels`.

    `features`, float32 `(N, D)`, are those of `aas_features` that were clustered. Return the epoch's mean losses
    and other scalars by name.
    """


@hookspec(firstresult=True)
def aas_save_state(run: NativeRun) -> dict[str, Any] | None:
    """Give all that is needed to go on after this epoch, as tensors, numbers, strings and containers of them.

    Called after every epoch, for the checkpoint.
    """


@hookspec(firstresult=True)
def aas_load_state(run: NativeRun, state: dict[str, Any]) -> bool | None:
    """Take back what `aas_save_state` gave. Called after `aas_setup` when a run is resumed. Return True."""


@hookspec(firstresult=True)
def aas_model(run: NativeRun) -> nn.Module | None:
    """Give the trained embedding module, to be kept beside the run. Called once, after the last epoch.

    It takes float32 `(B, 3, H, W)` on `run.device`, normalised by its attributes `mean` and `std`, or by ImageNet's
    where it has none, and returns float32 `(B, D)` with L2-normalised rows: those of `aas_embed`. A method that
    leaves this hook out keeps no model.
    """


@hookspec(firstresult=True)
def aas_select_pairs(
    views: Views, known: KnownPairs, budget: int, rng: np.random.Generator, run: Run | None
) -> pd.DataFrame | None:
    """Choose at most `budget` of the pairs of N training images to ask about. Called at the start of every cycle.

    `known(pairs)` tells of pairs, int64 `(P, 2)`, which need no question, bool `(P,)`; those must not be chosen.
    `rng` is the generator to draw from, the same after a resume. `run` is None where somebody else's loop calls
    `ActiveLearner`: a sampler that leaves it out works everywhere. Return a table with int64 columns `u < v`
    (positions in the training set), a text column `kind`, and any others worth keeping, in asking order; numbers in
    its `attrs` are told in the cycle's report as `sampler.NAME`.
    """


@hookspec(firstresult=True)
def aas_answer(
    question: Question, identities: Sequence[str | None] | np.ndarray | None, seed: int, run: Run | None
) -> str | None:
    """Answer one question with "same", "different" or "cannot_tell"; None means: not answered yet.

    `identities` are the individuals of the N training images, None where unknown; None altogether where nobody
    knows any. `seed` is that of the run. `run` is None where somebody else's loop calls `ActiveLearner`. Called for
    one pair at a time, since each answer can make a later question superfluous. When any question of a cycle is left
    without an answer the run saves itself and ends, to be resumed. An oracle that is no person has an attribute
    `machine = True`: its answers depend on nothing but the arguments, and are written in batches.
    """


# Observers


@hookspec
def aas_run_started(run: Run) -> None:
    """Tell that a run is set up (also when resumed) and is about to begin. Called once a process."""


@hookspec
def aas_progress(run: Run | None, task: str, done: int, total: int) -> None:
    """Tell how far a long task is, also before there is a run. Called often, last with `done == total`."""


@hookspec
def aas_epoch_finished(run: Run, report: dict[str, Any]) -> None:
    """Tell what an epoch gave: `epoch`, its losses and seconds. Called before its checkpoint is written."""


@hookspec
def aas_cycle_finished(run: Run, report: dict[str, Any]) -> None:
    """Tell what a cycle gave: questions, answers, clusters, evaluation. Cycle 0 is the state before any."""


@hookspec
def aas_run_finished(run: Run, outcome: str) -> None:
    """Tell that a run came to its end ("finished") or waits for answers of people ("waiting")."""


@hookspec
def aas_run_failed(run: Run, error: BaseException) -> None:
    """Tell that a run failed or was interrupted. The checkpoint of the last whole epoch is on disk."""
