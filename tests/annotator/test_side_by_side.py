"""Both photos of a question in one picture."""

import numpy as np
import pytest
from PIL import Image

from aas_plugin.annotator.side_by_side import side_by_side
from aas_plugin.data.images import UnreadableImageError


def photo(path, width, height, **more):
    Image.new("RGB", (width, height), (0, 0, 250)).save(path, **more)
    return path


@pytest.mark.parametrize("sizes", [((4000, 3000), (3000, 4000)), ((90, 60), (5000, 100)), ((3, 900), (2, 700))])
def test_two_photos_are_of_one_height_and_never_wider_than_a_screen(tmp_path, sizes):
    paths = [photo(tmp_path / f"{number}.png", *size) for number, size in enumerate(sizes)]
    pair = np.asarray(side_by_side(*paths))
    assert pair.shape[1] <= 1600
    white = (pair == 255).all(axis=(0, 2))
    gap = np.flatnonzero(white)
    # Blue, a thin white gap from top to bottom, blue.
    assert len(gap) == 8 and gap[-1] - gap[0] == 7 and gap[0] > 0 and gap[-1] < pair.shape[1] - 1
    assert (pair[:, ~white] == (0, 0, 250)).all()
    widths = gap[0], pair.shape[1] - gap[-1] - 1
    for (width, height), drawn in zip(sizes, widths, strict=True):
        assert abs(drawn - width / height * pair.shape[0]) <= 1


def test_a_photo_stands_upright_as_its_camera_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    first = photo(tmp_path / "turned.jpg", 100, 50, exif=exif)
    second = photo(tmp_path / "upright.png", 50, 100)
    assert side_by_side(first, second).size == (50 + 8 + 50, 100)
    with pytest.raises(UnreadableImageError, match=r"lost\.png"):
        side_by_side(first, tmp_path / "lost.png")
