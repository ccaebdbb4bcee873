"""Photos of drawn animals, and odd ones."""

import numpy as np
import pytest
from animals import animal
from PIL import Image

from aas_plugin.data.photo_list import bare_photos


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
