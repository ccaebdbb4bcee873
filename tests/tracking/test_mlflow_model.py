"""The trained model in a real MLflow store: logged once, and loaded where there is no run."""

import json
import subprocess
import sys

import numpy as np
import pytest
from mlflow import MlflowClient

from aas_plugin.tracking.mlflow_observer import MlflowObserver, tracking_uri

CLUSTERS = {
    "adapter": "cluster-contrast",
    "backbone": {"name": "efficientnet_lite0", "pretrained": False},
    "training": {"epochs": 1, "iterations": 1, "batch_size": 4, "instances": 2},
    "active": {"every": 1, "cycles": 1},
    "tracking": {"system_metrics": False},
}
LOADS = """
import sys, mlflow, numpy as np, torch
mlflow.set_tracking_uri(sys.argv[1])
for number, uri in enumerate(sys.argv[2:]):
    model = mlflow.pytorch.load_model(uri)
    with torch.inference_mode():
        np.save(f"features{number}.npy", model(torch.from_numpy(np.load("images.npy"))).numpy())
"""


@pytest.fixture(autouse=True)
def no_server_of_the_user(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def only_run(root):
    client = MlflowClient(tracking_uri(root))
    (run,) = client.search_runs([client.get_experiment_by_name("aas").experiment_id])
    return client, run


def test_the_model_is_logged_once_and_embeds_in_a_process_without_the_run(ready, tmp_path):
    engine = ready.engine(CLUSTERS, observers=(MlflowObserver(tmp_path),))
    engine.execute()
    ready.engine(CLUSTERS, observers=(MlflowObserver(tmp_path),), resume=True).execute()
    client, run = only_run(tmp_path)
    assert run.info.status == "FINISHED"
    (output,) = run.outputs.model_outputs
    model = client.get_logged_model(output.model_id)
    assert (model.name, model.status, model.source_run_id) == ("model", "READY", run.info.run_id)
    rows = engine.run.train[:3]
    wanted = engine.run.plugins.hook.aas_embed(run=engine.run, rows=rows)

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    pixels = engine.run.images.batch(rows).transpose(0, 3, 1, 2).astype(np.float32)
    np.save(elsewhere / "images.npy", pixels)
    engine.run.folder.rename(tmp_path / "gone")
    uris = [f"runs:/{run.info.run_id}/model", f"models:/{output.model_id}"]
    command = [sys.executable, "-c", LOADS, tracking_uri(tmp_path), *uris]
    done = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for number in range(2):
        np.testing.assert_allclose(np.load(elsewhere / f"features{number}.npy"), wanted, atol=1e-6)


def test_it_has_a_signature_an_example_and_the_packages_it_needs(ready, tmp_path):
    from mlflow.models import Model

    ready.engine(CLUSTERS, observers=(MlflowObserver(tmp_path),)).execute()
    client, run = only_run(tmp_path)
    (output,) = run.outputs.model_outputs
    path = client.get_logged_model(output.model_id).artifact_location.removeprefix("file://")
    logged = Model.load(path)
    assert logged.signature.inputs.inputs[0].shape == (-1, 3, 48, 48)
    assert logged.signature.outputs.inputs[0].shape == (-1, 1280)
    assert logged.metadata["mean"] == [0.485, 0.456, 0.406]
    assert np.asarray(logged.load_input_example(path)).shape == (2, 3, 48, 48)
    needed = (tmp_path / path / "requirements.txt").read_text()
    assert "aas-plugin==" in needed and "torch==" in needed


def test_a_method_without_a_model_logs_none(ready, tmp_path):
    ready.engine({"tracking": {"system_metrics": False}}, observers=(MlflowObserver(tmp_path),)).execute()
    assert not (tmp_path / "run" / "model.pt").exists()
    assert not only_run(tmp_path)[1].outputs.model_outputs


def test_a_model_that_the_store_refuses_leaves_the_run_finished(ready, tmp_path, monkeypatch):
    observer = MlflowObserver(tmp_path)

    def refuses(*_, **__):
        raise OSError("no room for models")

    monkeypatch.setattr("aas_plugin.tracking.mlflow_model.write_model", refuses)
    with pytest.warns(UserWarning, match="no room for models"):
        ready.engine(CLUSTERS, observers=(observer,)).execute()
    _, run = only_run(tmp_path)
    assert run.info.status == "FINISHED"
    assert (tmp_path / "run" / "model.pt").exists()
    assert "model_id" not in json.loads((tmp_path / "run" / "mlflow.json").read_text())
