"""Bringing an MLflow run level with what the run's folder holds."""

from __future__ import annotations

import hashlib
import json
import math
import posixpath
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aas_plugin.files import json_if_readable, write_json
from aas_plugin.runs.status import Status
from aas_plugin.tracking.records import Input, Records, Scalar, as_json
from aas_plugin.tracking.store import find_or_make_run, opened, sqlite_file, without_password

if TYPE_CHECKING:
    from mlflow import MlflowClient

STATUS: dict[Status, str] = {
    "running": "RUNNING",
    "waiting": "SCHEDULED",
    "finished": "FINISHED",
    "failed": "FAILED",
    "killed": "KILLED",
}

STATE = "mlflow.json"
"""File in a run's folder: store and id of its MLflow run, and which versions of its files are there."""


class NotLevelError(Exception):
    """Some of a run could not be logged.

    Attributes:
        lacking: what, such as "metrics".
        reason: of the first thing that failed.
        unreachable: whether the store does not answer at all.
    """

    def __init__(self, lacking: Sequence[str], error: Exception, unreachable: bool) -> None:
        self.lacking = tuple(lacking)
        self.reason = reason(error)
        self.unreachable = unreachable
        super().__init__(self.reason)


def reason(error: Exception) -> str:
    """The first line of an error, cut."""
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__


def open_run(
    uri: str, root: Path, folder: Path, records: Records, experiment: str | None
) -> tuple[StoreRun, str | None]:
    """The MLflow run of a run's folder; what of store, experiment and MLflow run is not there is made.

    Args:
        uri: of the store.
        root: folder beside whose SQLite store the files of experiments lie.
        folder: of the run.
        records: what it holds.
        experiment: its name as the settings give it.

    Returns:
        The MLflow run, and a sentence about what had to be restored or made anew, None where nothing had.

    Raises:
        OSError: an SQLite store cannot be written.
        MlflowException: the store refuses, or does not answer.
    """
    saved = json_if_readable(folder / STATE)
    shown = without_password(uri)
    known = saved.get("run_id") if saved.get("uri") in (uri, shown) else None
    artifacts = root.resolve() / "mlartifacts" if sqlite_file(uri) else None
    with opened(uri) as client:
        run_id, note = find_or_make_run(client, records, experiment, known, artifacts)
        if run_id != known:
            write_json(folder / STATE, {"uri": shown, "run_id": run_id})
    return StoreRun(client, run_id, folder), note


class StoreRun:
    """One MLflow run, and what is known to be in it.

    Attributes:
        client: of its store.
        run_id: its id.
        experiment_id: that of its experiment.
    """

    def __init__(self, client: MlflowClient, run_id: str, folder: Path) -> None:
        """Read what the store has; `folder` is the run's.

        Raises:
            MlflowException: the store does not answer, or has no such run.
        """
        self.client = client
        self.run_id = run_id
        self._state = folder / STATE
        run: Any = client.get_run(run_id)
        self.experiment_id = str(run.info.experiment_id)
        self._status = run.info.status
        self._params = dict(run.data.params)
        self._tags = dict(run.data.tags)
        self._latest = set(run.data.metrics)
        self._metrics: dict[str, dict[int, float]] = {}
        self._inputs = {(data.dataset.name, data.dataset.digest) for data in run.inputs.dataset_inputs}
        self._models = [model.model_id for model in run.outputs.model_outputs]
        self._sizes: dict[str, int | None] | None = None
        saved = json_if_readable(self._state)
        self._versions: dict[str, list[int]] = saved.get("files") or {}
        self._model_begun: str | None = saved.get("model_begun")

    def level(self, records: Records, only: Sequence[str] = ()) -> Counter[str]:
        """Log what is missing.

        Args:
            records: of the run.
            only: names of the parts to look at; all without.

        Returns:
            How many entries of each part were logged.

        Raises:
            NotLevelError: a part failed; the other ones are logged where the store answers.
        """
        parts: dict[str, Callable[[Records], int]] = {
            "params": self._level_params,
            "tags": self._level_tags,
            "metrics": self._level_metrics,
            "data": self._level_inputs,
            "files": self._level_files,
            "status": self._level_status,
            "model": self._level_model,
        }
        logged: Counter[str] = Counter()
        lacking: list[str] = []
        first: Exception | None = None
        unreachable = False
        for name, part in parts.items():
            if only and name not in only:
                continue
            try:
                if unreachable:
                    lacking.append(name)
                else:
                    logged[name] += part(records)
            except Exception as error:
                lacking.append(name)
                first = first or error
                unreachable = not self._answers()
        if first is not None:
            raise NotLevelError(lacking, first, unreachable) from first
        return +logged

    def _answers(self) -> bool:
        try:
            self.client.get_run(self.run_id)
        except Exception:
            return False
        return True

    def _level_params(self, records: Records) -> int:
        from mlflow.entities import Param

        missing = {}
        for name, value in records.params.items():
            there = self._params.get(name, value)
            # Whoever made this MLflow run may have said something else by that name, and that stays.
            key = name if there == value else f"aas.{name}"
            if key not in self._params:
                missing[key] = value
        for some in _chunks(list(missing.items()), 100):
            self.client.log_batch(self.run_id, params=[Param(name, value) for name, value in some])
            self._params.update(some)
        return len(missing)

    def _level_tags(self, records: Records) -> int:
        from mlflow.entities import RunTag

        # MLflow's own tags may have been set by whoever made the MLflow run.
        missing = {
            name: value
            for name, value in records.tags.items()
            if self._tags.get(name) != value and not (name.startswith("mlflow.") and name in self._tags)
        }
        if missing:
            self.client.log_batch(self.run_id, tags=[RunTag(name, value) for name, value in missing.items()])
            self._tags.update(missing)
        if "error" in self._tags and "error" not in records.tags:
            self.client.delete_tag(self.run_id, "error")
            del self._tags["error"]
        return len(missing)

    def _level_metrics(self, records: Records) -> int:
        from mlflow.entities import Metric

        missing = [scalar for scalar in records.metrics if not self._has(scalar)]
        for some in _chunks(missing, 500):
            metrics = [Metric(one.name, one.value, one.time, one.step) for one in some]
            self.client.log_batch(self.run_id, metrics=metrics)
            for one in some:
                self._history(one.name)[one.step] = one.value
        return len(missing)

    def _has(self, scalar: Scalar) -> bool:
        there = self._history(scalar.name).get(scalar.step)
        if there is None:
            return False
        return scalar.is_duration or math.isclose(there, scalar.value, rel_tol=1e-9, abs_tol=1e-12)

    def _history(self, name: str) -> dict[int, float]:
        """The last value of each step."""
        if name not in self._metrics:
            found = self.client.get_metric_history(self.run_id, name) if name in self._latest else []
            found = sorted(found, key=lambda metric: metric.timestamp)
            self._metrics[name] = {metric.step: metric.value for metric in found}
        return self._metrics[name]

    def _level_inputs(self, records: Records) -> int:
        missing = [one for one in records.inputs if (one.name, one.digest) not in self._inputs]
        if missing:
            self.client.log_inputs(self.run_id, [_as_input(one) for one in missing])
            self._inputs.update((one.name, one.digest) for one in missing)
        return len(missing)

    def _level_files(self, records: Records) -> int:
        if self._sizes is None:
            self._sizes = dict(self._list(None))
        count = 0
        try:
            for name, path in records.files.items():
                stat = path.stat()
                version = [stat.st_size, stat.st_mtime_ns]
                size = self._sizes.get(name, -1)
                if size in (None, stat.st_size) and self._versions.get(name) == version:
                    continue
                self.client.log_artifact(self.run_id, str(path), posixpath.dirname(name) or None)
                self._sizes[name], self._versions[name] = stat.st_size, version
                count += 1
        finally:
            if count:
                self._save(files=self._versions)
        return count

    def _list(self, folder: str | None) -> Iterator[tuple[str, int | None]]:
        for item in self.client.list_artifacts(self.run_id, folder):
            if item.is_dir:
                yield from self._list(item.path)
            else:
                yield item.path, item.file_size

    def _level_status(self, records: Records) -> int:
        wanted = STATUS[records.status]
        if self._status == wanted:
            return 0
        if wanted in ("RUNNING", "SCHEDULED"):
            self.client.update_run(self.run_id, status=wanted)
        else:
            self.client.set_terminated(self.run_id, wanted, records.ended)
        self._status = wanted
        return 1

    def _level_model(self, records: Records) -> int:
        """Log the portable model with signature and an example; without touching MLflow's globals."""
        if records.model is None:
            return 0
        with records.model.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        there = [model for one in self._models if (model := self._model_if_there(one)) is not None]
        if any(model.status == "READY" and model.tags.get("sha256", digest) == digest for model in there):
            return 0
        from mlflow.entities import LoggedModelOutput

        from aas_plugin.tracking.mlflow_model import write_model

        begun = self._begun_model(digest)
        with tempfile.TemporaryDirectory() as scratch:
            write_model(records.model, Path(scratch) / "model", begun, self.run_id)
            self.client.log_model_artifacts(begun, str(Path(scratch) / "model"))
        self.client.finalize_logged_model(begun, "READY")
        cycles = [scalar.step for scalar in records.metrics if not scalar.name.startswith("epoch/")]
        self.client.log_outputs(self.run_id, [LoggedModelOutput(begun, step=max(cycles, default=0))])
        self._models.append(begun)
        return 1

    def _begun_model(self, digest: str) -> str:
        """A model entry to fill: the one of an attempt that failed, or a new one."""
        if self._model_begun is not None:
            model = self._model_if_there(self._model_begun)
            if model is not None and model.status != "READY" and model.tags.get("sha256") == digest:
                return self._model_begun
        begun = self.client.create_logged_model(
            self.experiment_id,
            name="model",
            source_run_id=self.run_id,
            model_type="embedding",
            tags={"sha256": digest},
        ).model_id
        self._model_begun = str(begun)
        self._save(model_begun=self._model_begun)
        return self._model_begun

    def _model_if_there(self, model_id: str) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            return self.client.get_logged_model(model_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise

    def _save(self, **values: Any) -> None:
        write_json(self._state, {**json_if_readable(self._state), **values})


def _as_input(given: Input) -> Any:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = Dataset(
        name=given.name[:500],
        digest=given.digest,
        source_type="local",
        source=json.dumps({"uri": given.source}),
        schema=as_json(given.columns),
        profile=json.dumps({"num_rows": given.rows, "num_elements": given.rows * len(given.columns)}),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", given.context)])


def _chunks(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
