"""Whatever a store lost, the folder of a run brings it level: on resume, and by `aas log`."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import warnings
from collections import Counter

import pytest
from mlflow import MlflowClient

from aas_plugin.hookspecs import hookimpl
from aas_plugin.tracking.mlflow_observer import MlflowObserver, tracking_uri
from aas_plugin.tracking.records import read_records

QUIET = {"tracking": {"system_metrics": False}}
NOWHERE = "http://127.0.0.1:9"


def only_run(client, experiment="aas"):
    (run,) = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    return run


def is_level(client, run, folder):
    """Whether an MLflow run has all of a folder, and nothing twice."""
    records = read_records(folder, alive=False)
    values = Counter()
    for name in run.data.metrics:
        for metric in client.get_metric_history(run.info.run_id, name):
            values[name, metric.step] += 1
    assert set(values) == {(scalar.name, scalar.step) for scalar in records.metrics}
    assert set(values.values()) == {1}
    for scalar in records.metrics[-3:]:
        history = client.get_metric_history(run.info.run_id, scalar.name)
        assert {metric.step: metric.value for metric in history}[scalar.step] == pytest.approx(scalar.value)
    assert run.data.params == records.params
    assert {name: run.data.tags[name] for name in records.tags} == records.tags
    assert len(run.inputs.dataset_inputs) == len(records.inputs) == 2
    assert set(files_of(client, run.info.run_id)) == set(records.files)
    return run.info.status


def files_of(client, run_id, folder=None):
    for item in client.list_artifacts(run_id, folder):
        yield from files_of(client, run_id, item.path) if item.is_dir else [item.path]


def without_store(ready, monkeypatch, *more, **options):
    """A run whose server is away from beginning to end; gives what is told last."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOWHERE)
    with pytest.warns(UserWarning) as told:
        ready.engine(QUIET, observers=(MlflowObserver(ready.folder), *more), name="runs/one", **options).execute()
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    return str(told[-1].message)


def test_a_run_whose_server_was_away_says_so_and_aas_log_brings_it(ready, store, tmp_path, monkeypatch, aas):
    told = without_store(ready, monkeypatch)
    assert NOWHERE in told and told.endswith("aas log one") and told.count("\n") == 0
    assert "logged" in aas("log", "one")
    run = only_run(store)
    assert is_level(store, run, tmp_path / "runs/one") == "FINISHED"
    assert (run.info.start_time, run.info.end_time) < (run.info.end_time, run.info.end_time + 1)
    assert "nothing was missing" in aas("log", "runs/one")
    again = only_run(store)
    assert (again.info.end_time, again.data.metrics) == (run.info.end_time, run.data.metrics)
    assert is_level(store, again, tmp_path / "runs/one") == "FINISHED"


def test_going_on_brings_what_the_earlier_process_could_not_log(ready, store, tmp_path, monkeypatch):
    without_store(ready, monkeypatch)
    ready.engine(QUIET, observers=(MlflowObserver(tmp_path),), name="runs/one", resume=True).execute()
    assert is_level(store, only_run(store), tmp_path / "runs/one") == "FINISHED"


class Away:
    """Takes the store away at one epoch and gives it back at another one."""

    def __init__(self, monkeypatch, begins, ends):
        self.monkeypatch, self.begins, self.ends = monkeypatch, begins, ends

    @hookimpl(trylast=True)
    def aas_epoch_finished(self, run, report):
        def refuses(*_, **__):
            raise OSError("nobody is at home")

        if report["epoch"] == self.begins:
            self.patched = [(name, getattr(MlflowClient, name)) for name in ("log_batch", "get_run", "log_artifact")]
            for name, _ in self.patched:
                self.monkeypatch.setattr(MlflowClient, name, refuses)
        if report["epoch"] == self.ends:
            for name, real in self.patched:
                self.monkeypatch.setattr(MlflowClient, name, real)


@pytest.mark.parametrize(("begins", "ends"), [(0, 1), (0, 3)])
def test_a_store_that_is_away_in_the_middle_misses_nothing(ready, store, tmp_path, monkeypatch, begins, ends):
    observers = (MlflowObserver(tmp_path), Away(monkeypatch, begins, ends))
    with pytest.warns(UserWarning, match="nobody is at home"):
        ready.engine(QUIET, observers=observers).execute()
    assert is_level(store, only_run(store), tmp_path / "run") == "FINISHED"


def remove_run(client, run):
    client.delete_run(run.info.run_id)


def remove_experiment(client, run):
    client.delete_experiment(run.info.experiment_id)


def remove_rows(client, run):
    """What `mlflow gc` does, and a server whose disk was put back to yesterday's."""
    with sqlite3.connect(client.tracking_uri.removeprefix("sqlite:///")) as database:
        for table in ("metrics", "latest_metrics", "params", "tags", "runs"):
            database.execute(f"delete from {table}")


def remove_metrics(client, run):
    with sqlite3.connect(client.tracking_uri.removeprefix("sqlite:///")) as database:
        database.execute("delete from metrics where step = 1")
        database.execute("delete from params where key like 'training%'")


@pytest.mark.parametrize("loses", [remove_run, remove_experiment, remove_rows, remove_metrics])
def test_what_was_deleted_in_mlflow_comes_back(done, store, tmp_path, aas, loses):
    aas("log", "one")
    loses(store, only_run(store))
    told = aas("log", "one")
    assert "restored" in told or "logged" in told
    assert is_level(store, only_run(store), tmp_path / "runs/one") == "FINISHED"
    assert "nothing was missing" in aas("log", "one")


def test_another_store_gets_all_and_the_first_one_is_still_known(done, store, made_store, tmp_path, monkeypatch, aas):
    aas("log", "one")
    (tmp_path / "other.db").write_bytes(made_store.read_bytes())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    aas("log", "one")
    other = MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
    assert is_level(other, only_run(other), tmp_path / "runs/one") == "FINISHED"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    aas("log", "one")
    assert is_level(store, only_run(store), tmp_path / "runs/one") == "FINISHED"


def test_a_store_that_is_removed_while_a_run_is_at_work_is_made_anew(ready, store, tmp_path):
    class Removes:
        @hookimpl
        def aas_epoch_finished(self, run, report):
            if report["epoch"] == 2:
                (tmp_path / "mlflow.db").unlink()

    observer = MlflowObserver(tmp_path)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        ready.engine(QUIET, observers=(observer, Removes())).execute()
    assert any("is not there any more" in str(one.message) for one in told)
    client = MlflowClient(observer.uri)
    assert is_level(client, only_run(client), tmp_path / "run") == "FINISHED"


class Ends:
    def __init__(self, end):
        self.end = end

    @hookimpl(tryfirst=True)
    def aas_train_epoch(self, run, labels):
        if run.epoch == 3:
            self.end()


def interrupts():
    raise KeyboardInterrupt


def fails():
    raise ValueError("the tiger ate the GPU")


@pytest.mark.parametrize(("end", "status"), [(interrupts, "KILLED"), (fails, "FAILED")])
@pytest.mark.parametrize("served", [True, False])
def test_how_a_run_ended_is_true_in_mlflow(ready, store, tmp_path, monkeypatch, aas, end, status, served):
    if not served:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", NOWHERE)
    observers = (MlflowObserver(tmp_path), Ends(end))
    with pytest.raises((KeyboardInterrupt, ValueError)), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ready.engine(QUIET, observers=observers, name="runs/one").execute()
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    aas("log", "one")
    run = only_run(store)
    assert is_level(store, run, tmp_path / "runs/one") == status
    assert ("tiger" in run.data.tags.get("error", "")) == (end is fails)


def test_a_run_that_was_killed_without_a_word_is_killed_in_mlflow(done, store, aas):
    state = done / "status.json"
    state.write_text(json.dumps({**json.loads(state.read_text()), "status": "running"}))
    aas("log", "one")
    assert only_run(store).info.status == "KILLED"


def test_settings_more_than_a_batch_takes_and_names_that_mlflow_refuses_are_logged(done, store, aas):
    folder = done
    report = json.loads((folder / "cycles/01/report.json").read_text())
    odd = {"loss (contrastive)": 1.0, "../up": 2.0, "/root": 3.0, "a//b": 4.0, "ä%": 5.0, "x" * 300: 6.0}
    (folder / "cycles/01/report.json").write_text(json.dumps({**report, **odd}))
    with (folder / "config.yaml").open("a") as file:
        file.write("codebase:\n  flags:\n" + "".join(f"    flag-{number}: {number}\n" for number in range(150)))
    aas("log", "one")
    run = only_run(store)
    assert is_level(store, run, folder) == "FINISHED"
    assert {1.0, 2.0, 3.0, 4.0, 5.0, 6.0} <= set(run.data.metrics.values())
    assert run.data.params["codebase.flags.flag-149"] == "149"


@pytest.mark.parametrize("name", ["nope", "../nope", "/nope/x"])
def test_a_run_that_is_not_there_is_told_without_words_of_another_command(tmp_path, aas, name):
    told = aas("log", name, status=2)
    assert "holds no run" in told and "--resume" not in told and "aas run begins one" in told


def test_a_store_that_does_not_answer_is_an_error_of_aas_log(done, monkeypatch, aas):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOWHERE)
    assert NOWHERE in aas("log", "one", status=2)


ENDLESS = """
import sys, time
from aas_plugin.hookspecs import hookimpl
@hookimpl
def aas_epoch_finished(run, report):
    print("at work", flush=True)
    time.sleep(600)
"""


@pytest.mark.nightly
def test_a_run_that_is_told_to_end_is_killed_in_mlflow(store, tmp_path):
    (tmp_path / "endless.py").write_text(ENDLESS)
    sets = ("dataset.individuals=8", "dataset.photos=4", "dataset.size=32", "training.iterations=1")
    sets += ("backbone=efficientnet_lite0", "training.height=32", "training.width=32", "training.batch_size=8")
    command = [sys.executable, "-m", "aas_plugin", "run", "-p", "endless", "--run-name", "one"]
    command += [word for one in sets for word in ("--set", one)]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert any(line.startswith("at work") for line in process.stdout)
    process.terminate()
    assert "aas run --resume" in process.stdout.read()
    assert process.wait() == 130
    assert only_run(store).info.status == "KILLED"


STARTS = """
import sys
from pathlib import Path
from aas_plugin.tracking.level import open_run
from aas_plugin.tracking.records import read_records
from aas_plugin.tracking.store import tracking_uri
root, folder = Path.cwd(), Path(sys.argv[1])
input()
records = read_records(folder, alive=False)
open_run(tracking_uri(root), root, folder, records, None)[0].level(records)
"""


def test_runs_that_start_together_in_a_fresh_folder_are_all_logged(made_run, tmp_path):
    for name in ("one", "two", "three"):
        folder = shutil.copytree(made_run, tmp_path / "runs" / name)
        origin = json.loads((folder / "origin.json").read_text())
        (folder / "origin.json").write_text(json.dumps({**origin, "id": name}))
    command = [sys.executable, "-c", STARTS]
    at_work = [
        subprocess.Popen([*command, f"runs/{name}"], cwd=tmp_path, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        for name in ("one", "two", "three")
    ]
    for process in at_work:
        process.stdin.write(b"\n")
        process.stdin.flush()
    for process in at_work:
        told = process.communicate()[1]
        assert process.returncode == 0, told.decode()
    client = MlflowClient(tracking_uri(tmp_path))
    runs = client.search_runs([client.get_experiment_by_name("aas").experiment_id])
    assert {run.info.run_name for run in runs} == {"one", "two", "three"}
    assert all(run.info.status == "FINISHED" and "mAP" in run.data.metrics for run in runs)
