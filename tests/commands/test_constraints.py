"""`aas constraints` as a user meets it, and a run that begins with a set."""

import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from aas_plugin.cli import app
from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.constraints.sets import read_set, write_set
from aas_plugin.errors import AasError


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # Commands show warnings in their own way.
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)


def aas(*arguments, status=0):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(done.exception, AasError):
        assert status == 2, done.exception
        return str(done.exception)
    assert done.exit_code == status, (done.output, done.exception)
    return done.output


def constraints(*arguments, status=0):
    return aas("constraints", *arguments, status=status)


def answer(name, a, b, decision="same", annotator="Ada", cycle=1):
    time = f"2025-01-01T10:00:0{name[1:]}+00:00"
    return Answer(name, f"{a}.jpg", f"{b}.jpg", "", "", decision, annotator, time, cycle, "over")


def log(name="one", *answers):
    found = AnswerLog(Path("runs") / name / "answers.jsonl")
    found.append(answers)
    return found


ADA = (answer("a1", "x", "y"), answer("a3", "y", "z", "different"))
BOB = (answer("b2", "x", "y", "cannot_tell", "Bob"), answer("b4", "x", "z", "same", "Bob"))


def test_a_run_is_exported_by_name_by_folder_and_by_log():
    log("one", *ADA, BOB[0]).revoke("b2", "Bob")
    for source, file in [("one", "sets/one.csv"), ("runs/one", "one.parquet"), ("runs/one/answers.jsonl", "one.csv")]:
        assert "2 answers" in constraints("export", source, "-o", file)
        assert read_set(Path(file)) == list(ADA)
    assert Path("one.csv").read_bytes() == Path("sets/one.csv").read_bytes()
    assert "no answers" in constraints("export", "two", "-o", "two.csv", status=2)


def test_no_answer_is_lost_to_a_new_set_under_an_old_name():
    log("one", ADA[0])
    write_set(Path("one.csv"), ADA)
    assert "1 answer that would be lost" in constraints("export", "one", "-o", "one.csv", status=2)
    assert read_set(Path("one.csv")) == list(ADA)
    constraints("export", "one", "-o", "one.csv", "--force")
    assert read_set(Path("one.csv")) == [ADA[0]]


def test_importing_adds_what_is_not_there_once_and_lets_undone_answers_be():
    found = log("one", ADA[0], BOB[0])
    found.revoke("b2", "Bob")
    write_set(Path("set.csv"), [*ADA, BOB[0]])
    shown = constraints("import", "set.csv", "--run-name", "one")
    assert "1 answer added, 1 were there, 1 were taken back" in shown
    assert found.answers() == [ADA[0], replace(ADA[1], cycle=0)]
    assert "0 answers added" in constraints("import", "set.csv", "--run-name", "one")


def test_importing_refuses_contradictions_and_runs_that_are_not():
    found = log("one", *ADA)
    write_set(Path("bob.csv"), BOB)
    shown = constraints("import", "bob.csv", "--run-name", "one", status=2)
    assert "x.jpg is the same as z.jpg (Bob" in shown and "y.jpg differs from z.jpg (Ada" in shown
    assert found.answers() == list(ADA)
    assert "holds no run" in constraints("import", "bob.csv", "--run-name", "two", status=2)
    assert not Path("runs/two").exists()


def test_sets_of_two_people_are_merged_and_contradictions_settled_as_told():
    write_set(Path("ada.csv"), ADA)
    write_set(Path("bob.parquet"), BOB)
    both = ("merge", "ada.csv", "bob.parquet", "-o", "both.csv")
    assert "contradicts itself in 1 place" in constraints(*both, status=2)
    assert not Path("both.csv").exists()
    assert "choose one of newest, first, majority" in constraints(*both, "--keep", "oldest", status=2)
    for keep, dropped in [("first", "b4"), ("newest", "a1"), ("majority", "b4")]:
        shown = constraints(*both, "--keep", keep, "--force")
        (line,) = [line for line in shown.splitlines() if line.startswith("dropped")]
        assert f"{dropped})" in line.split("but")[0]
        assert {one.id for one in read_set(Path("both.csv"))} == {"a1", "b2", "a3", "b4"} - {dropped}


def test_a_check_lists_what_is_wrong_and_its_status_tells_of_contradictions():
    write_set(Path("ada.csv"), [*ADA, BOB[0]])
    shown = constraints("check", "ada.csv")
    assert "0 answers contradicting" in shown
    assert "x.jpg and y.jpg: same (Ada, a1), cannot_tell (Bob, b2)" in shown
    Path("herd").mkdir()
    for name in "yz":
        Image.new("RGB", (40, 30)).save(f"herd/{name}.jpg")
    shown = constraints("check", "ada.csv", "--dataset", "herd")
    assert "1 image not in herd, 2 answers about them\n    x.jpg\n" in shown
    write_set(Path("both.csv"), [*ADA, *BOB])
    shown = constraints("check", "both.csv", status=1)
    assert "1 answer contradicting those before\n    x.jpg is the same as z.jpg (Bob" in shown


def test_numbers_for_people_and_for_programs():
    write_set(Path("set.csv"), [*ADA, BOB[0]])
    shown = constraints("stats", "set.csv")
    assert "by Bob: 1 answer (0 same, 0 different, 1 cannot tell)" in shown
    numbers = json.loads(constraints("stats", "set.csv", "--json"))
    assert (numbers["answers"], numbers["cannot_links_closure"], numbers["annotators"]["Ada"]["answers"]) == (3, 2, 2)


def test_stats_tell_how_far_people_agree_and_of_a_run_also_of_errors_that_were_mended():
    first = replace(ADA[0], id="1", decision="same")
    again = replace(first, id="2", annotator="Bob", repeats="1")
    alone = constraints("stats", _set("one.csv", [first]))
    assert "looked at twice" not in alone
    shown = constraints("stats", _set("two.csv", [first, again]))
    assert "1 pair was looked at twice; the looks agree on 100%" in shown
    assert [line.split() for line in shown.splitlines() if line.startswith("Bob ")] == [
        ["Bob", "1", "0.0%", "0.0%", "to", "50.0%"]
    ]
    log = AnswerLog("runs/herd/answers.jsonl")
    log.append([replace(first, id="0", decision="different")])
    log.append([first], ["0"], "Ada", "contradiction")
    log.append([again])
    assert "1 pair was looked at twice; the looks agree on 0%" in constraints("stats", "herd")
    told = json.loads(constraints("stats", "herd", "--json"))
    assert (told["answers"], told["agreement"]["checked_pairs"], told["agreement"]["agreement"]) == (2, 1, 0)


def _set(name, answers):
    write_set(Path(name), answers)
    return name


def test_a_run_of_another_method_begins_with_the_set_and_goes_on_without_it():
    rng = np.random.default_rng(0)
    for i, j in np.ndindex(3, 4):
        path = Path("herd") / f"animal {i}" / f"é{i} {j}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (48, 48, 3), dtype=np.uint8)).save(path)
    small = [
        "training.epochs=1", "training.iterations=1", "training.batch_size=4", "training.instances=2",
        "training.height=32", "training.width=32", "training.padding=2", "active.every=1", "active.cycles=1",
        "active.budget=5", "backbone=efficientnet_lite0", "tracking.mlflow=false",
    ]  # fmt: skip
    settings = [part for setting in small for part in ("--set", setting)]
    run = ("run", *settings, "--dataset", "herd", "--device", "cpu", "--run-name")
    aas(*run, "one")
    constraints("export", "one", "-o", "sets/herd.csv")
    given = read_set(Path("sets/herd.csv"))
    assert given
    aas(*run, "two", "--adapter", "cluster-contrast", "--constraints", "sets/herd.csv")
    imported = [one.id for one in AnswerLog("runs/two/answers.jsonl").answers() if one.cycle == 0]
    assert imported == [one.id for one in given]
    assert "constraints: sets/herd.csv" in Path("runs/two/config.yaml").read_text()
    report = json.loads(Path("runs/two/metrics.json").read_text())
    assert report["imported"] == len(given)

    Path("sets/herd.csv").unlink()
    count = len(AnswerLog("runs/two/answers.jsonl").answers())
    aas("run", "--resume", "--run-name", "two", "--constraints", "sets/herd.csv")
    assert len(AnswerLog("runs/two/answers.jsonl").answers()) == count
    assert "mAP" in aas("evaluate", "two")
