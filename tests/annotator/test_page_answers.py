"""Answering in a real browser: keys, taking back, looking back, contradictions, and answers that have to wait."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from browsing import until
from page_server import ask

CHAIN = ((0, 1), (1, 2), (0, 2), (3, 4))


def in_force(page):
    """What holds by the log: the decision on each pair, and its reason."""
    records = page.log()
    gone = {record["revokes"] for record in records if record["record"] == "revocation"}
    return {
        (int(record["a"][4:6]), int(record["b"][4:6])): (record["decision"], record["reason"])
        for record in records
        if record["record"] == "answer" and record["id"] not in gone
    }


def test_answers_by_keys_are_in_the_log_and_each_brings_the_next_pair(page, visit):
    one = page(pairs=((0, 1), (2, 3), (4, 5), (6, 7)))
    ada = visit(one.url)
    assert ada.pair() == "0-1"
    ada.tab.keyboard.press("s")
    assert ada.pair("0-1") == "2-3"
    ada.said("Same kept. Pair 2.")
    ada.tab.keyboard.press("d")
    assert ada.pair("2-3") == "4-5"
    ada.tab.keyboard.press("u")
    assert ada.pair("4-5") == "6-7" and ada.shown("reasons")
    ada.tab.keyboard.press("2")
    ada.said("The reason is kept: blurred.")
    assert not ada.shown("reasons")
    wanted = {(0, 1): ("same", ""), (2, 3): ("different", ""), (4, 5): ("cannot_tell", "blurred")}
    assert in_force(one) == wanted
    assert {record["annotator"] for record in one.log() if "annotator" in record} == {"Ada"}
    assert ada.text("progress-text") == "3 answered, 1 left"
    timings = ada.tab.evaluate("window.aasTimings")
    assert len(timings) == 3 and min(timings) > 0
    ada.press("s")
    until(lambda: ada.shown("panel"), "the end")
    assert ada.text("panel-title") == "All answered, thank you"


def test_undo_goes_back_to_any_depth_also_of_an_earlier_sitting(page, visit):
    one = page(pairs=tuple((2 * number, 2 * number + 1) for number in range(25)))
    ada = visit(one.url)
    order = []
    for _ in range(23):
        order.append(ada.pair(order[-1] if order else None))
        ada.tab.keyboard.press("s")
    ada.pair(order[-1])
    ada.kept()
    assert len(in_force(one)) == 23
    ada.tab.reload()
    seen = [ada.pair()]
    for _ in range(23):
        ada.tab.keyboard.press("z")
        seen.append(ada.pair(seen[-1]))
    assert seen[1:] == order[::-1]
    ada.kept()
    assert in_force(one) == {}
    ada.tab.keyboard.press("z")
    ada.said("There is no answer to take back.")


def test_looking_back_changes_an_answer_and_comes_back_to_the_questions(page, visit):
    one = page(pairs=((0, 1), (2, 3), (4, 5)))
    ada = visit(one.url)
    ada.press("s")
    ada.pair("0-1")
    ada.press("s")
    assert ada.pair("2-3") == "4-5"
    ada.press("ArrowLeft")
    assert ada.pair("4-5") == "2-3" and "you said same" in ada.text("looking-back-text")
    ada.press("ArrowLeft")
    assert ada.pair("2-3") == "0-1"
    assert ada.tab.locator("#same").get_attribute("aria-pressed") == "true"
    ada.press("d")
    ada.said("Changed to different.")
    ada.press("ArrowRight")
    assert ada.pair("0-1") == "2-3"
    ada.press("Escape")
    assert ada.pair("2-3") == "4-5" and not ada.shown("looking-back")
    assert in_force(one) == {(0, 1): ("different", ""), (2, 3): ("same", "")}


def test_what_is_pressed_twice_by_chance_answers_once(page, visit):
    one = page(pairs=((0, 1), (2, 3), (4, 5)))
    ada = visit(one.url)
    ada.pair()
    ada.tab.locator("#same").dblclick()
    assert ada.pair("0-1") == "2-3"
    ada.tab.keyboard.press("Control+s")
    ada.tab.keyboard.press("Shift+D")
    ada.tab.keyboard.down("d")
    for _ in range(3):
        ada.tab.keyboard.down("d")
    ada.tab.keyboard.up("d")
    assert ada.pair("2-3") == "4-5"
    ada.kept()
    assert in_force(one) == {(0, 1): ("same", ""), (2, 3): ("different", "")}


def test_later_comes_behind_the_others(page, visit):
    one = page(pairs=((0, 1), (2, 3)))
    ada = visit(one.url)
    ada.press("Space")
    assert ada.pair("0-1") == "2-3"
    ada.press("s")
    assert ada.pair("2-3") == "0-1"
    assert in_force(one) == {(2, 3): ("same", "")}


def test_a_contradiction_is_shown_with_its_chain_and_resolved(page, visit):
    one = page(pairs=CHAIN)
    ada = visit(one.url)
    before = None
    for key in "sud":
        before = ada.pair(before)
        ada.tab.keyboard.press(key)
    assert ada.pair(before) == "3-4"
    ada.press("ArrowLeft", "ArrowLeft")
    assert ada.pair("0-2") == "1-2"
    ada.press("s")
    ada.tab.wait_for_selector("#contradiction-dialog[open]")
    assert ada.text("contradiction-title").startswith("You said “same”. Earlier answers say otherwise")
    rows = ada.tab.locator("#contradiction-rows .row")
    assert rows.count() == 3 and ada.tab.locator("#contradiction-rows img").count() == 6
    ada.tab.keyboard.press("s")
    assert ada.tab.locator("#contradiction-save").is_disabled()
    rows.filter(has=ada.tab.locator("legend", has_text=": different")).locator("label.same").click()
    ada.tab.locator("#contradiction-save").click()
    ada.tab.wait_for_selector("#contradiction-dialog:not([open])", state="attached")
    ada.said("Settled.")
    assert ada.pair() == "3-4"
    assert {decision for decision, _ in in_force(one).values()} == {"same"}
    assert one.queue.contradictions() == {"contradictions": []}


def test_a_contradiction_that_is_left_for_later_stays_on_the_list(page, visit):
    one = page(pairs=CHAIN)
    for pair, decision in (("0-1", "same"), ("1-2", "cannot_tell"), ("0-2", "different")):
        one.say(pair, decision)
    ada = visit(one.url)
    ada.pair()
    ada.tab.keyboard.press("ArrowLeft")
    ada.tab.keyboard.press("ArrowLeft")
    until(lambda: ada.pair() == "1-2", "the answer before")
    ada.press("s")
    ada.tab.wait_for_selector("#contradiction-dialog[open]")
    ada.tab.locator("#contradiction-later").click()
    assert ada.text("contradictions-count") == "1" and "does not count" in ada.text("looking-back-text")
    ada.press("k")
    ada.tab.wait_for_selector("#contradiction-dialog[open]")


def test_a_group_is_taken_apart_after_it_was_said_what_that_takes_back(page, visit):
    one = page(pairs=((0, 1), (1, 2), (3, 4)))
    one.say("0-1", "same")
    one.say("1-2", "same")
    ada = visit(one.url)
    ada.press("g")
    ada.tab.get_by_label("Choose 02.jpg").click()
    ada.tab.get_by_role("button", name="Take 1 apart").click()
    ada.tab.get_by_role("button", name="Take back 1 answer").click()
    ada.said("Taken apart")
    assert in_force(one) == {(0, 1): ("same", "")}


def test_an_answer_that_is_refused_is_told_and_not_counted(page, visit):
    one = page(pairs=((0, 1), (2, 3)))
    ada = visit(one.url, calm=False)
    assert ada.pair() == "0-1"
    one.say("0-1", "different", person="Bob")
    ada.press("s")
    until(lambda: ada.shown("warning"), "a warning")
    assert ada.text("warning-text").startswith("Your answer “same” was not kept: Bob answered this pair meanwhile")
    assert in_force(one) == {(0, 1): ("different", "")}
    assert ada.pair("0-1") == "2-3"


def test_without_a_connection_answers_wait_in_the_browser_and_it_is_said(page, visit):
    one = page(pairs=((0, 1), (2, 3), (4, 5)))
    ada = visit(one.url, calm=False)
    ada.pair()
    ada.context.set_offline(True)
    ada.press("s")
    ada.pair("0-1")
    ada.press("d")
    until(lambda: "2 answers are not kept yet" in ada.text("unkept-text"), "the page to say it")
    assert ada.shown("unkept") and one.log() == []
    ada.context.set_offline(False)
    ada.kept()
    assert not ada.shown("unkept")
    assert in_force(one) == {(0, 1): ("same", ""), (2, 3): ("different", "")} and len(one.log()) == 2


class Command:
    """`aas annotate` as a process, which can be killed."""

    def __init__(self, folder, photos, port=0):
        command = [sys.executable, "-m", "aas_plugin", "annotate", str(folder), "--photos", str(photos)]
        path = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        self.process = subprocess.Popen(
            [*command, "--no-browser", "--port", str(port)], stdout=subprocess.PIPE, text=True, env=path
        )
        self.url = re.search(r"http://\S+", self.process.stdout.readline())[0]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


def test_after_the_server_was_killed_every_answer_is_there_once(tmp_path, visit):
    folder, photos = tmp_path / "run", tmp_path / "photos"
    ask(folder, photos, ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9)))
    first = Command(folder, photos)
    ada = visit(first.url, calm=False)
    ada.press("s")
    ada.pair("0-1")
    ada.kept()
    first.kill()
    ada.press("d")
    ada.pair("2-3")
    ada.press("u")
    ada.pair("4-5")
    until(lambda: "2 answers are not kept yet" in ada.text("unkept-text"), "the page to say it")
    second = Command(folder, photos, port=int(first.url.rstrip("/").rsplit(":", 1)[1]))
    try:
        ada.tab.reload()
        ada.pair()
        ada.kept()
        assert ada.pair() == "6-7"
        records = [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]
        assert [record["decision"] for record in records] == ["same", "different", "cannot_tell"]
    finally:
        second.kill()


def test_when_all_is_answered_the_page_says_how_to_go_on(page, visit):
    command = "aas run --resume --run-name x"
    one = page(pairs=((0, 1),), go_on=f"Go on with the run by: {command}")
    ada = visit(one.url)
    ada.press("s")
    until(lambda: ada.text("panel-command") == command and ada.shown("panel-command"), "the command")
    assert ada.text("panel-text") == "Go on with the run by:"


def test_when_the_server_has_ended_and_nothing_is_left_to_show_the_page_says_so(page, visit):
    one = page(pairs=((0, 1),))
    ada = visit(one.url, calm=False)
    ada.pair()
    one.serving.stop()
    ada.press("s")
    until(lambda: ada.text("panel-title") == "The page's server has ended", "the page to say it")
    assert ada.text("panel-text").startswith("1 answer is not kept yet") and ada.shown("unkept")
