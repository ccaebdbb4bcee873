"""MLflow as an observer: as a run goes on, its MLflow run is brought level with its folder."""

from __future__ import annotations

import os
import shlex
import time
import warnings
from pathlib import Path
from typing import Any

from aas_plugin.hookspecs import hookimpl
from aas_plugin.runs.run import Run
from aas_plugin.tracking.level import NotLevelError, StoreRun, open_run, reason
from aas_plugin.tracking.records import read_records
from aas_plugin.tracking.store import sqlite_file, tracking_uri, without_password

__all__ = ["MlflowObserver", "tracking_uri"]

PATIENCE = 45.0
"""Seconds that a run waits in all for a server that does not answer; later it is asked once more, at the end."""

WORDS = {"params": "settings", "data": "inputs", "status": "its status", "model": "its model"}


class MlflowObserver:
    """Logs one run.

    What cannot be logged is tried again at the next cycle and at the end; the run goes on, and what the store then
    lacks is told with the command that mends it.
    """

    def __init__(self, root: Path, loads: str = "") -> None:
        """`root` keeps runs and the SQLite store; `loads` are the flags of the run's plugins, with a blank before."""
        self.root = root
        self.uri = tracking_uri(root)
        self.loads = loads
        self.run_id: str | None = None
        self._experiment_id: str | None = None
        self._store_run: StoreRun | None = None
        self._store_file: int | None = None
        self._monitor: Any = None
        self._away = False
        self._lost = 0.0

    def where_to_look(self) -> str:
        """The address of the run's page, and the command that serves it where there is no server yet.

        "" for a run that the store has nothing of.
        """
        if self._away and self.run_id is None:
            return ""
        page = f"#/experiments/{self._experiment_id}/runs/{self.run_id}" if self._experiment_id else ""
        if self.uri.startswith("http"):
            return f"{without_password(self.uri)}/{page}"
        if self.uri.startswith("databricks"):
            return f"experiment {self._experiment_id}, run {self.run_id} in Databricks"
        shown = without_password(self.uri)
        store = shlex.quote(shown) if "***" not in shown else '"$MLFLOW_TRACKING_URI"'
        return f"mlflow ui --backend-store-uri {store}, then http://127.0.0.1:5000/{page}"

    @hookimpl
    def aas_run_started(self, run: Run) -> None:
        """Open the run's MLflow run, or that of its earlier process, and log settings, data and what is there."""
        self._level(run)

    @hookimpl
    def aas_clustering_chosen(self, run: Run) -> None:
        """Log the values that were chosen beside the settings, which say "auto"."""
        self._level(run, "params")

    @hookimpl
    def aas_epoch_finished(self, run: Run, report: dict[str, Any]) -> None:
        """Log losses and what else the method tells of an epoch, with the epoch as step."""
        self._level(run, "metrics")

    @hookimpl
    def aas_cycle_finished(self, run: Run, report: dict[str, Any]) -> None:
        """Log all numbers of a cycle, with the cycle as step, and its files."""
        self._away = self._lost > PATIENCE
        self._level(run)

    @hookimpl
    def aas_run_finished(self, run: Run, outcome: str) -> None:
        """Log what is left and close the run; one that waits for people stays open as SCHEDULED."""
        self._finish(run)

    @hookimpl
    def aas_run_failed(self, run: Run, error: BaseException) -> None:
        """Close the run as FAILED with the error, or as KILLED when it was interrupted."""
        self._finish(run)

    def _level(self, run: Run, *only: str) -> None:
        """Log what is missing, unless the store was away since the last cycle."""
        if self._away:
            return
        started = time.monotonic()
        try:
            self._log(run, *only)
        except Exception as error:
            self._away = True
            self._lost += time.monotonic() - started
            warnings.warn(
                f"MLflow at {without_password(self.uri)} takes nothing ({_reason(error)}); the run goes on, and what "
                "is missing there is logged as soon as it can be: everything is in the run's folder",
                stacklevel=2,
            )

    def _log(self, run: Run, *only: str) -> None:
        try:
            store_run = self._opened(run)
            store_run.level(read_records(run.folder, alive=True), only)
        except Exception:
            # Opened again, it is read again: it may be another store by then.
            self._store_run = None
            raise

    def _opened(self, run: Run) -> StoreRun:
        file = sqlite_file(self.uri)
        if file is not None and self._store_file not in (None, _number(file)):
            # The file was removed. MLflow keeps it open by this name, so it is given another one of the same place.
            self.uri = f"sqlite:///{file.parent}/./{file.name}"
            self._store_run = None
        if self._store_run is None:
            records = read_records(run.folder, alive=True)
            found, note = open_run(self.uri, self.root, run.folder, records, run.settings.tracking.experiment)
            self._store_run, self._store_file = found, None if file is None else _number(file)
            self.run_id, self._experiment_id = found.run_id, found.experiment_id
            if note is not None:
                warnings.warn(f"MLflow at {without_password(self.uri)}: {note}", stacklevel=2)
            if run.settings.tracking.system_metrics and self._monitor is None:
                self._watch_system(run.resumed)
        return self._store_run

    def _watch_system(self, resumed: bool) -> None:
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        self._monitor = SystemMetricsMonitor(self.run_id, resume_logging=resumed, tracking_uri=self.uri)
        self._monitor.start()

    def _finish(self, run: Run) -> None:
        if self._monitor is not None:
            self._monitor.finish()
        failed: Exception | None = None
        for _ in range(2 if self._lost <= PATIENCE else 1):  # the second time, what only failed for a moment is there
            try:
                # Read again, so that it is known, not believed, to be level.
                self._store_run = None
                self._log(run)
                return
            except Exception as error:
                failed = error
        assert failed is not None
        lacking = [WORDS.get(part, part) for part in failed.lacking] if isinstance(failed, NotLevelError) else []
        what = f"does not have all of this run's {_listed(lacking)}" if lacking else "does not have all of this run"
        command = f"aas log{self.loads} {shlex.quote(run.name)}"
        warnings.warn(
            f"MLflow at {without_password(self.uri)} {what} ({_reason(failed)}); once that is mended, bring it level "
            f"with the run's folder by {command}",
            stacklevel=2,
        )


def _reason(error: Exception) -> str:
    return error.reason if isinstance(error, NotLevelError) else reason(error)


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _number(file: Path) -> int | None:
    """What tells a file from another one of the same name; None where there is none."""
    try:
        return os.stat(file).st_ino
    except OSError:
        return None
