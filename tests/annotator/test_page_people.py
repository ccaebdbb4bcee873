"""Who is at the page: several people, people without a mouse, with fingers, and with odd names."""

from collections import Counter

import pytest
from browsing import until
from page_server import Page, draw

from aas_plugin.constraints.listed import keep_images
from aas_plugin.constraints.matching_images import Images
from aas_plugin.data.catalogue import content_hash
from aas_plugin.files import write_json_lines

ODD = '<img src=x onerror="document.title=1">.jpg'
NAME = '<b>Ada</b> & "co" 象'
SIZES = ((1280, 720), (820, 1180), (1180, 820))
CONTRASTS = """() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number)
      .map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at);
      if (!/^rgba.*, 0\\)$/.test(backgroundColor)) return backgroundColor;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.querySelectorAll("button:not(:disabled), #progress-text, #saved, .name, .facts, #said, label")]
    .filter((element) => element.checkVisibility())
    .map((element) => {
      const [a, b] = [light(getComputedStyle(element).color), light(ground(element))].sort((x, y) => y - x);
      return [element.id || element.textContent, (a + 0.05) / (b + 0.05)];
    });
}"""


def fingers(visitor, *moves):
    """Put fingers on the glass, move them along, and lift them: each move has the places of all of them."""
    glass = visitor.context.new_cdp_session(visitor.tab)
    for number, places in enumerate(moves):
        points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(places)]
        glass.send("Input.dispatchTouchEvent", {"type": "touchMove" if number else "touchStart", "touchPoints": points})
    glass.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def middle(visitor, side="left"):
    box = visitor.lens(side)
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def swipe(visitor, right, down):
    x, y = middle(visitor)
    fingers(visitor, *([(x + right * step / 4, y + down * step / 4)] for step in range(5)))


def test_three_people_at_once_answer_each_pair_once(page, visit):
    pairs = tuple((2 * number, 2 * number + 1) for number in range(40))
    one = page(pairs=pairs)
    people = [visit(one.url, name) for name in ("Ada", "Bob", "Cleo")]
    for number in range(8):
        for visitor in people:
            visitor.press("sd"[number % 2])
        for visitor in people:
            visitor.kept()
    answers = [record for record in one.log() if record["record"] == "answer"]
    assert Counter(record["annotator"] for record in answers) == {"Ada": 8, "Bob": 8, "Cleo": 8}
    assert len({record["a"] for record in answers}) == 24
    people[0].press("p")
    until(lambda: people[0].tab.locator("#people-body tbody tr").count() == 3, "the table of people")


def test_two_tabs_of_one_browser_are_handed_different_pairs(page, visit):
    one = page(pairs=tuple((2 * number, 2 * number + 1) for number in range(30)))
    ada = visit(one.url)
    first = ada.pair()
    ada.tab.keyboard.press("s")
    ada.kept()
    ada.tab = ada.open()
    assert ada.pair() != first
    ada.tab.keyboard.press("s")
    ada.kept()
    assert len(one.log()) == 2


def test_all_of_it_works_with_the_keyboard_alone(page, visit):
    one = page(pairs=((0, 1), (1, 2), (0, 2), (3, 4)))
    ada = visit(one.url, name=None)
    ada.tab.wait_for_selector("#name-dialog[open]")
    ada.tab.keyboard.press("Escape")
    ada.tab.keyboard.type("Ada Älg")
    ada.tab.keyboard.press("Enter")
    ada.pair()
    assert ada.text("person-name") == "Ada Älg"
    ada.tab.keyboard.press("?")
    ada.tab.wait_for_selector("#help-dialog[open]")
    ada.press("s", "Escape")
    assert ada.pair() == "0-1" and one.log() == []
    while ada.tab.evaluate("document.activeElement.id") != "different":
        ada.tab.keyboard.press("Tab")
    ada.tab.keyboard.press("Enter")
    before = ada.pair("0-1")
    assert before == "1-2" and ada.tab.evaluate("document.activeElement.id") == "different"
    ada.tab.keyboard.press("u")
    assert ada.pair(before) == "0-2"
    ada.tab.keyboard.press("s")
    assert ada.pair("0-2") == "3-4"
    ada.press("ArrowLeft", "ArrowLeft")
    until(lambda: ada.pair() == "1-2", "the answer before")
    ada.press("s")
    ada.tab.wait_for_selector("#contradiction-dialog[open]")
    while ada.tab.evaluate("document.activeElement.type") != "radio":
        ada.tab.keyboard.press("Tab")
    ada.tab.keyboard.press("ArrowRight")
    while ada.tab.evaluate("document.activeElement.id") != "contradiction-save":
        ada.tab.keyboard.press("Tab")
    ada.tab.keyboard.press("Enter")
    ada.said("Settled.")
    assert one.queue.contradictions() == {"contradictions": []}
    assert {record["annotator"] for record in one.log()} == {"Ada Älg"}


def test_fingers_swipe_pinch_and_tap(page, visit):
    one = page(pairs=((0, 1), (2, 3), (4, 5), (6, 7)))
    ada = visit(one.url, viewport={"width": 820, "height": 1180}, has_touch=True, is_mobile=True)
    assert ada.pair() == "0-1"
    swipe(ada, 160, 10)
    assert ada.pair("0-1") == "2-3"
    swipe(ada, -160, 10)
    assert ada.pair("2-3") == "4-5"
    swipe(ada, 40, 0)
    x, y = middle(ada)
    before = ada.tab.locator("#photo-left .layer").bounding_box()
    fingers(ada, *([(x - 20 - step, y), (x + 20 + step, y)] for step in range(0, 50, 10)))
    nearer = ada.tab.locator("#photo-left .layer").bounding_box()
    other = ada.tab.locator("#photo-right .layer").bounding_box()
    assert nearer["width"] / before["width"] == pytest.approx(3, abs=0.1)
    assert nearer["width"] == pytest.approx(other["width"], abs=1)
    swipe(ada, 160, 10)
    moved = ada.tab.locator("#photo-left .layer").bounding_box()
    assert ada.pair() == "4-5" and moved["x"] - nearer["x"] == pytest.approx(160, abs=2)
    ada.tab.locator("button[data-command=fit]").tap()
    layer = ada.tab.locator("#photo-left .layer")
    until(lambda: layer.bounding_box() == before, "all to be seen again")
    swipe(ada, 5, 160)
    assert ada.pair("4-5") == "6-7"
    ada.tab.locator("#same").tap()
    until(lambda: len(one.log()) == 4, "four answers")
    assert [record["decision"] for record in one.log()] == ["same", "different", "cannot_tell", "same"]


def test_names_that_look_like_markup_are_shown_as_text(visit, tmp_path):
    folder, photos = tmp_path / "run", tmp_path / "photos"
    names = [f"{number} {ODD}" for number in range(2)]
    for number, name in enumerate(names):
        draw(photos / name, number, format="JPEG")
    folder.mkdir()
    keep_images(folder, Images(names, [content_hash(photos / name) for name in names]))
    write_json_lines(folder / "pending.jsonl", [{"a": names[0], "b": names[1], "kind": "over", "cycle": 1}])
    one = Page(folder, photos)
    ada = visit(one.url, name=NAME)
    ada.pair()
    assert ada.tab.locator(".photo .name").all_text_contents() == names
    assert ada.tab.locator(".photo img").count() == 2 and ada.tab.title() != "1"
    assert ada.text("person-name") == NAME
    ada.press("s")
    until(lambda: ada.shown("panel"), "the end")
    ada.tab.keyboard.press("g")
    ada.tab.get_by_label("Choose 0 <img").wait_for()
    assert one.log()[0]["annotator"] == NAME
    one.serving.stop()


def test_a_photo_that_is_gone_is_told_and_only_what_needs_no_photo_can_be_said(page, visit):
    one = page(pairs=((0, 1), (2, 3)))
    (one.photos / "who/01.jpg").unlink()
    ada = visit(one.url)
    assert ada.pair() == "0-1"
    assert "01.jpg is not there any more" in ada.tab.locator("#photo-right .problem").text_content()
    assert ada.tab.locator("#same").is_disabled() and ada.tab.locator("#different").is_disabled()
    ada.press("s")
    ada.said("Not both photos can be seen")
    ada.press("u")
    assert ada.pair("0-1") == "2-3" and ada.tab.locator("#same").is_enabled()
    ada.kept()
    assert [record["decision"] for record in one.log()] == ["cannot_tell"]


def test_nothing_is_told_of_a_pair_before_it_is_answered_where_that_is_wanted(page, visit):
    one = page(pairs=((0, 1), (2, 3)), blind=True)
    ada = visit(one.url)
    ada.press("w")
    ada.said("Why this pair is asked is told once you have answered it.")
    assert ada.tab.locator("button[data-command=why]").is_disabled()
    ada.press("s")
    ada.pair("0-1")
    ada.kept()
    ada.press("ArrowLeft")
    assert ada.pair("2-3") == "0-1"
    ada.press("w")
    until(lambda: "one individual" in ada.text("why-body"), "the reason")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_its_screens_and_can_be_read(page, visit, scheme):
    one = page()
    ada = visit(one.url, color_scheme=scheme)
    ada.pair()
    for width, height in SIZES:
        ada.tab.set_viewport_size({"width": width, "height": height})
        size = ada.tab.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        assert size == [width, height]
        for button in ada.tab.locator("body > :not(dialog) button:visible").all():
            box = button.bounding_box()
            assert box["x"] >= 0 and box["y"] >= 0 and box["x"] + box["width"] <= width
            assert box["y"] + box["height"] <= height
    weak = [found for found in ada.tab.evaluate(CONTRASTS) if found[1] < 4.5]
    assert weak == []
    assert ada.tab.evaluate("document.documentElement.dataset.theme") == scheme
    unnamed = "[...document.querySelectorAll('button')].filter((b) => !(b.ariaLabel ?? b.textContent).trim()).length"
    assert ada.tab.evaluate(unnamed) == 0
