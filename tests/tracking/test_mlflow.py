"""What a run leaves in a real MLflow store, and what happens when the store is away."""

import json
import shlex
import warnings

import pytest
from mlflow import MlflowClient

from aas_plugin.constraints.sets import from_log, set_hash
from aas_plugin.hookspecs import hookimpl
from aas_plugin.tracking.mlflow_observer import MlflowObserver, tracking_uri


@pytest.fixture(autouse=True)
def no_server_of_the_user(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def only_run(root):
    client = MlflowClient(tracking_uri(root))
    experiment = client.get_experiment_by_name("aas")
    (run,) = client.search_runs([experiment.experiment_id])
    return client, run


def test_settings_metrics_data_and_files_are_logged(ready, tmp_path, monkeypatch):
    ready.engine(observers=(MlflowObserver(tmp_path),)).execute()
    monkeypatch.chdir("/")
    client, run = only_run(tmp_path)
    assert run.info.status == "FINISHED"
    assert run.data.params["training.epochs"] == "4"
    assert run.data.params["sampler.epsilon"] == "0.6"
    assert run.data.tags["git_commit"] == json.loads((tmp_path / "run" / "origin.json").read_text())["git_commit"]
    assert run.data.tags["mlflow.source.name"] == "aas run"
    kind = client.get_experiment(run.info.experiment_id).tags["mlflow.experimentKind"]
    assert kind == "custom_model_development"  # the UI opens it with charts, not as language model traces
    assert len(run.data.tags["data_hash"]) >= 16
    for name in ("mAP", "mINP", "top1", "top10", "BAKS", "AUC_ROC", "ARI", "NMI", "pairwise_precision"):
        history = client.get_metric_history(run.info.run_id, name)
        assert [metric.step for metric in history] == [0, 1, 2]
        assert all(0 <= metric.value <= 1 for metric in history)
    for name in ("ARI_raw", "ARI_before", "ARI_after"):
        assert [m.step for m in client.get_metric_history(run.info.run_id, name)][-2:] == [1, 2]
    for name in ("epoch/ARI_raw", "epoch/ARI"):
        assert [m.step for m in client.get_metric_history(run.info.run_id, name)] == [0, 1, 2, 3]
    assert run.data.tags["kept"] == "trained" and "too few answers" in run.data.tags["kept_because"]
    for name in ("asked", "budget", "asked_share", "must_links", "cannot_links", "seconds/train"):
        assert run.data.metrics[name] >= 0
    assert {"sampler.regions", "sampler.over_pool", "sampler.under_pool"} <= set(run.data.metrics)
    assert [m.step for m in client.get_metric_history(run.info.run_id, "epoch/loss")] == [0, 1, 2, 3]
    inputs = {data.dataset.name: data.dataset for data in run.inputs.dataset_inputs}
    assert set(inputs) == {"coats-default", "answers"}
    assert inputs["answers"].digest == set_hash(from_log(tmp_path / "run"))
    files = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert {"answers.jsonl", "config.yaml", "cycles", "plots"} <= files
    cycle = {item.path for item in client.list_artifacts(run.info.run_id, "cycles/01")}
    assert "cycles/01/proposal.parquet" in cycle


class Stops:
    def __init__(self, error):
        self.error = error

    @hookimpl
    def aas_epoch_finished(self, run, report):
        if report["epoch"] == 2:
            raise self.error


def test_it_tells_the_page_of_the_run(ready, tmp_path):
    (tmp_path / "a b").mkdir()
    observer = MlflowObserver(tmp_path / "a b")
    assert observer.where_to_look().endswith("http://127.0.0.1:5000/")
    ready.engine({"active": {"cycles": 0}, "training": {"epochs": 1}}, observers=(observer,)).execute()
    found = MlflowClient(observer.uri).get_run(observer.run_id).info
    told = observer.where_to_look()
    assert told.endswith(f"http://127.0.0.1:5000/#/experiments/{found.experiment_id}/runs/{found.run_id}")
    assert shlex.split(told.split(", then ")[0])[-1] == observer.uri


def test_an_interrupted_run_is_one_run_when_it_goes_on(ready, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        ready.engine(observers=(MlflowObserver(tmp_path), Stops(KeyboardInterrupt()))).execute()
    assert only_run(tmp_path)[1].info.status == "KILLED"
    ready.engine(observers=(MlflowObserver(tmp_path),), resume=True).execute()
    client, run = only_run(tmp_path)
    assert run.info.status == "FINISHED"
    assert {m.step for m in client.get_metric_history(run.info.run_id, "mAP")} == {0, 1, 2}


def test_a_failed_run_says_why(ready, tmp_path):
    class Breaks:
        @hookimpl(tryfirst=True)
        def aas_train_epoch(self, run, labels):
            if run.epoch == 1:
                raise ValueError("the tiger ate the GPU")

    with pytest.raises(ValueError, match="tiger"):
        ready.engine(observers=(MlflowObserver(tmp_path), Breaks())).execute()
    run = only_run(tmp_path)[1]
    assert run.info.status == "FAILED"
    assert "the tiger ate the GPU" in run.data.tags["error"]


def test_a_dead_server_costs_a_warning_and_nothing_else(ready, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.warns(UserWarning, match="takes nothing"):
        outcome = ready.engine(observers=(MlflowObserver(tmp_path),)).execute()
    assert outcome == "finished"


def test_a_store_that_cannot_be_written_is_told_and_the_run_goes_on(ready, tmp_path, monkeypatch):
    (tmp_path / "a file").write_text("no folder")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/a file/mlflow.db")
    with pytest.warns(UserWarning, match=r"takes nothing \(the store cannot be written.*the run goes on"):
        assert ready.engine(observers=(MlflowObserver(tmp_path),)).execute() == "finished"


CALLS = (
    "create_experiment",
    "create_run",
    "log_batch",
    "log_inputs",
    "list_artifacts",
    "log_artifact",
    "set_terminated",
)


@pytest.mark.parametrize("call", CALLS)
def test_one_hiccup_of_the_store_loses_nothing(ready, tmp_path_factory, monkeypatch, call):
    """Whichever call fails once, the run is there once, with all its parameters, inputs and metrics."""
    root = tmp_path_factory.getbasetemp() / "hiccups"
    root.mkdir(exist_ok=True)
    client = MlflowClient(tracking_uri(root))
    real, failed = getattr(MlflowClient, call), []

    def fails_once(self, *arguments, **options):
        if not failed:
            failed.append(call)
            raise OSError("the line went dead")
        return real(self, *arguments, **options)

    monkeypatch.setattr(MlflowClient, call, fails_once)
    tracking = {"tracking": {"experiment": call, "system_metrics": False}}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        ready.engine(tracking, observers=(MlflowObserver(root),)).execute()
    monkeypatch.undo()
    assert failed == [call]
    # What is mended within the last moment is not worth a word.
    assert any("the line went dead" in str(one.message) for one in told) == (call != "set_terminated")
    assert not any("aas log" in str(one.message) for one in told)
    (run,) = client.search_runs([client.get_experiment_by_name(call).experiment_id])
    assert run.data.params["training.epochs"] == "4" and len(run.data.params) > 40
    assert run.data.tags["data_hash"]
    assert [metric.step for metric in client.get_metric_history(run.info.run_id, "mAP")] == [0, 1, 2]
    assert len(run.inputs.dataset_inputs) == 2
    assert run.info.status == "FINISHED"
    assert {"config.yaml", "cycles", "plots"} <= {item.path for item in client.list_artifacts(run.info.run_id)}
