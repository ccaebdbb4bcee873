"""Ending a run on its page: the button, the question back, and what the page says of how it stands."""

import json

import pytest
from browsing import until
from page_server import ask

from aas_plugin.runs.status import write_status

PAIRS = tuple((2 * number, 2 * number + 1) for number in range(6))


def keep_outlook(folder, **more):
    def estimate(value, low, high):
        return {"value": value, "low": low, "high": high}

    told = {"wrong_merges": estimate(1, 0, 3), "wrong_splits": estimate(4, 2, 7), "remaining": estimate(40, 20, 60)}
    outlook = {"groups": 57, "individuals": None, **told, "answers": 8, "reason": "", "target": "", "reached": False}
    (folder / "outlook.json").write_text(json.dumps({**outlook, **more}))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_finished_by_the_keyboard_alone_after_a_question_back(page, visit, theme):
    one = page(pairs=PAIRS, finish=True)
    keep_outlook(one.folder)
    write_status(one.folder, "waiting")
    ada = visit(one.url, color_scheme=theme)
    ada.press("s", "d")
    ada.kept()
    sentence = "About 40 more questions; in 57 groups about 1 wrong merge (0 to 3) and about 4 wrong splits (2 to 7)"
    assert ada.text("outlook").startswith(sentence) and ada.shown("outlook")
    assert "later" not in ada.text("progress-text")
    ada.press("e")
    ada.tab.wait_for_selector("#finish-dialog[open]")
    assert ada.text("finish-outlook").endswith("4 questions of this batch are open.")
    ada.tab.keyboard.press("s")  # answers nothing
    ada.tab.keyboard.press("Escape")
    ada.tab.wait_for_selector("#finish-dialog", state="hidden")
    assert not one.queue.finishing and len(one.log()) == 2
    ada.press("e")
    for key in ("Tab", "Tab", "Enter"):
        ada.tab.keyboard.press(key)
    until(lambda: one.queue.finishing, "the run to be told")
    until(lambda: "Finishing" in ada.text("panel-title"), "the page to say so")
    assert ada.tab.locator("#finish-open").is_disabled() and len(one.log()) == 2
    write_status(one.folder, "finished")
    until(lambda: ada.text("panel-title") == "The run has finished", "the page to see the end")
    assert ada.text("panel-command") == "aas export run -o names.csv"


def test_answers_that_are_under_way_are_kept_first(page, visit):
    one = page(pairs=PAIRS, finish=True)
    keep_outlook(one.folder)
    ada = visit(one.url)
    kept = []
    finish = one.queue.finish

    def told(person):
        kept.append(len(one.log()))
        return finish(person)

    one.queue.finish = told
    ada.press("s", "d", "s")
    ada.tab.keyboard.press("e")
    ada.tab.locator("#finish-now").click()
    until(lambda: one.queue.finishing, "the run to be told")
    assert kept == [3]


def test_somebody_elses_pairs_are_taken_away_too(page, visit):
    one = page(pairs=tuple((2 * number, 2 * number + 1) for number in range(30)), finish=True)
    ada, bob = visit(one.url), visit(one.url, "Bob")
    ada.pair(), bob.pair()
    ada.press("e")
    ada.tab.locator("#finish-now").click()
    until(lambda: one.queue.finishing, "the run to be told")
    bob.press("s")
    until(lambda: "Finishing" in bob.text("panel-title"), "the other page to say so")
    assert len(one.log()) == 1


def test_a_run_that_ends_by_itself_has_no_such_button(page, visit):
    one = page(pairs=PAIRS)
    ada = visit(one.url)
    ada.press("e")
    assert not ada.shown("finish-open") and not ada.shown("outlook")
    assert ada.tab.locator("#finish-dialog[open]").count() == 0


def test_why_nothing_is_promised_is_said(page, visit):
    one = page(pairs=PAIRS, finish=True)
    keep_outlook(one.folder, wrong_merges=None, wrong_splits=None, remaining=None, reason="8 answers are too few")
    ada = visit(one.url)
    ada.pair()
    assert ada.text("outlook") == "57 groups so far; how many are wrong cannot be said: 8 answers are too few."


def test_the_next_batch_of_somebody_alone_is_never_said_to_be_with_others(page, visit):
    one = page(pairs=((0, 11),), finish=True)
    write_status(one.folder, "waiting")
    ada = visit(one.url)
    ada.tab.evaluate("""() => {
        const title = document.getElementById("panel-title");
        window.titles = [];
        new MutationObserver(() => window.titles.push(title.textContent)).observe(title, { childList: true });
    }""")
    ada.press("s")
    ada.kept()
    until(lambda: "All answered" in ada.text("panel-title"), "the batch to end")
    ask(one.folder, one.photos, PAIRS[1:-1], cycle=2)
    write_status(one.folder, "waiting")
    until(lambda: ada.tab.evaluate("document.body.dataset.ready"), "the next batch")
    assert "Nothing for you just now" not in ada.tab.evaluate("window.titles")


@pytest.mark.parametrize("width", [360, 390, 540])
def test_words_stay_inside_their_buttons_on_a_phone(page, visit, width):
    ada = visit(page(pairs=PAIRS, finish=True).url, viewport={"width": width, "height": 800}, has_touch=True)
    ada.pair()
    wide = "() => [...document.querySelectorAll('.answer')].filter((one) => one.scrollWidth > one.clientWidth).length"
    assert ada.tab.evaluate(wide) == 0
    ada.tab.locator("button[data-command=help]").tap()
    ada.tab.wait_for_selector("#help-dialog[open]")
