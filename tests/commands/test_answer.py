"""`aas answer`: people at the questions of a run that waits, of a script, and of a lost data set."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from aas_plugin.annotator.lock import annotator_lock
from aas_plugin.annotator.queue import QuestionQueue
from aas_plugin.cli import app
from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.data.catalogue import content_hash
from aas_plugin.errors import AasError
from aas_plugin.files import write_json_lines
from aas_plugin.hookspecs import hookimpl

PATIENT = 10_000


def aas(*arguments, keys=(), status=0):
    text = "".join(f"{key}\n" for key in keys)
    done = CliRunner().invoke(app, [str(argument) for argument in arguments], input=text)
    if isinstance(done.exception, AasError):
        assert status == 2, done.exception
        return str(done.exception)
    assert done.exit_code == status, (done.output, done.exception)
    return done.output


class Waiting:
    """Leaves every question to people until it has patience, and then answers from identities."""

    patience = False

    def __init__(self, options):
        pass

    @hookimpl
    def aas_answer(self, run, question):
        if not Waiting.patience:
            return None
        first, second = run.identity[run.train[[question.u, question.v]]]
        return "same" if first == second else "different"


@pytest.fixture
def waiting(ready, monkeypatch):
    """A run whose questions all wait; gives its engine, and a way to go on with it."""
    monkeypatch.chdir(ready.folder)
    monkeypatch.setattr(Waiting, "patience", False)
    layers, components = {"oracle": "waiting", "active": {"rounds": 1}}, [("oracle", "waiting", Waiting)]
    engine = ready.engine(layers, components=components)
    assert engine.execute() == "waiting"

    def go_on():
        Waiting.patience = True
        again = ready.engine(layers, components=components, resume=True)
        assert again.execute() == "finished"

    return engine, go_on


def truth_of(engine, folder, scratch):
    """What somebody who knows the individuals types, question by question."""
    shutil.copytree(folder, scratch)
    individuals = dict(zip(engine.run.catalogue.table["path"], engine.run.identity, strict=True))
    queue, keys = QuestionQueue(scratch), []
    while offer := queue.claim("copy", "1", [], 1)["pairs"]:
        first, second = (individuals[queue.images.paths[offer[0][end]]] for end in "ab")
        decision = "same" if first == second else "different"
        queue.answer(id=f"{len(keys):016x}", person="copy", tab="1", pair=offer[0]["pair"], decision=decision)
        keys.append(decision[0])
    return keys


def test_answers_from_the_terminal_are_those_of_an_oracle_to_the_run(ready, waiting, tmp_path):
    engine, go_on = waiting
    folder = tmp_path / "run"
    asked = [json.loads(line) for line in (folder / "pending.jsonl").read_text().splitlines()]
    keys = truth_of(engine, folder, tmp_path / "copy")
    assert len(keys) < len(asked)  # some answers follow from others
    shown = aas("answer", "run", "--annotator", "Ada", "--no-open", keys=keys)
    assert f"{len(keys)} answered, 0 left" in shown
    assert "aas run --resume --run-name run" in shown
    given = AnswerLog(folder / "answers.jsonl").answers()
    assert {answer.annotator for answer in given} == {"Ada"}
    kinds = {(row["a"], row["b"]): (row["kind"], row["cycle"]) for row in asked}
    root = engine.run.catalogue.root
    for answer in given:
        assert kinds[answer.a, answer.b] == (answer.kind, answer.cycle)
        assert answer.hash_a == content_hash(root / answer.a)
        assert answer.hash_b == content_hash(root / answer.b)
    go_on()
    assert not (folder / "pending.jsonl").exists()
    ready.engine({"active": {"rounds": 1}}, name="labels").execute()
    for cycle in ("01", "02"):
        ours, theirs = (
            json.loads((tmp_path / name / "cycles" / cycle / "report.json").read_text()) for name in ("run", "labels")
        )
        for number in ("asked", "superfluous", "asked_total", "imported", "must_links", "cannot_links"):
            assert ours[number] == theirs[number], number


def test_questions_that_are_being_answered_and_a_run_that_asks_nothing(waiting, tmp_path):
    with annotator_lock(tmp_path / "run", "http://127.0.0.1:8765"):
        told = aas("answer", "run", "--no-open", status=2)
    assert "are being answered already (http://127.0.0.1:8765)" in told
    (tmp_path / "run" / "pending.jsonl").unlink()
    assert "asks nothing" in aas("answer", "run")
    assert "there is no run 'other'" in aas("answer", "other", status=2)


@pytest.fixture
def active(tmp_path, monkeypatch):
    """The folder of a script's learner, with three questions about four photos."""
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for number, name in enumerate("wxyz"):
        Image.new("RGB", (40 + 10 * number, 30), (60 * number, 90, 0)).save(f"photos/{name}.png")
    ask = [("w", "x", "over"), ("x", "y", "under"), ("w", "y", "over"), ("y", "z", "over")]
    rows = [{"a": f"photos/{a}.png", "b": f"photos/{b}.png", "kind": kind, "cycle": 3} for a, b, kind in ask]
    write_json_lines(Path("active/pending.jsonl"), rows)
    return Path("active")


def decided(folder):
    answers = AnswerLog(folder / "answers.jsonl").answers()
    return [(Path(answer.a).stem + Path(answer.b).stem, answer.decision) for answer in answers]


def test_a_script_s_questions_with_both_photos_and_what_follows_is_not_asked(active):
    shown = aas("answer", "active", "--no-open", keys=["s", "d", "u"])
    assert decided(active) == [("wx", "same"), ("xy", "different"), ("yz", "cannot_tell")]
    assert "1 of 4" in shown and "3 of 4" not in shown and "4 of 4" in shown
    assert "photos/y.png\n    photos/z.png" in shown
    assert "3 answered, 0 left" in shown and "starting your script again" in shown
    # The last question's photos, y and z, in one picture.
    assert Image.open(active / "question.jpg").size == (60 + 8 + 70, 30)
    assert {answer.cycle for answer in AnswerLog(active / "answers.jsonl").answers()} == {3}


def test_later_back_quit_and_keys_that_are_none(active):
    shown = aas("answer", "active", "--no-open", keys=["z", "", "k", "s", "z", "d", "q"])
    assert "there is nothing to take back" in shown and "'k' is none of" in shown and "taken back" in shown
    assert decided(active) == [("xy", "different")]
    assert "1 answered, 3 left" in shown and "aas answer active" in shown
    # The end of the input is as good as q, and the next sitting begins with what was put off.
    shown = aas("answer", "active", "--no-open", keys=["s"])
    assert "1 of 3" in shown and "1 answered, 1 left" in shown
    assert decided(active) == [("xy", "different"), ("wx", "same")]


def test_a_lost_photo_is_told_and_may_be_put_off(active):
    Path("photos/w.png").rename("w.png")
    shown = aas("answer", "active", "--no-open", keys=["", "q"])
    assert "cannot be shown: Image photos/w.png cannot be read" in shown and "--photos FOLDER" in shown
    assert "both photos" in shown.split("2 of 4")[1]
    Path("elsewhere").mkdir()
    Path("photos").rename("elsewhere/photos")
    Path("w.png").rename("elsewhere/photos/w.png")
    shown = aas("answer", "active", "--no-open", "--photos", "elsewhere", keys=["s", "q"])
    assert "cannot be shown" not in shown and decided(active) == [("wx", "same")]


def test_an_answer_that_contradicts_what_came_meanwhile_is_kept_without_effect_and_told(active, monkeypatch):
    log = AnswerLog(active / "answers.jsonl")
    others = [
        Answer("b1", "photos/w.png", "photos/x.png", "", "", "same", "Bob", "", 3, "over"),
        Answer("b2", "photos/x.png", "photos/y.png", "", "", "different", "Bob", "", 3, "over"),
    ]
    rows = [{"a": "photos/w.png", "b": "photos/y.png", "kind": "over", "cycle": 3}]
    write_json_lines(active / "pending.jsonl", rows)
    answer = QuestionQueue.answer

    def after_bob(queue, **given):
        if not log.ids():
            log.append(others)
        return answer(queue, **given)

    monkeypatch.setattr(QuestionQueue, "answer", after_bob)
    shown = aas("answer", "active", "--no-open", keys=["s"])
    assert "same contradicts earlier answers: photos/w.png is the same as photos/x.png (Bob)" in shown
    assert "1 answered, 0 left" in shown
    assert log.answers()[-1].contradicts == ("b1", "b2")
