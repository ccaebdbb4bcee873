"""What labelling shows in a terminal: a line a batch, and at the end what there is and what can be done with it."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from typing import Any

from rich.markup import escape

from aas_plugin.active.begun import of_cycles
from aas_plugin.constraints.agreement import MACHINE
from aas_plugin.constraints.answers import Answer
from aas_plugin.files import read_table
from aas_plugin.hookspecs import hookimpl
from aas_plugin.runs.outlook import count_groups, outlook_in_words, read_outlook
from aas_plugin.runs.run import NativeRun, Run
from aas_plugin.tracking.terminal import Terminal

PAUSE = 60.0
"""Seconds between two answers from which on somebody did something else meanwhile (ours)."""

SECONDS = 3.0
"""What a person takes for an answer, where a machine gave it."""


class LabelTerminal(Terminal):
    """Shows a run of `aas label`."""

    @hookimpl
    def aas_run_started(self, run: Run) -> None:
        """Say what is labelled."""
        data = run.catalogue.describe()
        known = f", of {data['individuals']} known individuals" if data["individuals"] else ""
        self._say(f"[bold]{escape(run.name)}[/bold]  {data['images']} photos{known}; folder {escape(str(run.folder))}")
        if run.active.log.damaged:
            self._say(f"[yellow]{escape(run.active.log.damaged)}[/yellow]")
        answers = len(run.active.log.answers())
        if answers:
            begins = "going on" if run.resumed else "begins"
            self._say(f"{begins} with {answers} answers")

    @hookimpl
    def aas_clustering_chosen(self, run: Run) -> None:
        """Say nothing of how it is clustered."""

    @hookimpl
    def aas_cycle_finished(self, run: Run, report: dict[str, Any]) -> None:
        """Say what a batch gave."""
        outlook = read_outlook(run.folder)
        told = f"{report['asked_total']:,} answers: " if report["cycle"] else ""
        if report["cycle"] and not report["proposed"] and not outlook.get("reached"):
            told += "nothing is left to ask. "
        ari = report.get("ARI")
        known = "" if ari is None or ari != ari else f" ARI {ari:.3f}."
        self._say(f"{told}{escape(outlook_in_words(outlook))}{known}")

    # Before MLflow and the page, which take seconds to close.
    @hookimpl(tryfirst=True)
    def aas_run_finished(self, run: Run, outcome: str) -> None:
        """Print what came of it, and what can be done with it."""
        self.close()
        self._say(f"[bold]{escape(summary(run))}[/bold]")
        outlook = read_outlook(run.folder)
        self._say(escape(outlook_in_words(outlook)))
        open_ones = _answered(run) - outlook.get("answers", 0)
        if outcome == "waiting" and open_ones > 0:
            self._say(
                f"[yellow]Names and groups do without the last {_count(open_ones, 'answer')} so far: go on, and "
                "press Finish on the page, to have them counted.[/yellow]"
            )
        self._tell_commands(run, "Go on" if outcome == "waiting" else "Ask more")
        place = "" if self.where_to_look is None else self.where_to_look()
        if place:
            self._say(f"{'Look at it:':<12} [bold]{escape(place)}[/bold]")

    @hookimpl(tryfirst=True)
    def aas_run_failed(self, run: Run, error: BaseException) -> None:
        """Say how to go on."""
        self.close()
        self._say("[red]Stopped.[/red] Every answer is kept.")
        self._tell_commands(run, "Go on")

    def _tell_commands(self, run: Run, go_on: str) -> None:
        """Say what can be done next; where nothing was asked yet, only how to go on."""
        assert isinstance(run, NativeRun)  # no checkout labels
        data = run.settings.dataset
        name, photos = shlex.quote(run.name), str(data.options["path"] if data.name in ("folder", "csv") else data.name)
        commands = [
            (go_on, f"{self.resume_command} --run-name {name}"),
            ("Names", f"aas export {name} -o names.csv"),
            ("How many", f"aas count {name}"),
            ("Train", f"aas constraints export {name} -o answers.csv"),
            ("", f"aas run --dataset {shlex.quote(photos)} --constraints answers.csv"),
        ]
        for what, command in commands if read_outlook(run.folder) else commands[:1]:
            self._say(f"{what and what + ':':<12} [bold]{escape(command)}[/bold]")

    def _say(self, text: str) -> None:
        # A line that is piped into a file stays one line.
        self.console.print(text, soft_wrap=True)


def summary(run: Run) -> str:
    """Photos, groups, single photos, answers and minutes, in a line."""
    tables = list(of_cycles(run.folder, "labels.parquet").values())
    answers = [one for one in run.active.answers() if one.cycle > 0]
    parts = [_count(len(run.train), "photo")]
    if tables:
        groups, single = count_groups(read_table(tables[-1])["label"].to_numpy())
        parts += [_count(groups, "group"), _count(single, "single photo")]
    minutes = minutes_of(answers)
    time = "less than a minute" if minutes < 1 else _count(round(minutes), "minute")
    return ", ".join([*parts, _count(len(answers), "answer"), *([f"{time} of a person"] if answers else [])])


def _answered(run: Run) -> int:
    return sum(one.cycle > 0 for one in run.active.answers())


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def minutes_of(answers: Iterable[Answer]) -> float:
    """How long people were at it: between two answers of a person, unless they paused; 3 s for each of a machine."""
    of: dict[str, list[float]] = defaultdict(list)
    seconds = 0.0
    for answer in answers:
        if answer.annotator.startswith(MACHINE):
            seconds += SECONDS
        else:
            of[answer.annotator].append(datetime.fromisoformat(answer.time).timestamp())
    for times in of.values():
        times.sort()
        gaps = [after - before for before, after in pairwise(times)]
        seconds += sum(gap if gap <= PAUSE else SECONDS for gap in gaps) + SECONDS
    return seconds / 60
