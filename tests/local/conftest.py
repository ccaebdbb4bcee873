"""Photos of drawn animals: spots that are the individual's own, before a background that all share."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from aas_plugin.data.photo_list import bare_photos


def animal(individual, view, size=(240, 200), background=True):
    """A photo of an animal in the middle: its spots shifted, scaled and turned a little, with noise."""
    width, height = size
    rng = np.random.default_rng([7, individual])
    spots = rng.uniform(-1, 1, (60, 2)), rng.uniform(2.5, 8, 60), rng.integers(0, 130, (60, 3))
    look = np.random.default_rng([individual, view])
    photo = Image.new("RGB", size, (150, 140, 120))
    pen = ImageDraw.Draw(photo)
    if background:
        stones = np.random.default_rng(99)
        for x, y in stones.uniform(0, 1, (150, 2)):
            r = stones.uniform(2, 6)
            colour = tuple(stones.integers(60, 200, 3).tolist())
            pen.ellipse([x * width - r, y * height - r, x * width + r, y * height + r], fill=colour)
    middle = np.array(size) / 2 + look.uniform(-4, 4, 2)
    scale, turn = look.uniform(0.9, 1.1), look.uniform(-0.15, 0.15)
    pen.ellipse([middle[0] - 75, middle[1] - 60, middle[0] + 75, middle[1] + 60], fill=(200, 170, 130))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    for place, radius, colour in zip(*spots, strict=True):
        x, y = middle + rotation @ (place * [50, 38]) * scale
        r = radius * scale
        pen.ellipse([x - r, y - r * 0.8, x + r, y + r * 0.8], fill=tuple(colour.tolist()))
    pixels = np.asarray(photo).astype(float) + look.normal(0, 4, (height, width, 3))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def herd_of_photos(tmp_path_factory):
    """Six individuals, four photos each, in order: a `PhotoList`, and who is on each."""
    folder = tmp_path_factory.mktemp("herd")
    paths = []
    for individual in range(6):
        for view in range(4):
            paths.append(folder / f"{individual}-{view}.png")
            animal(individual, view).save(paths[-1])
    return bare_photos([str(path) for path in paths], None), np.repeat(np.arange(6), 4)


@pytest.fixture
def odd_photos(tmp_path):
    """Photos that have no keypoint, are tiny, of extreme aspect, the same twice, or broken, by name."""
    rng = np.random.default_rng(0)
    noise = lambda *shape: Image.fromarray(rng.integers(0, 256, (*shape, 3)).astype(np.uint8))  # noqa: E731
    photos = {
        "blank": Image.new("RGB", (100, 80), "grey"),
        "tiny": noise(3, 2),
        "wide": noise(2, 3000),
        "tall": noise(3000, 1),
        "one": animal(1, 1),
        "two": animal(1, 1),
        "grey": animal(2, 1).convert("L"),
        "clear": animal(2, 2).convert("RGBA"),
    }
    for name, photo in photos.items():
        photo.save(tmp_path / f"{name}.png")
    (tmp_path / "broken.png").write_bytes(b"no photo")
    return {name: tmp_path / f"{name}.png" for name in [*photos, "broken"]}
