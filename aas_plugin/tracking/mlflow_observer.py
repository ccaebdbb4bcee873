"""MLflow as an observer: parameters, metrics by cycle and epoch, data, answers and proposals of a run."""

from __future__ import annotations

import getpass
import json
import logging
import math
import os
import shlex
import sqlite3
import tempfile
import time
import warnings
from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from aas_plugin.files import write_json
from aas_plugin.hookspecs import hookimpl
from aas_plugin.runs.outcome import outcome_in_words
from aas_plugin.runs.run import Run

PATIENCE = 45.0
"""Seconds that a run waits in all for a server that does not answer; later it is asked once more, at the end."""

STATUS = {"finished": "FINISHED", "waiting": "SCHEDULED"}


def tracking_uri(root: Path) -> str:
    """`MLFLOW_TRACKING_URI`, or an SQLite store in `root` by its absolute path."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root.resolve() / 'mlflow.db'}"


class MlflowObserver:
    """Logs one run.

    What cannot be logged, because the server is away, waits in order and is tried again at the next cycle and
    at the end; the run goes on, and all of it is in the run's folder too.
    """

    def __init__(self, root: Path, git_commit: str | None = None) -> None:
        self.root = root
        self.uri = tracking_uri(root)
        self.git_commit = git_commit
        self.run_id: str | None = None
        self._experiment_id: str | None = None
        self._client: Any = None
        self._monitor: Any = None
        self._queue: deque[Callable[[], None]] = deque()
        self._away = False
        self._lost = 0.0

    def where_to_look(self) -> str:
        """The address of the run's page, and the command that serves it where there is no server yet."""
        page = f"#/experiments/{self._experiment_id}/runs/{self.run_id}" if self._experiment_id else ""
        if self.uri.startswith("http"):
            return f"{self.uri}/{page}"
        return f"mlflow ui --backend-store-uri {shlex.quote(self.uri)}, then http://127.0.0.1:5000/{page}"

    @hookimpl
    def aas_run_started(self, run: Run) -> None:
        """Open the run's MLflow run, or that of its earlier process, and log settings and data."""
        # A server that is away must cost seconds, not the minutes of MLflow's own patience.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        self._do(lambda: self._start(run))

    @hookimpl
    def aas_clustering_chosen(self, run: Run) -> None:
        """Log the values that were chosen beside the settings, which say "auto"."""
        values = run.active.clustering.model_dump()
        self._do(lambda: self._log_params({f"chosen.clustering.{name}": value for name, value in values.items()}))

    @hookimpl
    def aas_epoch_finished(self, run: Run, report: dict[str, Any]) -> None:
        """Log losses and what else the method tells of an epoch, with the epoch as step."""
        scalars = {f"epoch/{name}": value for name, value in report.items() if name != "epoch"}
        self._metrics(scalars, int(report["epoch"]))

    @hookimpl
    def aas_cycle_finished(self, run: Run, report: dict[str, Any]) -> None:
        """Log all numbers of a cycle, with the cycle as step, and its files."""
        scalars = {name: value for name, value in report.items() if name not in ("cycle", "seconds", "epoch")}
        scalars |= {f"seconds/{stage}": value for stage, value in report["seconds"].items()}
        self._away = self._lost > PATIENCE
        self._metrics(scalars, int(report["cycle"]))
        folder = run.folder / "cycles" / f"{report['cycle']:02d}"
        self._do(lambda: self._client.log_artifacts(self.run_id, str(folder), f"cycles/{folder.name}"))

    @hookimpl
    def aas_run_finished(self, run: Run, outcome: str) -> None:
        """Log what is left and close the run; one that waits for people stays open as SCHEDULED."""
        self._finish(run, STATUS[outcome])

    @hookimpl
    def aas_run_failed(self, run: Run, error: BaseException) -> None:
        """Close the run as FAILED with the error, or as KILLED when it was interrupted."""
        text = f"{type(error).__name__}: {error}"
        self._do(lambda: self._client.set_tag(self.run_id, "error", text[:5000]))
        self._finish(run, "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")

    def _start(self, run: Run) -> None:
        from mlflow import MlflowClient

        # Making the tables of a new store is no news to the user.
        for noisy in ("alembic", "mlflow.store.db.utils", "mlflow.system_metrics"):
            logging.getLogger(noisy).setLevel(logging.ERROR)
        _check_store(self.uri)
        client = MlflowClient(self.uri)
        state = run.folder / "mlflow.json"
        saved = json.loads(state.read_text(encoding="utf-8")) if state.exists() else {}
        resumed = bool(saved)
        if saved.get("uri") != self.uri:
            experiment = self._experiment(client, run.settings.tracking.experiment)
            run_id = client.create_run(experiment, run_name=run.name).info.run_id
            saved = {"uri": self.uri, "run_id": run_id}
            write_json(state, saved)
        self.run_id = saved["run_id"]
        client.update_run(self.run_id, status="RUNNING")
        self._experiment_id = client.get_run(self.run_id).info.experiment_id
        # Told apart from the run itself: a store that fails in between is asked again, and this may be repeated.
        if "described" not in saved:
            self._describe(client, run)
            write_json(state, {**saved, "described": True})
        self._client = client
        if run.settings.tracking.system_metrics and self._monitor is None:
            self._watch_system(resumed)

    def _experiment(self, client: Any, name: str) -> str:
        found = client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        # MLflow's own default is relative to the working folder and would move with it.
        artifacts = (self.root.resolve() / "mlartifacts" / name).as_uri() if self.uri.startswith("sqlite") else None
        # Without this tag the UI takes it for an experiment with language models, and hides charts and parameters.
        kind = {"mlflow.experimentKind": "custom_model_development"}
        return str(client.create_experiment(name, artifact_location=artifacts, tags=kind))

    def _describe(self, client: Any, run: Run) -> None:
        from mlflow.entities import Param, RunTag

        params = [Param(key, str(value)[:6000]) for key, value in _flat(run.settings.model_dump(mode="json"))]
        tags = {
            "mlflow.user": _user(),
            "mlflow.source.name": "aas run",
            "mlflow.source.type": "LOCAL",
            "mlflow.source.git.commit": self.git_commit,
            "git_commit": self.git_commit,
            "data_hash": run.data_hash,
            "constraints_hash": run.constraints_hash,
            "run_folder": str(run.folder.resolve()),
        }
        client.log_batch(self.run_id, params=params, tags=[RunTag(key, value) for key, value in tags.items() if value])
        table = run.catalogue.table
        self._input(client, table, str(run.catalogue.root), run.catalogue.name, run.data_hash, "training")

    def _input(self, client: Any, table: Any, source: str, name: str, digest: str, context: str) -> None:
        """Log a table as an input of the run."""
        import mlflow.data
        from mlflow.entities import DatasetInput, InputTag

        plain = table.astype(object).where(table.notna(), None)
        with warnings.catch_warnings():
            # It says that a folder is one of two things with the same name.
            warnings.filterwarnings("ignore", message="The specified dataset source")
            dataset = mlflow.data.from_pandas(plain, source=source, name=name, digest=digest[:32])  # type: ignore[attr-defined]
        tags = [InputTag("mlflow.data.context", context)]
        client.log_inputs(self.run_id, [DatasetInput(dataset._to_mlflow_entity(), tags)])

    def _answers(self, run: Run) -> None:
        """Log the answers that the run trained on as an input, by the hash that their constraint set has."""
        import pandas as pd

        from aas_plugin.constraints.sets import set_hash

        answers = run.active.log.answers()
        table = pd.DataFrame([asdict(answer) for answer in answers])
        source = str(run.folder.resolve() / "answers.jsonl")
        self._input(self._client, table, source, "answers", set_hash(answers), "answers")

    def _watch_system(self, resumed: bool) -> None:
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        self._monitor = SystemMetricsMonitor(self.run_id, resume_logging=resumed, tracking_uri=self.uri)
        self._monitor.start()

    def _log_params(self, values: dict[str, Any]) -> None:
        from mlflow.entities import Param

        self._client.log_batch(self.run_id, params=[Param(name, str(value)) for name, value in values.items()])

    def _metrics(self, scalars: dict[str, Any], step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [
            Metric(name, float(value), now, step)
            for name, value in scalars.items()
            if isinstance(value, (int, float)) and math.isfinite(value)
        ]
        self._do(lambda: self._client.log_batch(self.run_id, metrics=metrics))

    def _finish(self, run: Run, status: str) -> None:
        self._away = False
        for name in ("answers.jsonl", "config.yaml", "protocol.json", "metrics.json", "traceback.txt"):
            path = run.folder / name
            if path.exists():
                self._do(partial(self._log_artifact, path))
        if run.active.log.answers():
            self._do(lambda: self._answers(run))
        if "codebase" in run.settings.model_fields_set and (run.folder / "checkpoints").is_dir():
            self._do(lambda: self._client.log_artifacts(self.run_id, str(run.folder / "checkpoints"), "checkpoints"))
        if (run.folder / "plots").is_dir():
            self._do(lambda: self._client.log_artifacts(self.run_id, str(run.folder / "plots"), "plots"))
        if self._monitor is not None:
            self._monitor.finish()
        self._do(lambda: self._client.set_terminated(self.run_id, status))
        if status == "FINISHED":
            self._do(lambda: self._outcome(run))
        if status == "FINISHED" and (run.folder / "model.pt").exists():
            self._do(lambda: self._log_model(run))
        if self._queue and self._lost <= PATIENCE:
            # The last moment: what failed just now is tried once more.
            self._away = False
            self._do(lambda: None)

    def _outcome(self, run: Run) -> None:
        """Tag the run with the model that is kept and why, to be searched and read beside its numbers."""
        summary = json.loads((run.folder / "metrics.json").read_text(encoding="utf-8"))
        told = {"kept": summary.get("kept"), "kept_because": summary.get("kept_because")}
        for key, value in {**told, "outcome": outcome_in_words(summary)}.items():
            if value:
                self._client.set_tag(self.run_id, key, value)

    def _log_model(self, run: Run) -> None:
        """Log the run's portable model, once, with signature and an example; without touching MLflow's globals."""
        state = run.folder / "mlflow.json"
        saved = json.loads(state.read_text(encoding="utf-8"))
        if "model_id" in saved:
            return
        begun = saved.get("model_begun")
        from mlflow.entities import LoggedModelOutput

        from aas_plugin.tracking.mlflow_model import write_model

        experiment = self._client.get_run(self.run_id).info.experiment_id
        if begun is None:
            begun = self._client.create_logged_model(
                experiment, name="model", source_run_id=self.run_id, model_type="embedding"
            ).model_id
            write_json(state, {**saved, "model_begun": begun})
        with tempfile.TemporaryDirectory() as scratch:
            write_model(run.folder / "model.pt", Path(scratch) / "model", begun, self.run_id)
            self._client.log_model_artifacts(begun, str(Path(scratch) / "model"))
        self._client.finalize_logged_model(begun, "READY")
        self._client.log_outputs(self.run_id, [LoggedModelOutput(begun, step=run.cycle)])
        write_json(state, {**saved, "model_id": begun})

    def _log_artifact(self, path: Path) -> None:
        self._client.log_artifact(self.run_id, str(path))

    def _do(self, action: Callable[[], None]) -> None:
        self._queue.append(action)
        if self._away:
            return
        started = time.monotonic()
        try:
            while self._queue:
                self._queue[0]()
                self._queue.popleft()
        except Exception as error:
            self._away = True
            self._lost += time.monotonic() - started
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            warnings.warn(
                f"MLflow at {self.uri} takes nothing ({reason}); the run goes on, {len(self._queue)} entries wait, "
                "and everything is in the run's folder as well",
                stacklevel=2,
            )


def _check_store(uri: str) -> None:
    """Raise `OSError` at once for an SQLite store that takes nothing; MLflow itself would try for minutes."""
    if not uri.startswith("sqlite:///"):
        return
    try:
        with closing(sqlite3.connect(uri.removeprefix("sqlite:///"), timeout=10)) as store:
            store.execute("begin immediate")
            store.rollback()
    except sqlite3.Error as error:
        raise OSError(f"the store cannot be written: {error}") from error


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without an entry for its user
        return "unknown"


def _flat(tree: dict[str, Any], path: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in tree.items():
        name = f"{path}.{key}" if path else key
        rows += _flat(value, name) if isinstance(value, dict) else [(name, value)]
    return rows
