"""The page beside a run: it opens when the run first waits for people, and the run goes on when they have answered."""

from __future__ import annotations

import time
import webbrowser
from typing import TYPE_CHECKING

from aas_plugin.annotator.lock import AnsweredElsewhere
from aas_plugin.annotator.opening import open_page, questions
from aas_plugin.hookspecs import hookimpl
from aas_plugin.oracles.people import PeopleOptions

if TYPE_CHECKING:
    from rich.console import Console

    from aas_plugin.annotator.queue import QuestionQueue
    from aas_plugin.annotator.serving import Serving
    from aas_plugin.runs.run import Run

SECONDS = 0.3
GOODBYE = 2.5
"""Seconds in which a page that is open asks once how the run stands."""


class PageOfRun:
    """Shows a run's questions to people, and waits for their answers.

    Args:
        console: to say on where the page is.
        host: address to listen at.
        port: to listen at; None for the first that is free.
        browser: whether to open it here.
        finish: whether people may end the run there.
    """

    def __init__(self, console: Console, host: str, port: int | None, browser: bool, finish: bool = False) -> None:
        self._console = console
        self._host, self._port, self._browser, self._finish = host, port, browser, finish
        self._open: tuple[QuestionQueue, Serving] | None = None
        self._elsewhere: QuestionQueue | None = None

    @hookimpl
    def aas_wait_for_answers(self, run: Run) -> bool:
        """Wait until nothing is left to answer; Ctrl-C ends the run, which can be resumed.

        Where the questions are being answered already, by `aas annotate` such as for a run that ended to wait, that is
        what it waits for: hours of training are not lost to a page that somebody forgot.
        """
        try:
            try:
                is_new = self._open is None
                queue, where = self._queue(run), f"on {self._url}"
            except AnsweredElsewhere as error:
                queue, where = self._only_questions(run), f"({error})"
            left = queue.left()
            # Of batch after batch the address is told once.
            if left and (is_new or not self._finish):
                self._console.print(f"{questions(left)} to answer {where}", soft_wrap=True)
            while queue.left() and not queue.finishing:
                time.sleep(SECONDS)
        except KeyboardInterrupt:
            self._console.print("Stopping; all answers are kept.")
            return False
        return not queue.finishing

    @hookimpl
    def aas_stop(self) -> bool | None:
        """End the run where somebody said so on the page."""
        return (self._open is not None and self._open[0].finishing) or None

    @hookimpl
    def aas_run_finished(self, run: Run, outcome: str) -> None:
        """Close the page."""
        self._close(GOODBYE if outcome == "finished" else 0.0)

    @hookimpl
    def aas_run_failed(self, run: Run, error: BaseException) -> None:
        """Close the page."""
        self._close(0.0)

    @property
    def _url(self) -> str:
        return "" if self._open is None else self._open[1].url

    def _only_questions(self, run: Run) -> QuestionQueue:
        from aas_plugin.annotator.queue import QuestionQueue

        self._elsewhere = self._elsewhere or QuestionQueue(run.folder, root=run.catalogue.root)
        return self._elsewhere

    def _queue(self, run: Run) -> QuestionQueue:
        if self._open is None:
            options = PeopleOptions(**run.settings.oracle.options)
            self._open = open_page(
                run.folder,
                run.catalogue.root,
                options,
                go_on=None,
                host=self._host,
                port=self._port,
                seed=run.settings.seed,
                finish=self._finish,
            )
            if self._browser:
                webbrowser.open(self._url)
        return self._open[0]

    def _close(self, goodbye: float) -> None:
        if self._open is not None:
            time.sleep(goodbye)
            self._open[1].stop()
            self._open = None
