"""Zoom, pan, mirror and frames in a real browser: what is under the pointer stays there, to a pixel."""

import pytest
from browsing import marked, until
from page_server import Page

from aas_plugin.constraints.listed import keep_images
from aas_plugin.constraints.matching_images import Images
from aas_plugin.data.catalogue import content_hash
from aas_plugin.files import write_json_lines

LARGE, SMALL = (2400, 1800), (1200, 900)
AT = (0.3, 0.4)
BOX = "#xywh=400,300,1600,1200"


@pytest.fixture
def marks(tmp_path, visit):
    """Somebody before a large and a small photo with a mark at the same place, whose full picture comes when needed."""
    folder, photos = tmp_path / "run", tmp_path / "photos"
    marked(photos / "large.png", LARGE, AT)
    marked(photos / "small.png", SMALL, AT)
    names = ["large.png", "small.png", f"large.png{BOX}"]
    folder.mkdir()
    keep_images(folder, Images(names, [content_hash(photos / name) for name in names]))
    write_json_lines(
        folder / "pending.jsonl",
        [{"a": names[a], "b": names[b], "kind": "over", "cycle": 1} for a, b in ((0, 1), (1, 2))],
    )
    served = Page(folder, photos)
    visitor = visit(served.url)
    visitor.pair()
    yield visitor
    served.serving.stop()


def scale(visitor):
    return int(visitor.text("scale").split()[0])


def near(found, wanted):
    return max(abs(found[0] - wanted[0]), abs(found[1] - wanted[1])) <= 1


class Watched:
    """A photo with the pointer on a whole pixel beside its mark, whose place is known at every scale from there."""

    def __init__(self, visitor, side, mirrored=False):
        self.visitor, self.side = visitor, side
        box = visitor.lens(side)
        share = 1 - AT[0] if mirrored else AT[0]
        self.mark = box["x"] + share * box["width"], box["y"] + box["height"] / 2 + (AT[1] - 0.5) * 0.75 * box["width"]
        self.pointer = round(self.mark[0]) + 1, round(self.mark[1]) - 1
        visitor.tab.mouse.move(*self.pointer)
        self.width = self._width()

    def _width(self):
        return self.visitor.tab.locator(f"#photo-{self.side} .layer").bounding_box()["width"]

    def stays(self):
        nearer = self._width() / self.width
        wanted = [pointer + nearer * (mark - pointer) for pointer, mark in zip(self.pointer, self.mark, strict=True)]
        return near(self.visitor.spot(self.side), wanted)


def test_the_point_under_the_pointer_stays_there_at_every_scale_and_back_to_fit(marks):
    left, began, seen = Watched(marks, "left"), scale(marks), []
    assert left.stays()
    while (seen or [began])[-1] < 800:
        last = (seen or [began])[-1]
        marks.tab.mouse.wheel(0, -100)
        seen.append(until(lambda last=last: (now := scale(marks)) != last and now, "a larger scale"))
        if len(seen) % 5 == 0 or seen[-1] == 800:
            assert left.stays(), f"it moved at {seen[-1]} %"
    marks.tab.wait_for_selector("#photo-left .full", state="attached")
    assert began < 30 and len(seen) > 15 and left.stays(), "it moved when the full picture came"
    for step in range(len(seen)):
        marks.tab.mouse.wheel(0, 100)
        last = seen[-step - 1]
        until(lambda last=last: scale(marks) != last, "a smaller scale")
        if step % 5 == 0:
            assert left.stays(), "it moved on the way back"
    assert scale(marks) == began and left.stays()


def test_both_photos_show_the_same_place_while_they_are_linked(marks):
    at, other = marks.spot("left"), marks.spot("right")
    marks.tab.mouse.move(*at)
    marks.press("+", "+", "+", "+", "+")
    assert near(marks.spot("left"), at) and near(marks.spot("right"), other)
    marks.tab.mouse.down()
    marks.tab.mouse.move(at[0] + 60, at[1] - 40, steps=4)
    marks.tab.mouse.up()
    assert near(marks.spot("left"), (at[0] + 60, at[1] - 40)) and near(
        marks.spot("right"), (other[0] + 60, other[1] - 40)
    )
    marks.press("l", "0")
    marks.tab.mouse.move(*at)
    marks.press("+", "+")
    box = marks.tab.locator("#photo-left .layer").bounding_box()
    still = marks.tab.locator("#photo-right .layer").bounding_box()
    assert box["width"] > 1.5 * still["width"] and near(marks.spot("right"), other)


def test_a_mirrored_photo_keeps_the_point_under_the_pointer_too(marks):
    plain = marks.spot("right")
    marks.press("m")
    right = Watched(marks, "right", mirrored=True)
    for keys in (0, 3, 5):
        marks.press(*["+"] * keys)
        assert right.stays()
    marks.press("r")
    assert near(marks.spot("right"), plain)


def test_one_to_one_is_a_pixel_of_the_photo_on_a_pixel_of_the_screen(marks):
    marks.press("1")
    for side, (width, height) in (("left", LARGE), ("right", SMALL)):
        box = marks.tab.locator(f"#photo-{side} .layer").bounding_box()
        assert (round(box["width"]), round(box["height"])) == (width, height)


def test_a_double_click_comes_nearer_and_goes_back(marks):
    at, began = marks.spot("left"), scale(marks)
    marks.tab.mouse.dblclick(*at)
    assert scale(marks) > 2 * began and near(marks.spot("left"), at)
    marks.tab.mouse.dblclick(*at)
    assert scale(marks) == began


def test_a_crop_is_shown_in_its_whole_frame_and_the_next_pair_as_it_is(marks):
    before = marks.pair()
    marks.press("m", "+", "s")
    assert marks.pair(before) == "1-2"
    assert marks.tab.locator(".photo .mirrored:visible").count() == 0
    crop = marks.spot("right")
    marks.press("f")
    marks.tab.wait_for_selector("#photo-right .outline")
    whole = marks.spot("right")
    box = marks.lens("right")
    assert near(whole, (box["x"] + AT[0] * box["width"], box["y"] + box["height"] / 2 - 0.1 * 0.75 * box["width"]))
    assert not near(whole, crop)
    marks.press("f")
    assert near(marks.spot("right"), crop)


def test_light_is_changed_by_keys_and_put_back(marks):
    marks.press("]", "]", "}")
    light = "getComputedStyle(document.querySelector('#photo-left .lens')).filter"
    assert marks.tab.evaluate(light) == "brightness(1.2) contrast(1.1)"
    marks.press("r")
    assert marks.tab.evaluate(light) == "none"
