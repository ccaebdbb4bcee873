"""`aas label`: from photos to groups without training, and all ways in which it ends."""

import _thread
import io
import itertools
import json
import re
import threading
import time
from http.client import HTTPConnection

import pandas as pd
import pytest
from rich.console import Console

from aas_plugin.annotator.in_run import PageOfRun
from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.errors import AasError
from aas_plugin.hookspecs import hookimpl
from aas_plugin.runs.outlook import outlook_in_words
from aas_plugin.settings.labelling import LABELLING
from aas_plugin.testing.tiny import TINY, tiny_engine
from aas_plugin.tracking.label_terminal import LabelTerminal, minutes_of

IDS = map("{:016x}".format, itertools.count(1))
SMALL = (
    *("-p", "aas_plugin.testing.backbone", "--device", "cpu"),
    *("--set=backbone.name=tiny", "--set=backbone.bn_neck=false", "--set=tracking.mlflow=false"),
    *("--set=training.height=48", "--set=training.width=48"),
)


@pytest.fixture
def coats(drawn):
    """Flags that choose the tiny data set."""
    options = {name: value for name, value in TINY["dataset"].items() if name != "name"}
    return [*SMALL, *(f"--set=dataset.{name}={value}" for name, value in {**options, "path": drawn}.items())]


def labelling(ready, *layers, name="run", resume=False, observers=()):
    """An engine of a labelling run, in batches of 8."""
    plugins = ready.plugins()
    for number, observer in enumerate(observers):
        plugins.load(f"observer {number}", observer, "tests")
    labels = {"adapter": {"name": "label"}, **LABELLING, "oracle": "labels", "backbone": TINY["backbone"]}
    eight = {"active": {"budget": 8}}
    return tiny_engine(plugins, ready.folder / name, ready.drawn, labels, eight, *layers, resume=resume)


def reports(folder):
    found = sorted((folder / "cycles").glob("*/report.json"), key=lambda path: int(path.parent.name))
    return [json.loads(path.read_text()) for path in found]


def metrics(folder):
    return json.loads((folder / "metrics.json").read_text())


def labels_of(folder, cycle):
    return pd.read_parquet(folder / "cycles" / f"{cycle:02d}" / "labels.parquet")


def test_a_rehearsal_asks_up_to_its_limit_and_its_answers_begin_a_training_run(aas, coats, tmp_path):
    rehearsal = ("--oracle", "labels", "--until", "questions <= 70", "--batch", "16", "--run-name", "x")
    said = aas("label", "coats", *coats, *rehearsal)
    run = tmp_path / "runs" / "x"
    told = reports(run)
    assert [report["asked_total"] for report in told][-1] == 70 == len(AnswerLog(run / "answers.jsonl").answers())
    assert max(report["asked"] for report in told) <= 16
    assert len(labels_of(run, told[-1]["cycle"])) == 60  # no photo is kept for a test
    assert told[-1]["ARI"] >= told[0]["ARI"]
    outlook = json.loads((run / "outlook.json").read_text())
    assert outlook["reached"] and outlook["target"] == "questions <= 70" and outlook["answers"] == 70
    lines = said.splitlines()
    assert sum(" answers: " in line for line in lines) == len(told) - 1
    assert any(re.match(r"60 photos, \d+ groups, \d+ single photos?, 70 answers, 4 minutes", line) for line in lines)
    assert "aas export x -o names.csv" in said and "aas label --resume" in said
    final = metrics(run)
    assert final["kept"] == "untrained" and "did not help" not in said
    assert sorted(path.name for path in run.glob("*.pt")) == ["model.pt"]
    aas("constraints", "export", "x", "-o", "answers.csv")
    short = ("--set=training.epochs=1", "--set=training.iterations=1", "--sampler", "none")
    said = aas("run", "--dataset", "coats", *coats, *short, "--constraints", "answers.csv", "--run-name", "t")
    assert "begins with 70 answers" in said


def test_it_ends_by_itself_where_nothing_is_left_to_ask(ready):
    engine = labelling(ready, {"dataset": {"individuals": 4, "photos": 5}})
    assert engine.execute() == "finished"
    told = reports(ready.folder / "run")
    assert told[-1]["proposed"] == 0 and told[-1]["cycle"] < LABELLING["active"]["cycles"]
    assert told[-1]["ARI"] >= told[0]["ARI"]
    again = labelling(ready, {"dataset": {"individuals": 4, "photos": 5}}, resume=True)
    assert again.execute() == "finished"
    assert len(reports(ready.folder / "run")) == len(told)


class Interrupted:
    """Ctrl-C when a cycle ends."""

    def __init__(self, cycle):
        self.cycle = cycle

    @hookimpl
    def aas_cycle_finished(self, report):
        if report["cycle"] == self.cycle:
            raise KeyboardInterrupt


@pytest.mark.parametrize("cycle", [0, 3])
def test_killed_and_resumed_it_comes_to_the_same_end(ready, cycle):
    until = {"adapter": {"until": "questions <= 50"}, "oracle": {"name": "labels", "error_rate": 0.1}}
    labelling(ready, until, name="whole").execute()
    with pytest.raises(KeyboardInterrupt):
        labelling(ready, until, observers=(Interrupted(cycle),)).execute()
    assert not (ready.folder / "run" / "metrics.json").exists()
    assert labelling(ready, until, resume=True).execute() == "finished"
    ours, theirs = (metrics(ready.folder / name) for name in ("run", "whole"))
    for name in ("cycle", "asked_total", "ARI", "labels_hash"):
        assert ours[name] == theirs[name], name
    ours, theirs = ((ready.folder / name / "outlook.json").read_text() for name in ("run", "whole"))
    assert ours == theirs


def test_resumed_with_another_target_it_goes_on_to_that(ready):
    labelling(ready, {"adapter": {"until": "questions <= 16"}}).execute()
    assert metrics(ready.folder / "run")["asked_total"] == 16
    labelling(ready, {"adapter": {"until": "questions <= 16"}}, resume=True).execute()
    assert metrics(ready.folder / "run")["asked_total"] == 16
    labelling(ready, {"adapter": {"until": "questions <= 30"}}, resume=True).execute()
    assert metrics(ready.folder / "run")["asked_total"] == 30


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_bytes(file.read_bytes()[:30])])
def test_what_it_says_of_names_is_made_anew_where_it_is_gone_or_damaged(ready, damage):
    until = {"adapter": {"until": "questions <= 16"}}
    labelling(ready, until).execute()
    run = ready.folder / "run"
    outlook, names = (run / "outlook.json").read_text(), pd.read_parquet(run / "names.parquet")
    damage(run / "outlook.json")
    damage(run / "names.parquet")
    assert labelling(ready, until, resume=True).execute() == "finished"
    assert (run / "outlook.json").read_text() == outlook
    pd.testing.assert_frame_equal(pd.read_parquet(run / "names.parquet"), names)


def test_another_target_that_is_reached_already_is_said_to_be(ready):
    labelling(ready, {"adapter": {"until": "questions <= 16"}}).execute()
    labelling(ready, {"adapter": {"until": "questions <= 9"}}, resume=True).execute()
    outlook = json.loads((ready.folder / "run" / "outlook.json").read_text())
    assert (outlook["target"], outlook["reached"]) == ("questions <= 9", "questions <= 9")
    assert metrics(ready.folder / "run")["asked_total"] == 16


@pytest.mark.parametrize("sampler", [{"name": "aas"}, {"name": "cal", "audit": 0}])
def test_what_rests_on_random_checks_is_not_promised_without_any(ready, sampler):
    with pytest.raises(AasError, match=r"'wrong merges <= 1' cannot be promised.*draws no questions at random"):
        labelling(ready, {"adapter": {"until": "wrong merges <= 1"}, "sampler": sampler}).execute()
    labelling(ready, {"adapter": {"until": "questions <= 30"}, "sampler": sampler}, name="other").execute()
    outlook = json.loads((ready.folder / "other" / "outlook.json").read_text())
    assert outlook["answers"] == 30 and outlook["reason"].endswith("draws no questions at random")


def test_three_photos_are_asked_about_too(aas, coats, tmp_path):
    three = ("coats", *coats, "--set=dataset.individuals=1", "--set=dataset.photos=3", "--oracle", "labels")
    said = aas("label", *three, "--run-name", "x")
    assert AnswerLog(tmp_path / "runs" / "x" / "answers.jsonl").answers()
    assert len(set(labels_of(tmp_path / "runs" / "x", 1)["label"])) == 1
    assert "1 group, 0 single photos" in said and "warning" not in said and "nothing is left to ask" in said
    none = aas("label", *three, "--until", "questions <= 0")
    assert "Reached: questions <= 0. " in none and "nothing is left to ask" not in none


class Stops:
    """Ends a run after a cycle."""

    def __init__(self, cycle):
        self.cycle, self.asked = cycle, []

    @hookimpl
    def aas_stop(self, report):
        self.asked.append(None if report is None else report["cycle"])
        return (report is not None and report["cycle"] >= self.cycle) or None


def test_a_plugin_ends_any_run_in_order_and_it_can_go_on(ready, tmp_path):
    stops = Stops(1)
    assert ready.engine(observers=(stops,)).execute() == "finished"
    assert stops.asked == [1]
    assert metrics(tmp_path / "run")["cycle"] == 1
    again = Stops(1)
    assert ready.engine(observers=(again,), resume=True).execute() == "finished"
    assert again.asked == [1] and metrics(tmp_path / "run")["cycle"] == 1
    assert ready.engine(resume=True).execute() == "finished"
    ready.engine(name="whole").execute()
    assert metrics(tmp_path / "run")["labels_hash"] == metrics(tmp_path / "whole")["labels_hash"]


def at_the_page(console, individuals, answers, then):
    """Somebody who answers so many questions on the page that a run tells of, and then does something."""
    tab = "ab" * 8

    def work():
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)/", console.file.getvalue())):
            time.sleep(0.05)

        def post(path, **body):
            connection = HTTPConnection("127.0.0.1", int(found[1]), timeout=10)
            connection.request("POST", path, json.dumps({"person": "Ada", "tab": tab, **body}),
                               {"Content-Type": "application/json"})  # fmt: skip
            response = connection.getresponse()
            told = response.status, json.loads(response.read())
            connection.close()
            return told

        given = 0
        while given < answers:
            _, told = post("/api/claim", held=[], want=4)
            for pair in told["pairs"][: answers - given]:
                first, second = (individuals[told["photos"][str(pair[end])]["name"]] for end in "ab")
                decision = "same" if first == second else "different"
                assert post("/api/answers", id=next(IDS), pair=pair["pair"], decision=decision)[0] == 200
                given += 1
            time.sleep(0.02)
        done.append(then(post))

    done = []
    person = threading.Thread(target=work, daemon=True)
    person.start()
    return person, done


def with_people(ready, console, finish=True, **more):
    engine = labelling(ready, {"oracle": "people"}, **more)
    engine.run.plugins.register(PageOfRun(console, "127.0.0.1", 0, browser=False, finish=finish), name="page")
    table = engine.run.catalogue.table
    return engine, {path.rpartition("/")[2]: who for path, who in zip(table["path"], engine.run.identity, strict=True)}


def test_somebody_finishes_on_the_page_within_a_batch_and_can_go_on(ready, tmp_path):
    console = Console(file=io.StringIO(), width=200)
    engine, individuals = with_people(ready, console)
    person, done = at_the_page(console, individuals, 11, lambda post: (post("/api/finish"), post("/api/claim", want=5)))
    assert engine.execute() == "finished"
    person.join(timeout=20)
    ((status, told), (_, claimed)) = done[0]
    assert status == 200 and told["kept"] and told["state"]["finishing"] and told["state"]["left"] == 0
    assert told["state"]["outlook"] and claimed["pairs"] == []
    run = tmp_path / "run"
    answers = AnswerLog(run / "answers.jsonl").answers()
    assert len(answers) == 11 and not (run / "pending.jsonl").exists()
    last = reports(run)[-1]
    assert (last["cycle"], last["asked_total"], last["pending"], last["superfluous"]) == (2, 11, 0, 0)
    assert last["proposed"] > last["asked"]
    labels = labels_of(run, 2).set_index("path")["label"]
    held = [one for one in answers if one.id not in last["set_aside_answers"]]
    assert len(held) >= 9
    for one in held:
        together = labels[one.a] >= 0 and labels[one.a] == labels[one.b]
        assert together == (one.decision == "same")
    again = Console(file=io.StringIO(), width=200)
    engine, individuals = with_people(ready, again, resume=True)
    person, done = at_the_page(again, individuals, 8, lambda post: post("/api/finish"))
    assert engine.execute() == "finished"
    person.join(timeout=20)
    assert len(AnswerLog(run / "answers.jsonl").answers()) == 19


def test_a_run_that_ends_by_itself_cannot_be_finished_on_its_page(ready):
    console = Console(file=io.StringIO(), width=200)
    engine, individuals = with_people(ready, console, finish=False)

    def ask(post):
        told = post("/api/finish")
        _thread.interrupt_main()
        return told

    person, done = at_the_page(console, individuals, 1, ask)
    assert engine.execute() == "waiting"
    person.join(timeout=20)
    assert done[0][0] == 409 and "Ctrl-C" in done[0][1]["error"]
    assert "Stopping" in console.file.getvalue()


def test_what_was_answered_of_a_batch_before_ctrl_c_is_said_to_count_later(ready):
    console = Console(file=io.StringIO(), width=200)
    engine, individuals = with_people(ready, console)
    engine.run.plugins.register(LabelTerminal(console, None, "aas label --resume"), name="terminal")
    person, _ = at_the_page(console, individuals, 11, lambda post: _thread.interrupt_main())
    assert engine.execute() == "waiting"
    person.join(timeout=20)
    outlook = json.loads((ready.folder / "run" / "outlook.json").read_text())
    assert f"do without the last {11 - outlook['answers']} answers so far" in console.file.getvalue()


def test_all_photos_are_labelled_whatever_their_split(aas, coats, tmp_path, drawn):
    rehearsal = ("--oracle", "labels", "--until", "questions <= 4", "--run-name")
    aas("label", "coats", *coats, *rehearsal, "x")
    photos = next(drawn.rglob("metadata.csv"))
    table = pd.read_csv(photos).assign(split="test")
    table.loc[: len(table) // 2, "split"] = "train"
    table.to_csv(photos.with_name("split.csv"), index=False)
    aas(
        "label",
        photos.with_name("split.csv"),
        *SMALL,
        "--oracle",
        "labels",
        "--until",
        "questions <= 4",
        "--run-name",
        "s",
    )
    assert len(labels_of(tmp_path / "runs" / "s", 1)) == len(table)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "aas label FOLDER"),
        (("nowhere/",), "there is no such folder"),
        (("coats", "--until", "fewer errors"), "wrong merges <= 1"),
        (("coats", "--error-rate", "0.1"), "--oracle labels"),
        (("--resume",), "no run to go on with"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(aas, arguments, words):
    said = aas("label", *arguments, status=2)
    assert words in said and said.count("\n") == 1, said


def test_an_outlook_is_told_in_plain_words():
    def estimate(value, low, high):
        return {"value": value, "low": low, "high": high}

    wrong = {"wrong_merges": estimate(1.2, 0, 3), "wrong_splits": estimate(4, 2, 7), "remaining": estimate(40, 20, 60)}
    told = {"groups": 57, **wrong, "answers": 100, "reason": "", "target": "", "reached": ""}
    sentence = "in 57 groups about 1 wrong merge (0 to 3) and about 4 wrong splits (2 to 7)."
    assert outlook_in_words(told) == f"About 40 more questions; {sentence}"
    few = {**told, "wrong_merges": None, "reason": "there are 12 answers, and it takes 40"}
    nothing = "57 groups so far; how many are wrong cannot be said: there are 12 answers, and it takes 40."
    assert outlook_in_words(few) == nothing
    limit = "questions <= 12"
    assert outlook_in_words({**few, "target": limit, "reached": limit}) == f"Reached: {limit}. {nothing}"
    many = outlook_in_words({**told, "remaining": None})
    assert many == f"More questions are left than there are photos; {sentence}"
    resting = outlook_in_words({**told, "audits": 15})
    assert resting == f"About 40 more questions; {sentence[:-1]}, by 100 answers, 15 of them random checks."
    done = {**told, "target": "wrong merges <= 3", "reached": "wrong merges <= 3"}
    assert outlook_in_words(done) == f"Reached: wrong merges <= 3. {sentence.capitalize()}"
    one = outlook_in_words({**told, "wrong_merges": estimate(2, 1, 3), "wrong_splits": estimate(1, 0, 2)})
    assert "about 2 wrong merges (1 to 3) and about 1 wrong split (0 to 2)" in one
    assert outlook_in_words({**told, "groups": 1, "wrong_splits": None}).startswith("1 group so far")


def test_minutes_of_people_leave_out_pauses():
    def at(second, who="Ada"):
        time = f"2026-01-01T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}+00:00"
        known = {"hash_a": "", "hash_b": "", "decision": "same", "cycle": 1, "kind": "over"}
        return Answer(id="0" * 12, a="a", b="b", annotator=who, time=time, **known)

    assert minutes_of([]) == 0
    assert minutes_of([at(0), at(27), at(57)]) == pytest.approx(1)
    assert minutes_of([at(0), at(3600)]) == pytest.approx(0.1)
    assert minutes_of([at(0), at(0, "Bob")]) == pytest.approx(0.1)
    assert minutes_of([at(0, "oracle:labels")] * 20) == pytest.approx(1)
