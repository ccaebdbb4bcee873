"""Which MLflow store, experiment and MLflow run a run is logged to; what is not there is made."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aas_plugin.files import as_file_name
from aas_plugin.tracking.records import Records

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "aas"
"""Where runs are logged if neither settings nor environment say otherwise."""

KEY = "aas.run"
"""Tag with the run's own id, by which its MLflow run is found again."""

PARENT = "mlflow.parentRunId"


def tracking_uri(root: Path) -> str:
    """`MLFLOW_TRACKING_URI`, or an SQLite store in `root` by its absolute path."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root.resolve() / 'mlflow.db'}"


def without_password(uri: str) -> str:
    """An address as it may be shown, the same for one place."""
    return re.sub(r"://([^:/@]*):[^/]*@", r"://\1:***@", uri).replace("/./", "/")


def sqlite_file(uri: str) -> Path | None:
    """The file of an SQLite store, None for any other store."""
    if not uri.startswith("sqlite"):
        return None
    return Path(uri.partition(":///")[2].partition("?")[0])


@contextmanager
def opened(uri: str) -> Iterator[MlflowClient]:
    """A client of a store that takes entries, for making what is missing there.

    In the block no other process of ours makes the tables or an experiment of the same SQLite store.

    Args:
        uri: of the store; an SQLite store is made where there is none.

    Raises:
        OSError: an SQLite store that cannot be written, told at once; MLflow itself would try for minutes.
        MlflowException: the store refuses, or does not answer.
    """
    # A server that is away must cost seconds, not the minutes of MLflow's own patience.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from filelock import FileLock
    from mlflow import MlflowClient

    # Making the tables of a new store is no news to the user, and that a server is away is told once, by us.
    for noisy in ("alembic", "mlflow.store.db.utils", "mlflow.system_metrics", "urllib3.connectionpool"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    file = sqlite_file(uri)
    if file is None:
        yield MlflowClient(uri)
        return
    lock = FileLock(file.with_name(f".{file.name}.lock"), timeout=300)
    try:
        lock.acquire()
        with closing(sqlite3.connect(file, timeout=10)) as store:
            store.execute("begin immediate")
            store.rollback()
    except (OSError, sqlite3.Error) as error:
        lock.release()
        raise OSError(f"the store cannot be written: {error}") from error
    try:
        yield MlflowClient(uri)
    finally:
        lock.release()


def find_or_make_run(
    client: MlflowClient, records: Records, experiment: str | None, known: str | None, artifacts: Path | None
) -> tuple[str, str | None]:
    """The MLflow run of a run.

    It is, the first that there is: the one that `MLFLOW_RUN_ID` names, the one that is known, one with the run's key,
    a new one. Below an MLflow run that is active in this process, named by `MLFLOW_PARENT_RUN_ID`, or named by
    `MLFLOW_RUN_ID` and taken by another run of ours, a new one is nested. What was deleted in MLflow is restored.

    Args:
        client: of the store.
        records: of the run.
        experiment: its name as the settings give it; None for the parent's, that of `MLFLOW_EXPERIMENT_NAME` or
            `MLFLOW_EXPERIMENT_ID`, or `aas`.
        known: id of the MLflow run that it had in this store.
        artifacts: folder for the files of an experiment that is made; None where the store knows one.

    Returns:
        The id, and a sentence about what had to be restored or made anew, None where nothing had.

    Raises:
        MlflowException: the store refuses, or does not know what the environment names.
    """
    given = os.environ.get("MLFLOW_RUN_ID")
    parent = _parent(client)
    found: Any
    if given:
        found = client.get_run(given)
        if found.data.tags.get(KEY, records.key) == records.key:
            return given, _restored(client, found)
        parent = found
    found = _run_if_there(client, known) if known else None
    if found is not None:
        return found.info.run_id, _restored(client, found)
    place, restored = _experiment(client, experiment, parent, artifacts)
    found = _run_with_key(client, place, records.key)
    if found is not None:
        return found.info.run_id, restored or _restored(client, found)
    tags = {KEY: records.key} if records.key else {}
    if parent is not None:
        tags[PARENT] = parent.info.run_id
    made = client.create_run(place, start_time=records.began, run_name=records.name, tags=tags)
    anew = "its MLflow run is not there any more, so it has a new one" if known else None
    return made.info.run_id, restored or anew


def _parent(client: MlflowClient) -> Any:
    import mlflow

    named = os.environ.get("MLFLOW_PARENT_RUN_ID")
    if named:
        return client.get_run(named)
    active = mlflow.active_run()
    # It may be active in another store.
    return None if active is None else _run_if_there(client, active.info.run_id)


def _run_if_there(client: MlflowClient, run_id: str) -> Any:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_run(run_id)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def _run_with_key(client: MlflowClient, experiment: str, key: str) -> Any:
    from mlflow.entities import ViewType

    if not key:
        return None
    found = client.search_runs([experiment], f"tags.`{KEY}` = '{key}'", ViewType.ALL, max_results=1)
    return found[0] if found else None


def _restored(client: MlflowClient, run: Any) -> str | None:
    restored = _restored_experiment(client, client.get_experiment(run.info.experiment_id))
    if client.get_run(run.info.run_id).info.lifecycle_stage == "active":
        return restored
    client.restore_run(run.info.run_id)
    return restored or "its MLflow run was deleted there, and is restored"


def _restored_experiment(client: MlflowClient, experiment: Any) -> str | None:
    if experiment.lifecycle_stage == "active":
        return None
    client.restore_experiment(experiment.experiment_id)
    return f"the experiment {experiment.name!r} was deleted there, and is restored"


def _experiment(client: MlflowClient, name: str | None, parent: Any, artifacts: Path | None) -> tuple[str, str | None]:
    from mlflow.exceptions import MlflowException

    given = os.environ.get("MLFLOW_EXPERIMENT_ID")
    found: Any
    if name is None and parent is not None:
        found = client.get_experiment(parent.info.experiment_id)
    elif name is None and given and not os.environ.get("MLFLOW_EXPERIMENT_NAME"):
        found = client.get_experiment(given)
    else:
        name = name or os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
        found = client.get_experiment_by_name(name)
        if found is None:
            # MLflow's own default is relative to the working folder and would move with it.
            place = None if artifacts is None else (artifacts / as_file_name(name)).as_uri()
            # Without this tag the UI takes it for one with language models, and hides charts and parameters.
            kind = {"mlflow.experimentKind": "custom_model_development"}
            try:
                return str(client.create_experiment(name, artifact_location=place, tags=kind)), None
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            # Another process made it in between.
            found = client.get_experiment_by_name(name)
    return str(found.experiment_id), _restored_experiment(client, found)
