"""How fast the page is: 2,000 questions about 1,000 photos of 12 megapixels, in a real browser.

    python tests/benchmarks/page.py FOLDER [PHOTOS] [PAIRS]

draws the photos into FOLDER once (3 GB; every one of DRAWN is there many times, with another comment, as another
photo), serves them by `aas annotate`, presses keys in Debian's chromium, and prints the
seconds from opening the page to the first pair on the screen, and the milliseconds from a key to the next pair.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from aas_plugin.constraints.listed import keep_images
from aas_plugin.constraints.matching_images import Images
from aas_plugin.data.catalogue import content_hash
from aas_plugin.files import write_json_lines

SIZE = (4000, 3000)
KEYS = 60
DRAWN = 40


def draw(path: Path, seed: int) -> None:
    """A photo of 12 megapixels that is as hard to compress as one of grass."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (60, 80, 3), dtype=np.uint8)
    fine = rng.normal(0, 14, (SIZE[1] // 4, SIZE[0] // 4, 1)).repeat(4, 0).repeat(4, 1)
    smooth = np.asarray(Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC), dtype=np.float32)
    Image.fromarray(np.clip(smooth + fine, 0, 255).astype(np.uint8)).save(path, quality=90)


def main() -> None:
    """Measure, and print."""
    from playwright.sync_api import sync_playwright

    photos = Path(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    total = int(sys.argv[3]) if len(sys.argv) > 3 else 2000
    photos.mkdir(parents=True, exist_ok=True)
    names = [f"photo-{number:04d}.jpg" for number in range(count)]
    for number, name in enumerate(names):
        place = photos / name
        if not place.exists() and number < DRAWN:
            draw(place, number)
        elif not place.exists():
            drawn = (photos / names[number % DRAWN]).read_bytes()
            place.write_bytes(drawn[:2] + b"\xff\xfe\x00\x06" + f"{number:04d}".encode() + drawn[2:])
    size = sum((photos / name).stat().st_size for name in names)
    rng = random.Random(0)
    pairs: set[tuple[int, int]] = set()
    while len(pairs) < total:
        first, second = sorted(rng.sample(range(count), 2))
        pairs.add((first, second))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        keep_images(folder, Images(names, [content_hash(photos / name) for name in names]))
        rows = [{"a": names[a], "b": names[b], "kind": "over", "cycle": 1} for a, b in sorted(pairs)]
        rng.shuffle(rows)
        write_json_lines(folder / "pending.jsonl", rows)
        command = [sys.executable, "-m", "aas_plugin", "annotate", str(folder), "--photos", str(photos), "--no-browser"]
        server = subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE, text=True, env=os.environ)
        try:
            assert server.stdout is not None
            address = re.search(r"http://\S+", server.stdout.readline())
            assert address is not None, "the server did not say where it is"
            with sync_playwright() as playwright:
                measure(playwright, address[0], f"{count} photos, {size / 1e9:.1f} GB, {total} pairs")
        finally:
            server.terminate()


def measure(playwright, address: str, what: str) -> None:
    """Open the page, press keys, and print how long each took."""
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.add_init_script("localStorage.setItem('aas-person', 'Ada')")
    began = time.perf_counter()
    page.goto(address)
    page.wait_for_selector("body[data-ready]:not([data-ready=''])")
    first = time.perf_counter() - began
    time.sleep(2)
    for number in range(KEYS):
        before = page.evaluate("window.aasTimings.length")
        page.keyboard.press("sdu"[number % 3])
        while page.evaluate("window.aasTimings.length") == before:
            time.sleep(0.02)
        time.sleep(0.5)  # a person looks
    took = np.array(page.evaluate("window.aasTimings"))[-KEYS:]
    print(f"{what}: first pair after {first:.2f} s")
    print(
        f"next pair after a key: median {np.median(took):.0f} ms, 95 % {np.quantile(took, 0.95):.0f} ms, "
        f"most {took.max():.0f} ms, {(took < 100).mean():.0%} under 100 ms"
    )
    browser.close()


if __name__ == "__main__":
    main()
