"""Images of every kind are read upright and in colour; those that cannot be read are all named."""

import numpy as np
import pytest
from PIL import Image

from aas_plugin.data.images import ImageStore, UnreadableImageError, read_image
from aas_plugin.errors import AasError

RED, WHITE = (255, 0, 0), (255, 255, 255)


def save(image, path, **options):
    image.save(path, **options)
    return path


def left_half_red(size=(40, 20)):
    image = Image.new("RGB", size, WHITE)
    image.paste(RED, (0, 0, size[0] // 2, size[1]))
    return image


def close(pixels, colour):
    return np.abs(pixels.astype(int) - colour).max() <= 3


@pytest.mark.parametrize(
    ("orientation", "red_side"),
    [(1, "left"), (2, "right"), (3, "right"), (4, "left"), (5, "top"), (6, "top"), (7, "bottom"), (8, "bottom")],
)
def test_exif_orientation_is_applied(tmp_path, orientation, red_side):
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = read_image(save(left_half_red(), tmp_path / "a.jpg", exif=exif, quality=100, subsampling=0), 16, 16)
    sides = {"left": pixels[:, 2], "right": pixels[:, -3], "top": pixels[2], "bottom": pixels[-3]}
    assert [side for side, line in sides.items() if close(line, RED)] == [red_side]


def test_shape_is_height_by_width_and_the_resize_bicubic(tmp_path):
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (31, 57, 3), dtype=np.uint8))
    pixels = read_image(save(image, tmp_path / "a.png"), 20, 12)
    assert (pixels.shape, pixels.dtype) == ((20, 12, 3), np.uint8)
    assert (pixels == np.asarray(image.resize((12, 20), Image.Resampling.BICUBIC))).all()


@pytest.mark.parametrize(
    ("image", "file", "colour"),
    [
        (Image.new("L", (9, 9), 120), "grey.jpg", (120, 120, 120)),
        (Image.new("1", (9, 9), 1), "bits.png", WHITE),
        (Image.new("CMYK", (9, 9), (0, 255, 255, 0)), "cmyk.jpg", RED),
        (Image.new("CMYK", (9, 9), (0, 255, 255, 0)), "cmyk.tif", RED),
        (Image.new("RGBA", (9, 9), (255, 0, 0, 0)), "clear.png", WHITE),
        (Image.new("RGBA", (9, 9), (255, 0, 0, 128)), "half.png", (255, 127, 127)),
        (Image.new("RGBA", (9, 9), (255, 0, 0, 0)), "clear.webp", WHITE),
        (Image.new("LA", (9, 9), (0, 0)), "grey-alpha.png", WHITE),
        (Image.new("RGB", (9, 9), RED).quantize(4), "palette.png", RED),
        (Image.new("RGB", (9, 9), RED), "plain.bmp", RED),
    ],
)
def test_every_mode_becomes_rgb(tmp_path, image, file, colour):
    pixels = read_image(save(image, tmp_path / file), 4, 5)
    assert pixels.shape == (4, 5, 3)
    assert close(pixels, colour)


def test_a_transparent_palette_colour_is_white(tmp_path):
    image = Image.new("RGB", (9, 9), RED).quantize(4)
    path = save(image, tmp_path / "a.png", transparency=image.getpixel((0, 0)))
    assert close(read_image(path, 4, 4), WHITE)


@pytest.mark.parametrize("file", ["a.png", "a.tif"])
def test_16_bit_grey_is_scaled_not_clipped(tmp_path, file):
    values = np.array([[0, 255], [32896, 65535]], dtype=np.uint16)
    pixels = read_image(save(Image.fromarray(values), tmp_path / file), 2, 2)
    assert pixels[..., 0].tolist() == [[0, 1], [128, 255]]


def test_grey_of_an_unknown_range_is_refused(tmp_path):
    path = save(Image.fromarray(np.ones((4, 4), dtype=np.float32)), tmp_path / "a.tif")
    with pytest.raises(UnreadableImageError, match="16 bits"):
        read_image(path, 4, 4)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "tif"])
def test_a_truncated_file_is_refused(tmp_path, suffix):
    rng = np.random.default_rng(0)
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableImageError) as error:
        read_image(path, 8, 8)
    assert str(path) in str(error.value)


@pytest.fixture
def root(tmp_path):
    for row in range(5):
        save(Image.new("RGB", (8, 8), (row, row, row)), tmp_path / f"{row}.png")
    return tmp_path


def store_of(root, **options):
    return ImageStore(root, [f"{row}.png" for row in range(5)], height=3, width=4, **options)


@pytest.mark.parametrize("cache_bytes", [0, 5 * 3 * 4 * 3 - 1, 5 * 3 * 4 * 3])
@pytest.mark.parametrize("checked", [False, True])
def test_batches_are_the_same_cached_or_not(root, cache_bytes, checked):
    store = store_of(root, cache_bytes=cache_bytes)
    if checked:
        store.check()
    batch = store.batch(np.array([4, 0, 4]))
    assert (batch.shape, batch.dtype) == ((3, 3, 4, 3), np.uint8)
    assert batch[:, 0, 0, 0].tolist() == [4, 0, 4]
    assert store.batch(np.array([], dtype=np.int64)).shape == (0, 3, 4, 3)


@pytest.mark.parametrize(("cache_bytes", "readable"), [(5 * 3 * 4 * 3, True), (5 * 3 * 4 * 3 - 1, False)])
def test_checked_images_stay_in_memory_if_they_fit(root, cache_bytes, readable):
    store = store_of(root, cache_bytes=cache_bytes)
    store.check()
    (root / "1.png").unlink()
    if readable:
        assert store.batch(np.array([1]))[0, 0, 0, 0] == 1
    else:
        with pytest.raises(UnreadableImageError, match=r"1\.png"):
            store.batch(np.array([1]))


def test_a_batch_can_be_changed_without_changing_the_images(root):
    store = store_of(root)
    store.check()
    store.batch(np.array([1]))[:] = 99
    assert store.batch(np.array([1])).max() == 1


def test_check_reports_progress_to_the_end(root):
    seen = []
    store_of(root).check(lambda done, total: seen.append((done, total)))
    assert seen == [(done, 5) for done in range(1, 6)]


def test_check_names_every_unreadable_image_with_its_reason(root):
    (root / "text.jpg").write_text("this is no image")
    content = save(left_half_red((64, 64)), root / "cut.jpg").read_bytes()
    (root / "cut.jpg").write_bytes(content[: len(content) // 2])
    bad = [f"bad {row}.png" for row in range(20)]
    for name in bad:
        (root / name).write_bytes(b"")
    paths = ["0.png", "text.jpg", "1.png", "cut.jpg", "gone.png", *bad]
    with pytest.raises(AasError) as error:
        ImageStore(root, paths, 4, 4).check()
    first, *lines = str(error.value).split("\n")
    assert "23 of 25 images" in first
    assert str(root) in first
    reasons = dict(line.split(": ", 1) for line in lines)
    assert list(reasons) == ["text.jpg", "cut.jpg", "gone.png", *bad]
    assert "truncated" in reasons["cut.jpg"].lower()
    assert all(reasons.values())
