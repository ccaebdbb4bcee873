"""Boxes: an image is the part of a photo that they hold, for whoever opens it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from aas_plugin.data.boxes import Box, split_box, with_boxes
from aas_plugin.data.catalogue import content_hashes, make_catalogue
from aas_plugin.data.images import ImageStore, UnreadableImageError, open_upright
from aas_plugin.data.sources import CsvOptions, csv
from aas_plugin.errors import AasError


@pytest.fixture
def quarters(tmp_path):
    """A photo whose left half is red and whose right half is blue, twice, one of them lying on its side by EXIF."""
    pixels = np.zeros((40, 60, 3), dtype=np.uint8)
    pixels[:, :30], pixels[:, 30:] = (200, 0, 0), (0, 0, 200)
    Image.fromarray(pixels).save(tmp_path / "two.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(pixels).copy()).save(tmp_path / "lying.png", exif=exif)
    return tmp_path


def catalogue(root, paths, boxes, **more):
    return make_catalogue("mine", root, pd.DataFrame({"path": paths, "bbox": boxes, **more}))


@pytest.mark.parametrize("photo", ["two.png", "lying.png"])
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("[0, 0, 30, 40]", "[30, 0, 30, 40]"),
        ("0 0 30 40", "(30.0; 0.0; 30.0; 40.0)"),
        ("[np.float64(0.0), np.int64(0), 30, 40]", "30,0,300,400"),
        ("[0, 0, 0.5, 1]", "[0.5, 0, 0.5, 1.0]"),
    ],
)
def test_two_animals_of_one_photo_are_two_images_of_their_pixels(quarters, photo, left, right):
    made = catalogue(quarters, [photo, photo], [left, right], identity=["A", "B"], image_id=["a", "b"])
    assert made.table["path"].is_unique and made.table["image_id"].tolist() == ["a", "b"]
    images = ImageStore(quarters, made.table["path"].to_list(), 8, 8)
    assert images.unreadable() == {}
    red, blue = images.batch(np.array([0, 1])).reshape(2, -1, 3)
    assert (red == (200, 0, 0)).all() and (blue == (0, 0, 200)).all()
    one, other = content_hashes(made)
    assert one != other


@pytest.mark.parametrize("other", ["[0, 0, 9, 12]", "[0, 0, 1.0000001, 1]"])
def test_shares_stay_shares_beside_pixels_and_rounding(quarters, other):
    cells = ["[0.5, 0, 0.5, 1]", other]
    if other.startswith("[0, 0, 9"):
        with pytest.warns(UserWarning, match="1 boxes are taken as shares .* and 1 as pixels"):
            made = catalogue(quarters, ["two.png", "lying.png"], cells)
    else:
        made = catalogue(quarters, ["two.png", "lying.png"], cells)
    photo = open_upright(quarters / made.table["path"][0])
    assert photo.size == (30, 40) and photo.getpixel((0, 0)) == (0, 0, 200)


def test_a_photo_without_a_box_is_all_of_it_and_keeps_its_name(quarters):
    made = catalogue(quarters, ["two.png", "lying.png"], ["[nan, nan, nan, nan]", "nan"])
    assert made.table["path"].tolist() == ["two.png", "lying.png"]
    assert open_upright(quarters / "lying.png").size == (60, 40)


@pytest.mark.parametrize(
    "cell", ["[1, 2, 3]", "left", "[1, 2, 0, 4]", "[1, 2, 3, -4]", "{'x1': 1, 'y1': 2}", "1,2,3,4,5"]
)
def test_a_box_that_is_none_is_named(quarters, cell):
    with pytest.raises(AasError, match=r"bbox .* of lying\.png is none"):
        catalogue(quarters, ["two.png", "lying.png"], ["1,2,3,4", cell])


def test_a_box_beside_its_photo_makes_that_image_unreadable(quarters):
    made = catalogue(quarters, ["two.png", "two.png"], ["1,2,3,4", "70,2,3,4"])
    problems = ImageStore(quarters, made.table["path"].to_list(), 8, 8).unreadable()
    assert list(problems) == [1] and "holds no pixel of the photo, which is 60 x 40" in problems[1]
    with pytest.raises(UnreadableImageError):
        open_upright(quarters / made.table["path"][1])


def test_masks_are_matched_as_photos_are_and_must_be_there(quarters):
    (quarters / "m").mkdir()
    Image.new("L", (60, 40)).save(quarters / "m" / "two.png")
    for written in ("m/two.png", "./m/two.png"):
        assert catalogue(quarters, ["two.png"], [None], mask=[written]).table["mask"].tolist() == ["m/two.png"]
    (quarters / "t.csv").write_text("path,mask\ntwo.png,M\\TWO.png\nlying.png,\n")
    with pytest.warns(UserWarning, match="written otherwise"):
        found = csv(CsvOptions(path=quarters / "t.csv"))
    assert found.table["mask"].tolist() == ["m/two.png", pd.NA]
    with pytest.raises(AasError, match=r"masks that are not in .*: 'gone\.png'"):
        catalogue(quarters, ["two.png"], [None], mask=["gone.png"])


def test_the_same_box_twice_is_refused(quarters):
    with pytest.raises(AasError, match=r"more than once.*column 'bbox'"):
        catalogue(quarters, ["two.png", "two.png"], ["1,2,3,4", "[1.0, 2.0, 3.0, 4.0]"])
    with pytest.raises(AasError, match=r"more than once.*column 'bbox'"):
        catalogue(quarters, ["two.png", "two.png"], ["", ""])


numbers = st.floats(0, 1e5, allow_nan=False).map(lambda number: float(f"{number:.9g}"))
sides = st.floats(1.5, 1e5).map(lambda number: float(f"{number:.9g}"))


@given(numbers, numbers, sides, sides, st.text("ab#=,/ ", min_size=1))
def test_a_path_with_a_box_gives_both_back(left, top, width, height, name):
    path = with_boxes(pd.Series([f"x/{name}.jpg"]), pd.Series([f"{left},{top},{width},{height}"]))[0]
    file, box = split_box(path)
    assert str(file) == str(split_box(f"x/{name}.jpg")[0])
    assert box == (left, top, width, height) and not box.shares
    assert with_boxes(pd.Series([path]), pd.Series(["1,2,3,4"]))[0] == path


@given(st.tuples(numbers, numbers, sides, sides), st.integers(1, 300), st.integers(1, 300))
def test_a_box_never_leaves_its_photo(box, width, height):
    try:
        left, top, right, bottom = Box(box).within(width, height)
    except ValueError:
        assert round(box[0]) >= width or round(box[1]) >= height or round(box[0] + box[2]) <= round(box[0])
    else:
        assert 0 <= left < right <= width and 0 <= top < bottom <= height
