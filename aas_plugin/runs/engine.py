"""A native run: the loop over epochs around the step. It knows hooks, and no method, tracker or page."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np

from aas_plugin.clustering.jaccard import JaccardGraph
from aas_plugin.errors import AasError
from aas_plugin.evaluation.protocol import choose_protocol, evaluate
from aas_plugin.hookspecs import hookimpl
from aas_plugin.models.portable import UNTRAINED, save_kept, save_model
from aas_plugin.runs.answer_check import AnswerCheck, best_cycle, choose
from aas_plugin.runs.checkpoint import keep_best, load_checkpoint, save_checkpoint
from aas_plugin.runs.choosing import choose_clustering
from aas_plugin.runs.history import History
from aas_plugin.runs.outcome import NOTHING_TRAINED
from aas_plugin.runs.run import NativeRun


class WaitingForAnswers(Exception):
    """Questions lie in the run's `pending.jsonl`; the run can go on when they are answered."""


class ActiveLabels:
    """Active learning around any method's pseudo-labels: in what comes out, every answer holds.

    Attributes:
        history: is told what the method took, and what was asked.
        check: compares models on the answers.
        tell_bare: is told the method's own labels of epoch 0, int64 (N,), before any question.
    """

    def __init__(self, history: History, check: AnswerCheck, tell_bare: Callable[[np.ndarray], None]) -> None:
        self.history = history
        self.check = check
        self.tell_bare = tell_bare

    # The outermost wrapper: what it returns is trained on.
    @hookimpl(wrapper=True, tryfirst=True)
    def aas_pseudo_labels(
        self, run: NativeRun, features: np.ndarray, graph: JaccardGraph
    ) -> Generator[None, np.ndarray, np.ndarray]:
        """Take the step on what the method returns.

        Args:
            run: the run.
            features: float32 (N, D), L2-normalised rows.
            graph: distances between these N images.

        Returns:
            int64 (N,), in which every answer holds; -1 for an un-clustered image.

        Raises:
            WaitingForAnswers: people have to answer first.
        """
        started = time.perf_counter()
        labels = yield
        self.history.add_seconds("pseudo_labels", time.perf_counter() - started)
        if labels is None:
            return labels
        self.history.raw = labels
        if run.epoch == 0:
            self.tell_bare(labels)
        result = run.active.step(features, labels, epoch=run.epoch, graph=graph)
        if result.waiting:
            raise WaitingForAnswers
        if result.report is not None:
            since = self.check.since(run.cycle) if run.cycle > 1 else {}
            self.history.asked({**result.report, **since}, run.cycle, graph, result.labels)
        return result.labels


class Engine:
    """Runs what `set_up` made ready, from its last checkpoint or from the start.

    Attributes:
        run: the run.
        hook: calls the hooks of its plugins.
        history: its reports.
        check: compares the model with the untrained one on answers.
        schedule: which epochs begin a cycle.
        trains: whether the method changes the model; not one whose attribute `trains` is False.
        protocol: how it is evaluated; there once it is executed.
    """

    def __init__(self, run: NativeRun) -> None:
        self.run = run
        self.hook = run.plugins.hook
        self.history = History(run)
        adapter = run.plugins.get_plugin(f"{run.settings.adapter.name} (adapter)")
        self.trains = bool(getattr(adapter, "trains", True))
        self.check = AnswerCheck(
            run, lambda rows: self._need(self.hook.aas_embed(run=run, rows=rows), "aas_embed"), self.trains
        )
        self.schedule = run.active.schedule
        self._last: tuple[np.ndarray, JaccardGraph] | None = None

    def execute(self) -> str:
        """Run to the end, or until people have to answer.

        On an error or an interruption observers are told, and it is raised; the last checkpoint stands.

        Returns:
            "finished", or "waiting" when people have to answer first.
        """
        outcome: Literal["finished", "waiting"]
        try:
            with _reproducible():
                self._execute()
            outcome = "finished"
        except WaitingForAnswers:
            outcome = "waiting"
        except BaseException as error:
            self.run.tell_failed(error)
            raise
        self.run.tell_end(outcome)
        return outcome

    def _execute(self) -> None:
        run = self.run
        state = load_checkpoint(run.folder / "checkpoints", run.device) if run.resumed else None
        run.resumed = state is not None
        run.tell_start()
        self._need(self.hook.aas_setup(run=run), "aas_setup")
        untrained = self.check.untrained
        if self.trains and not (run.folder / UNTRAINED).exists():
            save_model(run, UNTRAINED)
        self.protocol = choose_protocol(run, lambda: untrained)
        run.plugins.register(ActiveLabels(self.history, self.check, self._before_any_question), name="active learning")
        first = 0
        if state is not None:
            choose_clustering(run, None)
            self._need(self.hook.aas_load_state(run=run, state=state["adapter"]), "aas_load_state")
            first = int(state["epoch"]) + 1
            history = self.history
            history.asking, history.seconds, history.epochs = state["asking"], state["seconds"], state["losses"]
            history.read_cycles(first)
            self._keep_best()
        epoch, over = first, first > 0 and self._is_over(first - 1)
        while epoch < run.epochs and not over:
            self._epoch(epoch)
            over = self._is_over(epoch)
            epoch += 1
        self.history.write_summary(**{"best.cycle": best_cycle(self.history.cycles)["cycle"], **self._keep_model()})

    def _is_over(self, epoch: int) -> bool:
        """Whether a plugin ends the run after this epoch, which is the last one of a cycle."""
        if not self.schedule.begins(epoch + 1):
            return False
        return bool(self.hook.aas_stop(run=self.run, report=self.history.cycles[-1]))

    def _keep_model(self) -> dict[str, str | None]:
        """Write `model.pt`; gives which model it is, and why."""
        run, cycles = self.run, self.history.cycles
        if not self.trains:
            save_model(run)
            return {"kept": "untrained", "kept_because": NOTHING_TRAINED, "trained_model": None}
        verdict = next((report["gate_verdict"] for report in cycles if "gate_verdict" in report), None)
        kept, why = choose(cycles[-1], verdict)
        return {"kept": kept, "kept_because": why, "trained_model": save_kept(run, kept)}

    def _before_any_question(self, labels: np.ndarray) -> None:
        """Cycle 0: what the method makes of the untrained features by itself."""
        self.run.cycle = 0
        self._finish_cycle(0, labels)
        self.run.cycle = self.schedule.cycle_of(0)
        self.history.begin_cycle()

    def _epoch(self, epoch: int) -> None:
        run = self.run
        if not (run.folder / "config.yaml").exists():
            raise AasError(
                f"{run.folder} vanished, or its config.yaml, while the run was at work; put it back as it was and go "
                "on with --resume"
            )
        run.epoch = epoch
        started = time.perf_counter()
        timed = self.history.timed
        run.cycle = self.schedule.cycle_of(epoch)
        if self.schedule.begins(epoch):
            self.history.begin_cycle()
        with timed("features"):
            features = self._need(self.hook.aas_features(run=run), "aas_features")
        if epoch == 0:
            choose_clustering(run, features)
        with self._clustering() as progress, timed("graph"):
            # Features that are the very same array need no new graph.
            if self._last is None or self._last[0] is not features:
                self._last = None
                self._last = features, run.active.graph(features, progress)
            graph = self._last[1]
        labels = self._need(self.hook.aas_pseudo_labels(run=run, features=features, graph=graph), "aas_pseudo_labels")
        before = self.history.epochs
        if self.trains and labels.max(initial=-1) == -1 and (not before or before[-1]["clusters"] > 0):
            clustering = run.active.clustering
            warnings.warn(
                f"no cluster was found in epoch {epoch}: raise clustering.eps (now {clustering.eps:g}) or lower "
                f"clustering.min_samples (now {clustering.min_samples}), or the method learns little",
                stacklevel=1,
            )
        with timed("train"):
            losses = self._need(self.hook.aas_train_epoch(run=run, features=features, labels=labels), "aas_train_epoch")
        self.history.finish_epoch(labels, losses, time.perf_counter() - started)
        ends = self.schedule.begins(epoch + 1) or epoch + 1 == run.epochs
        if ends:
            self._finish_cycle(run.cycle, labels)
        state = self._need(self.hook.aas_save_state(run=run), "aas_save_state")
        save_checkpoint(
            run.folder / "checkpoints",
            epoch,
            {
                "adapter": state,
                "asking": self.history.asking,
                "seconds": self.history.seconds,
                "losses": self.history.epochs,
            },
        )
        if ends:
            self._keep_best()

    def _keep_best(self) -> None:
        """Keep the checkpoint of the cycle that is best by answers so far; never by the evaluation."""
        best = best_cycle(self.history.cycles)
        if best["cycle"]:
            keep_best(self.run.folder / "checkpoints", best["epoch"])

    def _finish_cycle(self, cycle: int, labels: np.ndarray) -> None:
        with self.history.timed("evaluate"):
            metrics = evaluate(self.run, self.protocol)
            told = self.check.learned(cycle) if cycle else {}
        self.history.finish_cycle(cycle, labels, {**metrics, **told})

    def _need(self, result: Any, hook: str) -> Any:
        if result is None:
            raise AasError(f"the adapter {self.run.settings.adapter.name!r} implements no {hook}, or it returned None")
        return result

    @contextmanager
    def _clustering(self) -> Iterator[Callable[[int, int], None]]:
        """Show a bar that is full when the block ends; the first of all runs also compiles."""
        report = self.run.progress("clustering")
        yield lambda done, total: report(done, total + 1)
        report(1, 1)


@contextmanager
def _reproducible() -> Iterator[None]:
    """Make torch choose deterministic algorithms inside the block, where there are any."""
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    benchmark = torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.backends.cudnn.benchmark = benchmark
