"""What a run shows in a terminal: progress bars, one row a cycle, a summary."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from aas_plugin.hookspecs import hookimpl
from aas_plugin.runs.outcome import kept_in_words, outcome_in_words, unmeasured_in_words
from aas_plugin.runs.run import NativeRun, Run

COLUMNS = (
    ("cycle", "cycle", 5),
    ("asked", "asked", 7),
    ("asked_total", "total", 7),
    ("must_links", "must", 6),
    ("cannot_links", "cannot", 8),
    ("clusters", "clusters", 10),
    ("ARI_before", "before", 9),
    ("ARI_after", "after", 7),
    ("ARI_raw", "method's", 11),
    ("ARI", "repaired", 10),
    ("mAP", "mAP", 8),
    ("top1", "top-1", 7),
    ("BAKS", "BAKS", 7),
    ("AUC_ROC", "AUC", 7),
)
GROUPS = ((43, ""), (16, "ARI when asked"), (21, "ARI at the end"))
"""What stands above the columns: the width of each group, and its words."""

FEW = 20
"""Questions a cycle below which a share of all pairs is called few."""


class Terminal:
    """Shows a run; bars appear only for what takes long, and only where somebody looks."""

    def __init__(
        self,
        console: Console,
        where_to_look: Callable[[], str] | None = None,
        resume_command: str = "aas run --resume",
    ) -> None:
        """`where_to_look` is told at the end; `resume_command` goes on with the run, once its name is added."""
        self.console = console
        self.resume_command = resume_command
        self.where_to_look = where_to_look
        self.started = time.monotonic()
        self._since = self.started
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    @hookimpl
    def aas_run_started(self, run: Run) -> None:
        """Say what is run on what, and head the table."""
        data = run.catalogue.describe()

        def say(text: str, style: str | None = None) -> None:
            # A line that is piped into a file stays one line.
            self.console.print(text, style=style, soft_wrap=True)

        say(
            f"[bold]{escape(run.name)}[/bold]  {escape(run.settings.adapter.name)} on "
            f"{escape(run.catalogue.name)}: {data['images']} images of {data['individuals']} individuals, "
            f"{len(run.train)} to train on, {run.device.type}"
        )
        say(
            f"{run.epochs} epochs, sampler {escape(run.settings.sampler.name)}, at most "
            f"{run.active.budget} of {run.active.all_pairs:,} pairs a cycle; folder {escape(str(run.folder))}"
        )
        share = run.settings.active.budget
        if 0 < share < 1 and run.active.budget < FEW and run.settings.sampler.name != "none":
            say(
                f"[yellow]{share:g} of all pairs are few questions for so few photos; --set active.budget=100 allows "
                "100 a cycle[/yellow]"
            )
        if run.active.log.damaged:
            say(f"[yellow]{escape(run.active.log.damaged)}[/yellow]")
        if run.state.get("shims"):
            say(f"shims: {', '.join(run.state['shims'])} (aas plugins --shims says why)")
        answers = run.active.log.answers()
        imported = sum(answer.cycle == 0 for answer in answers)
        if imported and not run.resumed:
            say(f"begins with {imported} answers of {escape(str(run.settings.active.constraints))}")
        if run.resumed:
            say(f"going on with {len(answers)} answers")
        if not self._chooses_clustering(run):
            self._head()

    @hookimpl
    def aas_clustering_chosen(self, run: Run) -> None:
        """Say how the run clusters, and head the table."""
        chosen = run.active.clustering
        self.console.print(
            f"clustering that fits the untrained features: k1 {chosen.k1}, k2 {chosen.k2}, eps {chosen.eps:g}, "
            f"min_samples {chosen.min_samples}",
            soft_wrap=True,
        )
        self._head()

    def _chooses_clustering(self, run: Run) -> bool:
        clustering = getattr(run.settings, "clustering", None)
        return clustering is not None and not clustering.is_fixed

    def _head(self) -> None:
        titles = "".join(title.rjust(width) for _, title, width in COLUMNS) + "  time"
        for line in ("".join(words.rjust(width) for width, words in GROUPS), titles):
            self.console.print(line, style="bold", soft_wrap=True)

    @hookimpl
    def aas_progress(self, run: Run | None, task: str, done: int, total: int) -> None:
        """Move the bar of a task; it goes when the task is done."""
        if not self.console.is_terminal:
            return
        if self._progress is None:
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=self.console,
                transient=True,
            )
            self._progress.start()
        if task not in self._tasks:
            self._tasks[task] = self._progress.add_task(task, total=total)
        self._progress.update(self._tasks[task], completed=done, total=total)
        if done >= total:
            self._progress.remove_task(self._tasks.pop(task))

    @hookimpl
    def aas_cycle_finished(self, run: Run, report: dict[str, Any]) -> None:
        """Print the cycle's row."""
        now = time.monotonic()
        self.console.print(
            "".join(_cell(report.get(key)).rjust(width) for key, _, width in COLUMNS) + f"  {now - self._since:.0f} s",
            soft_wrap=True,
        )
        self._since = now

    # Before MLflow and the page, which take seconds to close.
    @hookimpl(tryfirst=True)
    def aas_run_finished(self, run: Run, outcome: str) -> None:
        """Print what came of it and where to look."""
        self.close()
        if outcome == "waiting":
            answer = escape(f"aas annotate {shlex.quote(run.name)}")
            self.console.print(
                f"Waiting for answers to the questions in {escape(str(run.folder / 'pending.jsonl'))}: give them by "
                f"[bold]{answer}[/bold], then go on with [bold]{self._go_on(run)}[/bold]",
                soft_wrap=True,
            )
            return
        # From the file: a run that was resumed showed its first cycles in another process.
        summary = json.loads((run.folder / "metrics.json").read_text(encoding="utf-8"))
        change = f"mAP {_cell(summary['mAP'])} with " if "mAP" in summary else ""
        if change and "untrained.mAP" in summary:
            change = f"mAP {_cell(summary['untrained.mAP'])} untrained -> {_cell(summary['mAP'])} trained, with "
        self.console.print(
            f"Done in {time.monotonic() - self.started:.0f} s: {change}{summary['asked_total']} answers "
            f"({summary['asked_share']:.2%} of all pairs); everything is in {escape(str(run.folder))}",
            soft_wrap=True,
        )
        words = outcome_in_words(summary)
        if words:
            self.console.print(f"[yellow]{escape(words)}[/yellow]", soft_wrap=True)
        elif kept_in_words(summary):
            self.console.print(escape(kept_in_words(summary)), soft_wrap=True)
        if isinstance(run, NativeRun) and _cell(summary.get("mAP")) == "-":
            known = run.catalogue.table["identity"].astype(object)
            of_photos = known.where(known.notna(), None)
            of_test = of_photos.drop(of_photos.index[run.catalogue.rows_of("train")])
            self.console.print(unmeasured_in_words(list(of_photos), list(of_test)), style="yellow", soft_wrap=True)
        place = "" if self.where_to_look is None else self.where_to_look()
        if place:
            self.console.print(f"Look at it: [bold]{escape(place)}[/bold]", soft_wrap=True)

    @hookimpl(tryfirst=True)
    def aas_run_failed(self, run: Run, error: BaseException) -> None:
        """Take the bars away and say how to go on."""
        self.close()
        self.console.print(
            f"[red]The run stopped.[/red] Nothing is lost; go on with [bold]{self._go_on(run)}[/bold]",
            soft_wrap=True,
        )

    def _go_on(self, run: Run) -> str:
        return escape(f"{self.resume_command} --run-name {shlex.quote(run.name)}")

    def close(self) -> None:
        """Take all bars away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
            self._tasks.clear()


def _cell(value: Any) -> str:
    if value is None or value != value:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
