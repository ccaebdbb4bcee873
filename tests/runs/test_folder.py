"""Where runs lie, for everybody who looks for one."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aas_plugin.cli import app
from aas_plugin.commands.running import Given
from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.constraints.sets import read_set, write_set
from aas_plugin.errors import AasError
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.runs.folder import find_run, lock, runs_folder
from aas_plugin.settings.resolving import resolve

ANSWER = Answer("a1", "x.jpg", "y.jpg", "", "", "same", "Ada", "2025-01-01T10:00:00+00:00", 1, "over")


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """The working folder of a queued DVC experiment, in a project with a run."""
    AnswerLog(tmp_path / "runs" / "one" / "answers.jsonl").append([ANSWER])
    (tmp_path / "runs" / "one" / "config.yaml").write_text("seed: 0\n")
    folder = tmp_path / ".dvc" / "tmp" / "exps" / "tmpabc"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    # Commands show warnings in their own way.
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    return folder


def refused(*arguments):
    error = CliRunner().invoke(app, list(arguments)).exception
    assert isinstance(error, AasError)
    return str(error)


def test_runs_lie_in_the_working_folder_and_for_a_queued_experiment_in_the_project(scratch, tmp_path, monkeypatch):
    assert runs_folder() == tmp_path.resolve() / "runs"
    monkeypatch.chdir(tmp_path)
    assert runs_folder() == Path("runs")


def test_experiments_that_begin_at_once_get_a_folder_each_and_leave_none_that_is_refused(tmp_path):
    settings = resolve(load_plugins(), [])
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: Given().new_folder(settings, tmp_path / "runs"), range(24)))
    assert len(set(made)) == 24 and all(folder.is_dir() for folder in made)
    with pytest.raises(AasError), lock(made[0]):
        raise AasError("refused")
    assert not made[0].exists()


def test_a_run_is_found_by_its_folder_and_by_its_name(scratch, tmp_path):
    runs = tmp_path.resolve() / "runs"
    assert find_run("one") == runs / "one"
    assert find_run(str(tmp_path / "runs" / "one")) == tmp_path / "runs" / "one"
    assert find_run("two") == runs / "two"
    # A folder of that name which is no run does not hide the run.
    (scratch / "one").mkdir()
    assert find_run("one") == runs / "one"


@pytest.mark.nightly
def test_every_command_looks_where_new_runs_go(scratch, tmp_path):
    runs = tmp_path.resolve() / "runs"
    # The run is found: what is told is what is wrong with it.
    other_seed = refused("run", "--resume", "--set", "seed=1", "--set", "tracking.mlflow=false")
    assert f"{runs / 'one'} is a run of another configuration" in other_seed
    assert f"{runs / 'two'} holds no run" in refused("evaluate", "two")
    assert f"a run under {runs}" in refused("embed", "two", ".")
    assert f"a run in {runs}" in refused("report", "two")
    assert str(runs / "two") in refused("answer", "two")
    assert CliRunner().invoke(app, ["answer", "one"]).output.startswith(f"{runs / 'one'} asks nothing")
    assert CliRunner().invoke(app, ["constraints", "export", "one", "-o", "one.csv"]).exit_code == 0
    assert read_set(Path("one.csv")) == [ANSWER]
    other = Answer("a2", "y.jpg", "z.jpg", "", "", "same", "Ada", "2025-01-01T10:00:01+00:00", 1, "over")
    write_set(Path("two.csv"), [other])
    assert CliRunner().invoke(app, ["constraints", "import", "two.csv", "--run-name", "one"]).exit_code == 0
    assert [answer.id for answer in AnswerLog(runs / "one" / "answers.jsonl").answers()] == ["a1", "a2"]
