"""The pipeline in a real Git and DVC repository: built once, again where something changed, and elsewhere."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
TINY = {
    "adapter": "spcl",
    "dataset": {"name": "coats", "individuals": 6, "photos": 5, "size": 32},
    "sampler": "aas",
    "seed": 0,
    "evaluation": {"test_share": 0.3},
    "training": {"epochs": 2, "iterations": 1, "batch_size": 4, "height": 32, "width": 32},
    "active": {"every": 1, "cycles": 2, "budget": 8},
    "tracking": {"system_metrics": False},
    "device": "cpu",
}


class Project:
    """A folder in which commands are run as a user would."""

    def __init__(self, folder):
        self.folder = folder
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("DVC_", "MLFLOW_TR"))}
        programs = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        self.environment = {**environment, "PATH": programs, "DVC_NO_ANALYTICS": "1"}

    def run(self, *command):
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def dvc(self, *command):
        return self.run(sys.executable, "-m", "dvc", *command)

    def git(self, *command):
        return self.run("git", "-c", "user.name=a", "-c", "user.email=a@b", *command)

    def set(self, **params):
        (self.folder / "params.yaml").write_text(yaml.safe_dump({"run": {**TINY, **params}}))

    def json(self, name):
        return json.loads((self.folder / name).read_text())


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A clone of what is committed of the pipeline, with tiny settings, after its first `dvc repro`."""
    project = Project(tmp_path_factory.mktemp("project"))
    for name in ("aas_plugin", "adapters", ".dvc"):
        unwanted = shutil.ignore_patterns("__pycache__", "cache", "tmp", "config.local")
        shutil.copytree(ROOT / name, project.folder / name, ignore=unwanted)
    for name in ("dvc.yaml", ".dvcignore", ".gitignore"):
        shutil.copy(ROOT / name, project.folder / name)
    project.set()
    project.git("init", "-q")
    project.dvc("repro", "-q")
    project.git("add", "-A")
    project.git("commit", "-qm", "built")
    return project


def test_it_builds_data_run_evaluation_and_report(built):
    assert (built.folder / "data" / "dataset.tar").stat().st_size > 0
    run, evaluation = built.json("results/run/metrics.json"), built.json("results/evaluation.json")
    for name in ("mAP", "mINP", "top1", "BAKS"):
        assert evaluation[name] == pytest.approx(run[name], abs=1e-6)
    assert "<html" in (built.folder / "results" / "report.html").read_text()[:200].lower()
    shown = json.loads(built.dvc("metrics", "show", "--json"))[""]["data"]
    assert {"results/run/metrics.json", "results/evaluation.json"} == set(shown)
    built.dvc("plots", "show", "-o", "shown")
    assert "asked_total" in (built.folder / "shown" / "index.html").read_text()
    tracked = built.git("ls-files").splitlines()
    assert "dvc.lock" in tracked and "results/evaluation.json" in tracked
    assert not [name for name in tracked if name.startswith(("data/", "runs/", "results/run/", "mlflow"))]


def test_answers_lie_where_no_stage_empties_them(built):
    stages = yaml.safe_load((built.folder / "dvc.yaml").read_text())["stages"]
    outs = [out for stage in stages.values() for out in stage.get("outs", [])]
    logs = list((built.folder / "runs").glob("*/answers.jsonl"))
    assert logs
    assert not [log for log in logs for out in outs if log.is_relative_to(built.folder / out)]


def test_a_second_time_nothing_is_done_and_a_clone_pulls_the_same(built, tmp_path):
    assert "up to date" in built.dvc("repro")
    built.dvc("remote", "add", "-d", "store", str(tmp_path / "store"))
    built.git("commit", "-qam", "remote")
    built.dvc("push", "-q")
    built.git("clone", "-q", str(built.folder), str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")
    clone.dvc("pull", "-q")
    assert "up to date" in clone.dvc("repro")
    assert clone.json("results/run/metrics.json") == built.json("results/run/metrics.json")


@pytest.mark.nightly
def test_what_a_parameter_changes_is_done_again_and_experiments_give_the_same_as_mlflow(built):
    shown = built.dvc("exp", "run", "-S", "run.sampler=none", "-n", "silent")
    assert "Stage 'prepare' didn't change, skipping" in shown
    assert "Running stage 'run'" in shown
    without = built.json("results/run/metrics.json")
    assert without["asked_total"] == 0
    again = built.dvc("exp", "run", "-S", "run.sampler=none", "-f", "-s", "run", "-n", "again")
    assert "Running stage 'run'" in again
    assert built.json("results/run/metrics.json") == without
    rows = json.loads(built.dvc("exp", "show", "--json"))
    names = {exp["name"] for row in rows for exp in (row.get("experiments") or [])}
    assert {"silent", "again"} <= names

    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{built.folder}/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("aas").experiment_id])
    assert len(runs) == 3
    assert {run.data.metrics["mAP"] for run in runs if run.data.params["sampler.name"] == "none"} == {without["mAP"]}
