"""A store and a finished run, made once, for tests of what is logged."""

import shutil
from contextlib import chdir

import pytest
from mlflow import MlflowClient

from aas_plugin.tracking.store import tracking_uri
from tests.conftest import Ready


@pytest.fixture(autouse=True)
def no_server_of_the_user(monkeypatch):
    for name in ("TRACKING_URI", "EXPERIMENT_NAME", "EXPERIMENT_ID", "RUN_ID", "PARENT_RUN_ID"):
        monkeypatch.delenv(f"MLFLOW_{name}", raising=False)


@pytest.fixture(scope="session")
def made_store(tmp_path_factory):
    """A store with its tables and nothing else: making them takes seconds."""
    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    # MLflow lays files of an experiment below the folder in which store and experiment were made.
    with chdir(file.parent):
        MlflowClient(f"sqlite:///{file}").search_experiments()
    return file


@pytest.fixture
def store(tmp_path, made_store, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlflow.db").write_bytes(made_store.read_bytes())
    return MlflowClient(tracking_uri(tmp_path))


@pytest.fixture(scope="session")
def made_run(tmp_path_factory, drawn):
    """The folder of a run that was logged nowhere."""
    ready = Ready(tmp_path_factory.mktemp("unlogged"), drawn)
    ready.engine().execute()
    return ready.folder / "run"


@pytest.fixture
def done(made_run, tmp_path):
    """A copy of that folder, among the runs of the test's folder."""
    return shutil.copytree(made_run, tmp_path / "runs" / "one")
