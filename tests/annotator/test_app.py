"""The page's routes over a real server: answers, what comes back with them, and what is told when the disk is full."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest
from page_server import IDS, TAB, ask

from aas_plugin.constraints.answers import AnswerLog
from aas_plugin.errors import AasError
from aas_plugin.oracles.people import PeopleOptions


def test_a_pair_is_claimed_answered_looked_back_at_and_taken_back(page):
    one = page()
    status, told = one.post("/api/claim", person="Ada", tab=TAB, held=[], want=2)
    assert status == 200 and [pair["pair"] for pair in told["pairs"]] == ["0-1", "1-2"]
    assert told["photos"]["0"]["name"] == "00.jpg" and set(told["photos"]) == {"0", "1", "2"}
    assert told["state"]["left"] == 3
    photo = told["photos"]["0"]
    status, headers, body = one.request("GET", f"/photo/0/1600.jpg?v={photo['v']}")
    assert (status, headers["content-type"], body[:2]) == (200, "image/jpeg", b"\xff\xd8")
    assert headers["cache-control"] == "private, max-age=3600"
    status, told = one.say("0-1", "same")
    assert status == 200 and told["kept"] and told["answer"]["in_effect"] and told["state"]["mine"] == 1
    assert one.log()[0]["annotator"] == "Ada" and one.log()[0]["hash_a"] == photo["v"]
    _, back = one.get("/api/history?person=Ada")
    assert [found["id"] for found in back["answers"]] == [told["answer"]["id"]] and back["photos"]
    _, why = one.get("/api/why?person=Ada&pair=0-1")
    assert why["kind"] == "over" and "one individual" in why["sentence"]
    status, undone = one.post("/api/undo", person="Ada", tab=TAB, answer=told["answer"]["id"])
    assert status == 200 and undone["pair"]["pair"] == "0-1" and undone["state"]["answered"] == 0
    assert one.post("/api/later", person="Ada", tab=TAB, pair="0-1")[1]["state"]["left"] == 3
    status, headers, body = one.request("GET", "/matches/0-1.jpg?person=Ada")
    assert (status, headers["content-type"], body[:2]) == (200, "image/jpeg", b"\xff\xd8")


def test_a_contradiction_comes_with_photos_and_is_resolved(page):
    one = page([(0, 1), (1, 2), (0, 2)])
    first = one.say("0-1", "same")[1]["answer"]["id"]
    one.say("1-2", "same")
    status, told = one.say("0-2", "different")
    assert status == 200 and len(told["contradiction"]["chain"]) == 2 and set(told["photos"]) == {"0", "1", "2"}
    assert len(one.get("/api/contradictions")[1]["contradictions"]) == 1
    change = [{"answer": first, "decision": "different"}]
    answer = told["answer"]["id"]
    status, told = one.post("/api/resolve", id=next(IDS), person="Ada", tab=TAB, answer=answer, changes=change)
    assert status == 200 and told["contradiction"] is None
    _, groups = one.get("/api/groups")
    assert groups["groups"] == [{"photos": [1, 2], "answers": 1}] and set(groups["photos"]) == {"1", "2"}
    _, shown = one.post("/api/unmerge/preview", photos=[2])
    ids = [found["id"] for found in shown["answers"]]
    assert one.post("/api/unmerge", id=next(IDS), person="Ada", tab=TAB, photos=[2], answers=ids)[0] == 200
    assert one.get("/api/groups")[1]["groups"] == []


@pytest.mark.parametrize("name", ["Zoë 🦌", "<script>alert(1)</script>", "O'Neil; DROP", "名前", "a" * 60, "%2e%2e/"])
def test_names_of_any_kind_are_kept_as_they_are(page, name):
    one = page([(0, 1)])
    assert one.say("0-1", "same", person=f"  {name} ")[0] == 200
    assert one.log()[0]["annotator"] == name


def test_a_name_typed_on_another_keyboard_is_the_same_and_that_of_a_machine_is_refused(page):
    one = page([(0, 1), (2, 3)])
    assert one.say("0-1", "same", person="Zoe\u0308")[0] == 200 and one.log()[0]["annotator"] == "Zo\u00eb"
    assert PeopleOptions(referee="Zoe\u0308 ").referee == "Zo\u00eb"
    status, told = one.say("2-3", "same", person="oracle:labels")
    assert status == 400 and "machines" in told["error"] and len(one.log()) == 1


def test_an_answer_that_the_disk_refuses_is_said_not_to_be_kept(page, monkeypatch):
    one = page()

    def full(*_):
        raise AasError("The answer log cannot be used (No space left on device); mend this and try again.")

    monkeypatch.setattr(AnswerLog, "_write", full)
    status, told = one.say("0-1", "same")
    assert status == 503 and told["kept"] is False and "No space left" in told["error"]
    monkeypatch.undo()
    assert one.log() == [] and one.say("0-1", "same")[0] == 200


def test_a_log_that_was_damaged_by_hand_is_told_and_left_as_it_is(page):
    one = page()
    one.say("0-1", "same")
    log = one.folder / "answers.jsonl"
    damaged = log.read_bytes() + b"what is no record\n{}\n"
    log.write_bytes(damaged)
    status, told = one.say("1-2", "same")
    assert status == 503 and told["kept"] is False and "is not a record of this log" in told["error"]
    assert log.read_bytes() == damaged


def test_nothing_that_is_sent_names_a_folder_of_the_photos(page):
    one = page([(0, 1), (1, 2), (0, 2), (2, 3)])
    (one.photos / "who" / "03.jpg").write_bytes(b"no photo")
    me = {"person": "Ada", "tab": TAB}
    sent = [
        one.post("/api/claim", **me, held=[], want=9),
        one.say("0-1", "same"),
        one.say("1-2", "same"),
        one.say("0-2", "different"),
        one.say("2-3", "same"),
        one.say("2-3", "cannot_tell"),
        one.post("/api/unmerge/preview", photos=[2]),
        *(one.get(f"/api/{name}?person=Ada") for name in ("session", "state", "history", "contradictions", "groups")),
        one.get("/api/why?person=Ada&pair=0-1"),
        one.request("GET", "/matches/2-3.jpg?person=Ada")[2].decode(),
        one.request("GET", "/photo/3/1600.jpg")[2].decode(),
    ]
    assert "03.jpg" in str(sent) and "who" not in str(sent)


def test_a_photo_that_vanished_is_told_and_the_others_are_answered(page):
    one = page()
    (one.photos / "who" / "01.jpg").unlink()
    _, told = one.post("/api/claim", person="Ada", tab=TAB, held=[], want=3)
    assert "01.jpg is not there any more" in told["photos"]["1"]["problem"]
    assert one.request("GET", "/photo/1/1600.jpg")[0] == 410
    status, told = one.say("0-1", "same")
    assert status == 409 and "01.jpg" in told["error"] and "was not kept" in told["error"]
    assert one.say("2-3", "same")[0] == 200 and one.say("0-1", "cannot_tell")[0] == 200


def start(folder, photos):
    """The server in a process of its own, which can be killed."""
    command = [sys.executable, "-m", "aas_plugin", "annotate", str(folder), "--photos", str(photos)]
    server = subprocess.Popen(
        [*command, "--no-browser", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"COLUMNS": "200"},
    )
    line = server.stdout.readline()
    return server, int(line.rsplit(":", 1)[1].strip().strip("/"))


def send(port, body):
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/api/answers", json.dumps(body), {"Content-Type": "application/json"})
    return connection.getresponse().status


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.nightly)])
def test_killed_in_the_middle_of_answering_every_acknowledged_answer_is_there_once(tmp_path, kills):
    pairs = [(a, b) for b in range(1, 40) for a in range(b)]
    ask(tmp_path / "run", tmp_path / "photos", pairs)
    rng, left = np.random.default_rng(0), iter(pairs)
    acknowledged: set[str] = set()
    sent: dict[str, str] = {}
    for _ in range(kills):
        server, port = start(tmp_path / "run", tmp_path / "photos")
        stopper = threading.Timer(rng.uniform(0.01, 0.4), os.kill, (server.pid, signal.SIGKILL))
        with suppress(OSError):
            while True:
                name = f"{len(sent):016x}"
                a, b = next(left)
                sent[name] = f"{a}-{b}"
                given = {"id": name, "person": "Ada", "tab": TAB, "pair": sent[name]}
                decision = "same" if a % 5 == b % 5 else "different"
                # As when the reply got lost: the page sends it again.
                for _ in range(2):
                    if send(port, {**given, "decision": decision}) == 200:
                        acknowledged.add(name)
                if stopper.ident is None:
                    stopper.start()
        stopper.join()
        server.wait()
    written = [json.loads(line)["id"] for line in Path(tmp_path / "run" / "answers.jsonl").read_text().splitlines()]
    assert len(written) == len(set(written)) and acknowledged <= set(written) and len(acknowledged) >= kills
    # At most the one on its way at each kill was written without a word.
    assert len(set(written) - acknowledged) <= kills


def test_a_server_that_is_told_to_end_ends(tmp_path):
    ask(tmp_path / "run", tmp_path / "photos", [(0, 1)])
    server, port = start(tmp_path / "run", tmp_path / "photos")
    assert send(port, {"id": "f" * 16, "person": "Ada", "tab": TAB, "pair": "0-1", "decision": "same"}) == 200
    # It says so by itself.
    while "All questions are answered" not in server.stdout.readline():
        pass
    server.send_signal(signal.SIGINT)
    assert "starting your script again" in server.communicate(timeout=30)[0]
