"""People at the page: each a browser's own context, as if at a machine of their own."""

import shutil
import time
from contextlib import contextmanager
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

SECONDS = 20


@contextmanager
def chromium():
    """The browser of this machine; tests that need it are skipped where there is none."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("there is no chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


def until(true, what):
    """Wait for something, and return what it gave."""
    end = time.monotonic() + SECONDS
    while not (found := true()):
        assert time.monotonic() < end, f"waited {SECONDS} s for {what}"
        time.sleep(0.02)
    return found


class Visitor:
    """Somebody with the page open.

    Attributes:
        tab: the page, as Playwright has it.
        trouble: errors that the page wrote to its console.
        asked: addresses that it asked for.
    """

    def __init__(self, browser, url, name="Ada", **options):
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 720}, **options})
        self.trouble, self.asked, self.url, self.name = [], [], url, name
        if name is not None:
            self.context.add_init_script(
                f"localStorage.getItem('aas-person') ?? localStorage.setItem('aas-person', {name!r})"
            )
        self.tab = self.open()

    def open(self):
        """Another tab of the same browser."""
        tab = self.context.new_page()
        tab.on("console", lambda told: self.trouble.append(told.text) if told.type == "error" else None)
        tab.on("pageerror", lambda error: self.trouble.append(str(error)))
        tab.on("request", lambda request: self.asked.append(request.url))
        tab.goto(self.url)
        return tab

    def pair(self, other_than=None):
        """The pair on the screen, once it is there."""
        ready = "document.body.dataset.ready"
        return until(lambda: (found := self.tab.evaluate(ready)) != other_than and found, f"a pair after {other_than}")

    def press(self, *keys):
        """Press keys, each when a pair is on the screen."""
        for key in keys:
            self.pair()
            self.tab.keyboard.press(key)

    def text(self, name):
        return self.tab.evaluate("name => document.getElementById(name).textContent", name)

    def shown(self, name):
        return self.tab.evaluate("name => document.getElementById(name).checkVisibility()", name)

    def said(self, words):
        """Wait until the page says something."""
        until(lambda: words in self.text("said"), f"the page to say {words!r}; it says {self.text('said')!r}")

    def kept(self):
        """Wait until the server has everything."""
        until(lambda: self.text("saved") == "All answers kept", "all answers to be kept")

    def lens(self, side):
        """Where a photo's viewport lies on the screen."""
        return self.tab.locator(f"#photo-{side} .lens").bounding_box()

    def spot(self, side):
        """The middle of the red mark of a photo, in pixels of the screen, as it is seen there."""
        box = self.lens(side)
        seen = np.asarray(Image.open(BytesIO(self.tab.screenshot(clip=box))).convert("RGB")).astype(int)
        rows, columns = np.nonzero((seen[..., 0] > 150) & (seen[..., 1] < 90) & (seen[..., 2] < 90))
        assert len(rows), f"no red mark is seen in the {side} photo"
        return box["x"] + columns.mean() + 0.5, box["y"] + rows.mean() + 0.5


def marked(path, size, at):
    """A grey photo with a red square whose middle is at shares of its width and height."""
    photo = Image.new("RGB", size, (120, 120, 120))
    side = 2 * round(0.006 * size[0])
    left, top = round(at[0] * size[0]) - side // 2, round(at[1] * size[1]) - side // 2
    photo.paste((230, 0, 0), (left, top, left + side, top + side))
    path.parent.mkdir(parents=True, exist_ok=True)
    photo.save(path, quality=95)
    return path
