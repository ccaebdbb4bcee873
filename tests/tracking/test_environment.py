"""MLflow's own environment decides as its users expect, and experiments may have any name."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from urllib.parse import unquote, urlsplit

import mlflow
import pytest
from mlflow import MlflowClient

from aas_plugin.commands.common import of_one_run
from aas_plugin.tracking.level import open_run
from aas_plugin.tracking.records import read_records
from aas_plugin.tracking.store import PARENT, tracking_uri


def logged(folder, root, experiment=None):
    """Log a run's folder; gives its MLflow run and the client."""
    records = read_records(folder, alive=False)
    found, _ = open_run(tracking_uri(root), root, folder, records, experiment)
    found.level(records)
    return found.client, found.client.get_run(found.run_id)


def name_of(client, run):
    return client.get_experiment(run.info.experiment_id).name


@pytest.mark.parametrize(
    ("explicit", "by_name", "by_id", "wanted"),
    [
        (None, None, False, "aas"),
        (None, "lions", False, "lions"),
        (None, None, True, "there already"),
        (None, "lions", True, "lions"),
        ("tigers", "lions", True, "tigers"),
        ("aas", "lions", False, "aas"),
    ],
)
def test_the_experiment_is_the_settings_then_the_environments(
    done, store, tmp_path, monkeypatch, explicit, by_name, by_id, wanted
):
    there = store.create_experiment("there already", artifact_location=(tmp_path / "elsewhere").as_uri())
    if by_name:
        monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", by_name)
    if by_id:
        monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", there)
    client, run = logged(done, tmp_path, explicit)
    assert name_of(client, run) == wanted
    # An experiment that somebody made keeps its files where they said.
    assert (wanted == "there already") == (tmp_path / "elsewhere").exists()


def test_the_run_that_mlflow_run_made_is_logged_to_and_keeps_its_own_words(done, store, tmp_path, monkeypatch):
    theirs = store.create_run(store.create_experiment("project"), run_name="smiling-fox")
    store.set_tag(theirs.info.run_id, "mlflow.source.name", "git@somewhere")
    store.log_param(theirs.info.run_id, "seed", "seven")
    monkeypatch.setenv("MLFLOW_RUN_ID", theirs.info.run_id)
    client, run = logged(done, tmp_path, "ignored")
    assert run.info.run_id == theirs.info.run_id
    assert (run.info.run_name, run.info.status) == ("smiling-fox", "FINISHED")
    assert run.data.tags["mlflow.source.name"] == "git@somewhere"
    assert (run.data.params["seed"], run.data.params["aas.seed"]) == ("seven", "0")
    assert "mAP" in run.data.metrics
    before = client.get_metric_history(run.info.run_id, "mAP")
    _, again = logged(done, tmp_path)
    assert again.data.params == run.data.params
    assert len(client.get_metric_history(run.info.run_id, "mAP")) == len(before)


def test_a_second_run_under_the_same_mlflow_run_is_its_child(done, store, tmp_path, monkeypatch):
    theirs = store.create_run(store.create_experiment("project"))
    monkeypatch.setenv("MLFLOW_RUN_ID", theirs.info.run_id)
    store.set_tag(theirs.info.run_id, "aas.run", "another one")
    client, run = logged(done, tmp_path)
    assert run.data.tags[PARENT] == theirs.info.run_id
    assert name_of(client, run) == "project"


def test_the_runs_of_a_comparison_are_children_of_the_run_that_mlflow_run_made(done, store, tmp_path, monkeypatch):
    theirs = store.create_run(store.create_experiment("project"))
    monkeypatch.setenv("MLFLOW_RUN_ID", theirs.info.run_id)
    for name, value in of_one_run().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MLFLOW_RUN_ID")
    assert "MLFLOW_RUN_ID" not in of_one_run()
    _, run = logged(done, tmp_path)
    assert run.data.tags[PARENT] == theirs.info.run_id != run.info.run_id


@pytest.mark.parametrize("same_store", [True, False])
def test_a_run_that_is_active_in_this_process_is_the_parent(done, store, made_store, tmp_path, monkeypatch, same_store):
    before = mlflow.get_tracking_uri()
    (tmp_path / "other.db").write_bytes(made_store.read_bytes())
    mlflow.set_tracking_uri(tracking_uri(tmp_path) if same_store else f"sqlite:///{tmp_path}/other.db")
    try:
        with mlflow.start_run(experiment_id="0") as outer:
            # MLflow tells its address to processes that are started.
            monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
            client, run = logged(done, tmp_path)
    finally:
        mlflow.set_tracking_uri(before)
    assert run.data.tags.get(PARENT) == (outer.info.run_id if same_store else None)
    assert name_of(client, run) == ("Default" if same_store else "aas")


@pytest.mark.parametrize("variable", ["MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_PARENT_RUN_ID"])
def test_what_the_environment_names_and_the_store_does_not_know_is_told(done, store, aas, monkeypatch, variable):
    monkeypatch.setenv(variable, "12345")
    assert "12345" in aas("log", "one", status=2)


NAMES = (
    "/Users/me/leopards",
    "../../x",
    "/etc/x",
    "..",
    ".",
    "a:b",
    "x" * 400,
    "end.",
    "con",
    "a b'; drop",
    "豹",
    "a%2e",
)


@pytest.mark.parametrize("name", NAMES)
def test_files_of_an_experiment_of_any_name_lie_in_the_project(done, store, tmp_path, name):
    project = tmp_path / "a project"
    project.mkdir()
    (tmp_path / "mlflow.db").rename(project / "mlflow.db")
    client, run = logged(done, project, name)
    assert name_of(client, run) == name
    place = unquote(urlsplit(client.get_experiment(run.info.experiment_id).artifact_location).path)
    assert os.path.dirname(os.path.realpath(place)) == str(project.resolve() / "mlartifacts")
    assert list((project / "mlartifacts").rglob("config.yaml"))
    assert {path.name for path in tmp_path.iterdir()} == {"a project", "runs"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{root}/s.db", "--artifacts-destination", str(root / "files")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    with (root / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=root, env=environment, stdout=log, stderr=log, start_new_session=True)
    uri = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{uri}/health", timeout=1)
                break
            except OSError:
                assert process.poll() is None, (root / "log").read_text()
                time.sleep(0.5)
        yield uri
    finally:
        os.killpg(process.pid, 15)
        process.wait()


@pytest.mark.nightly
def test_a_server_gets_all_by_http_with_files_where_it_keeps_them(done, tmp_path, monkeypatch, aas, server):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", f"sqlite:///{tmp_path}/registry.db")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "/Users/me/leopards")
    aas("log", "one")
    client = MlflowClient(server)
    experiment = client.get_experiment_by_name("/Users/me/leopards")
    (run,) = client.search_runs([experiment.experiment_id])
    assert experiment.artifact_location.startswith("mlflow-artifacts:")
    records = read_records(done, alive=False)
    assert run.data.params == records.params and run.info.status == "FINISHED"
    assert {metric.step for metric in client.get_metric_history(run.info.run_id, "mAP")} == {0, 1, 2}
    assert "cycles" in {item.path for item in client.list_artifacts(run.info.run_id)}
    assert "nothing was missing" in aas("log", "one")
    client.delete_experiment(experiment.experiment_id)
    assert "restored" in aas("log", "one")
    assert not (tmp_path / "mlartifacts").exists() and not (tmp_path / "mlflow.db").exists()
