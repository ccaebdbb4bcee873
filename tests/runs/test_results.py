"""A run as a stage of a pipeline: what was broken off goes on, and nothing of anybody's is removed for a copy."""

import json

import pytest

from aas_plugin.errors import AasError
from aas_plugin.hookspecs import hookimpl
from aas_plugin.runs.data import RunData
from aas_plugin.runs.folder import project_root
from aas_plugin.runs.results import broken_off, check_results, copy_results


class Stops:
    @hookimpl
    def aas_epoch_finished(self, run, report):
        if report["epoch"] == 1:
            raise KeyboardInterrupt


def code_of(folder):
    return json.loads((folder / "run.json").read_text())["code_hash"]


def test_a_run_goes_on_until_its_results_are_copied(ready, tmp_path):
    first = ready.engine(observers=(Stops(),), name="first")
    run = first.run
    with pytest.raises(KeyboardInterrupt):
        first.execute()
    assert broken_off(tmp_path, run.settings, RunData(run.catalogue), code_of(tmp_path / "first")) == tmp_path / "first"
    other = run.settings.model_copy(update={"seed": 7})
    assert broken_off(tmp_path, other, RunData(run.catalogue), code_of(tmp_path / "first")) is None
    assert ready.engine(name="first", resume=True).execute() == "finished"
    assert broken_off(tmp_path, run.settings, RunData(run.catalogue), code_of(tmp_path / "first")) == tmp_path / "first"
    copy_results(tmp_path / "first", tmp_path / "out" / "results")
    assert broken_off(tmp_path, run.settings, RunData(run.catalogue), code_of(tmp_path / "first")) is None
    assert json.loads((tmp_path / "out" / "results" / "metrics.json").read_text())["labels_hash"]
    answers = (tmp_path / "first" / "answers.jsonl").read_bytes()
    assert (tmp_path / "out" / "results" / "answers.jsonl").read_bytes() == answers != b""


def test_code_that_changed_begins_anew(ready, tmp_path):
    engine = ready.engine(observers=(Stops(),), name="first")
    with pytest.raises(KeyboardInterrupt):
        engine.execute()
    state = json.loads((tmp_path / "first" / "run.json").read_text())
    code = code_of(tmp_path / "first")
    assert broken_off(tmp_path, engine.run.settings, RunData(engine.run.catalogue), code) == tmp_path / "first"
    (tmp_path / "first" / "run.json").write_text(json.dumps({**state, "code_hash": "other"}))
    assert broken_off(tmp_path, engine.run.settings, RunData(engine.run.catalogue), code) is None


def test_a_place_with_anything_else_is_refused_and_an_earlier_copy_is_not(tmp_path):
    runs, mine, copy = tmp_path / "runs", tmp_path / "mine", tmp_path / "copy"
    for folder in (runs / "a", mine, copy, tmp_path / "empty"):
        folder.mkdir(parents=True)
    (mine / "thesis.tex").write_text("years")
    for name in ("config.yaml", "run.json"):
        (copy / name).write_text("{}")
    for place in (runs, runs / "a", runs / "new", tmp_path):
        with pytest.raises(AasError, match="among the runs"):
            check_results(place, runs)
    for place in (mine, mine / "thesis.tex"):
        with pytest.raises(AasError, match="holds something else"):
            check_results(place, runs)
    for place in (copy, tmp_path / "empty", tmp_path / "new" / "one"):
        check_results(place, runs)


def test_a_copy_that_fails_leaves_the_earlier_one(ready, tmp_path):
    ready.engine().execute()
    copy_results(tmp_path / "run", tmp_path / "results")
    before = (tmp_path / "results" / "metrics.json").read_bytes()
    (tmp_path / "run" / "cycles").rename(tmp_path / "run" / "moved")
    with pytest.raises(AasError, match="cannot be written"):
        copy_results(tmp_path / "run", tmp_path / "results")
    assert (tmp_path / "results" / "metrics.json").read_bytes() == before


def test_a_queued_experiment_keeps_its_runs_in_the_project(tmp_path):
    scratch = tmp_path / ".dvc" / "tmp" / "exps" / "tmpabc"
    scratch.mkdir(parents=True)
    assert project_root(scratch) == tmp_path.resolve()
    assert project_root(tmp_path) == tmp_path
