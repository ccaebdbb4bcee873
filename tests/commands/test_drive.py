"""`aas drive` and `aas run --codebase` are one thing, from the first question to the end."""

import subprocess
import sys
import warnings

import pytest
import yaml
from checkouts import arguments, write_checkout, write_market, write_teacher
from typer.testing import CliRunner

from aas_plugin.cli import app
from aas_plugin.constraints.answers import AnswerLog
from aas_plugin.errors import AasError

CC = "cluster-contrast"
PEOPLE = """
from aas_plugin import hookimpl


class People:
    def __init__(self, options):
        pass

    @hookimpl
    def aas_answer(self, run, question):
        return None


@hookimpl
def aas_register(registry):
    registry.register("oracle", "people", People)
"""
SETTINGS = (
    "active.every=2", "active.cycles=1", "active.budget=5", "active.rounds=1", "tracking.mlflow=false", "oracle=people",
)  # fmt: skip
SETS = [part for setting in SETTINGS for part in ("--set", setting)]


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    return write_market(tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, market):
    written = write_checkout(CC, tmp_path_factory.mktemp("checkouts") / CC)
    write_teacher(CC, market, written)
    return written


def aas(folder, *given):
    done = subprocess.run(
        [sys.executable, "-m", "aas_plugin", *map(str, given)], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.nightly
def test_a_driven_run_waits_is_answered_and_goes_on_as_it_is_told(checkout, market, tmp_path):
    (tmp_path / "people.py").write_text(PEOPLE)
    flags = arguments(CC, market, tmp_path / "logs", epochs=2)
    options = [*SETS, "-p", "people", "--adapter", CC, "--fast-jaccard", "--run-name", "one"]
    shown = aas(tmp_path, "drive", checkout, *options, "--", *flags)
    assert "give them by aas annotate one, then go on with" in shown
    assert f"aas drive {checkout} --resume -p people --run-name one" in shown
    config = yaml.safe_load((tmp_path / "runs" / "one" / "config.yaml").read_text())
    assert config["codebase"]["path"] == str(checkout.resolve())
    assert config["codebase"]["fast_jaccard"] is True
    assert config["codebase"]["arguments"] == [str(flag) for flag in flags]

    # Its photos are named from a folder that only the script knows.
    photos = next(path.parent for path in market.rglob("*.jpg") if "train" in path.parent.name)
    answers = subprocess.run(
        [sys.executable, "-m", "aas_plugin", "answer", "one", "--no-open", "--photos", photos],
        cwd=tmp_path, input="u\n" * 5, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "5 answered, 0 left" in answers and "cannot be shown" not in answers
    assert len(AnswerLog(tmp_path / "runs" / "one" / "answers.jsonl").answers()) == 5
    # Without the flags, which the run has.
    again = aas(tmp_path, "drive", checkout, "--resume", "-p", "people", "--run-name", "one")
    assert "going on with 5 answers" in again and "Done in" in again
    assert "Done in" in aas(tmp_path, "run", "--resume", "-p", "people", "--run-name", "one")


def refused(monkeypatch, *given):
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    error = CliRunner().invoke(app, [str(part) for part in given]).exception
    assert isinstance(error, AasError)
    return str(error)


def test_what_belongs_to_native_runs_is_refused(checkout, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for option in (["--data", "x.tar"], ["--results", "out"], ["--each"]):
        shown = refused(monkeypatch, "run", "--codebase", checkout, *option)
        assert option[0] in shown and "for native runs" in shown
    for start in (["drive", checkout], ["run", "--codebase", checkout]):
        assert "training: unknown key" in refused(monkeypatch, *start, "--set", "training.epochs=2")
        assert "no run to go on with" in refused(monkeypatch, *start, "--resume")
    assert "is no folder; give that of a checkout" in refused(monkeypatch, "drive", tmp_path / "nowhere")
