"""A run that waits for its page and goes on by itself, and one whose people go home."""

import _thread
import io
import json
import re
import threading
import time

import pytest
from page_server import IDS, TAB, Page
from rich.console import Console

from aas_plugin.annotator.in_run import PageOfRun
from aas_plugin.annotator.lock import annotator_lock
from aas_plugin.annotator.queue import QuestionQueue
from aas_plugin.constraints.answers import AnswerLog
from aas_plugin.runs.folder import lock

PEOPLE = {"oracle": "people", "active": {"rounds": 2}}


def answers(individuals, console, most=10**9):
    """Somebody who opens the page that the run tells of, and answers up to a number of questions."""

    def work():
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)/", console.file.getvalue())):
            time.sleep(0.05)
        one = Page.__new__(Page)
        one.port, given = int(found[1]), 0
        while given < most:
            try:
                _, told = one.post("/api/claim", person="Ada", tab=TAB, held=[], want=5)
            except OSError:  # the run ended, and its page with it
                return
            states.append(told["state"]["run"])
            for pair in told["pairs"][: most - given]:
                first, second = (individuals[told["photos"][str(pair[end])]["name"]] for end in "ab")
                decision = "same" if first == second else "different"
                body = {"id": next(IDS), "person": "Ada", "tab": TAB, "pair": pair["pair"], "decision": decision}
                assert one.post("/api/answers", **body)[0] == 200
                given += 1
            time.sleep(0.02)
        _thread.interrupt_main()  # as Ctrl-C

    states: list[str] = []
    person = threading.Thread(target=work, daemon=True)
    person.start()
    return person, states


def waiting_engine(ready, console, **more):
    engine = ready.engine(PEOPLE, **more)
    engine.run.plugins.register(PageOfRun(console, "127.0.0.1", 0, browser=False), name="page")
    table = engine.run.catalogue.table
    individuals = {path.rpartition("/")[2]: who for path, who in zip(table["path"], engine.run.identity, strict=True)}
    return engine, individuals


def test_a_run_waits_for_its_page_and_ends_as_with_the_labels(ready, tmp_path):
    console = Console(file=io.StringIO(), width=200)
    engine, individuals = waiting_engine(ready, console)
    person, states = answers(individuals, console)
    with lock(engine.run.folder):
        assert engine.execute() == "finished"
    person.join(timeout=20)
    assert not person.is_alive() and {"waiting", "running"} <= set(states)
    assert {one.annotator for one in AnswerLog(tmp_path / "run" / "answers.jsonl").answers()} == {"Ada"}
    ready.engine({"active": {"rounds": 2}}, name="labels").execute()
    for cycle in ("01", "02"):
        ours, theirs = (
            json.loads((tmp_path / name / "cycles" / cycle / "report.json").read_text()) for name in ("run", "labels")
        )
        for number in ("asked", "superfluous", "must_links", "cannot_links", "mAP", "ARI"):
            assert ours[number] == theirs[number], number


def test_ctrl_c_ends_a_run_that_waits_and_it_goes_on_where_it_was(ready, tmp_path):
    console = Console(file=io.StringIO(), width=200)
    engine, individuals = waiting_engine(ready, console)
    person, _ = answers(individuals, console, most=3)
    assert engine.execute() == "waiting"
    person.join(timeout=20)
    assert json.loads((tmp_path / "run" / "status.json").read_text())["status"] == "waiting"
    assert len(AnswerLog(tmp_path / "run" / "answers.jsonl").answers()) == 3
    with pytest.raises(OSError):  # its page ended, too
        one = Page.__new__(Page)
        one.port = int(re.search(r":(\d+)/", console.file.getvalue())[1])
        one.get("/api/state")
    again = Console(file=io.StringIO(), width=200)
    engine, individuals = waiting_engine(ready, again, resume=True)
    person, _ = answers(individuals, again)
    assert engine.execute() == "finished"
    person.join(timeout=20)


def test_a_run_waits_for_a_page_that_is_open_already(ready, tmp_path):
    console = Console(file=io.StringIO(), width=500)
    engine, individuals = waiting_engine(ready, console)

    def at_the_other_page():
        while "to answer" not in console.file.getvalue():
            time.sleep(0.05)
        queue = QuestionQueue(tmp_path / "run")
        while not done.is_set():
            for pair in queue.claim("Ada", TAB, [], 5)["pairs"]:
                first, second = (individuals[queue.id_path(pair[end])[0].rpartition("/")[2]] for end in "ab")
                decision = "same" if first == second else "different"
                queue.answer(id=next(IDS), person="Ada", tab=TAB, pair=pair["pair"], decision=decision)
            time.sleep(0.05)

    done, person = threading.Event(), threading.Thread(target=at_the_other_page, daemon=True)
    with annotator_lock(tmp_path / "run", "http://127.0.0.1:8765/"):
        person.start()
        try:
            assert engine.execute() == "finished"
        finally:
            done.set()
            person.join(timeout=20)
    assert "are being answered already (http://127.0.0.1:8765/)" in console.file.getvalue()
