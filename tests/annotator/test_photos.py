"""Photos as the page shows them: upright, cut to their box, small fast, and never another one than was asked about."""

import threading
from io import BytesIO

import numpy as np
import pytest
from page_server import draw
from PIL import Image

from aas_plugin.annotator.photos import Photos
from aas_plugin.annotator.queue import QuestionQueue, Refused
from aas_plugin.annotator.scaling import scaled_jpeg
from aas_plugin.constraints.listed import keep_images
from aas_plugin.constraints.matching_images import Images
from aas_plugin.data.catalogue import content_hash
from aas_plugin.data.formats import image_suffixes
from aas_plugin.data.images import open_upright
from aas_plugin.files import write_json_lines


def shelf(folder, *paths, **options):
    keep_images(folder / "run", Images(list(paths), [content_hash(folder / path) for path in paths]))
    rows = [{"a": paths[0], "b": paths[-1], "kind": "over", "cycle": 1}] if len(paths) > 1 else []
    write_json_lines(folder / "run" / "pending.jsonl", rows)
    return Photos(QuestionQueue(folder / "run"), folder, **options)


def opened(data):
    return Image.open(BytesIO(data))


def halves(size, red="left"):
    """A photo of a red and a blue half."""
    photo = Image.new("RGB", size, "blue")
    part = (0, 0, size[0] // 2, size[1]) if red == "left" else (0, 0, size[0], size[1] // 2)
    photo.paste("red", part)
    return photo


def is_red(photo, place):
    red, _, blue = photo.convert("RGB").getpixel(place)
    return red > 200 > blue


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_photo_stands_upright_in_every_size(tmp_path, suffix):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: what is left is up
    halves((2000, 1000)).save(tmp_path / f"a.{suffix}", exif=exif)
    photos = shelf(tmp_path, f"a.{suffix}")
    told = photos.describe(0)
    assert (told["width"], told["height"]) == (1000, 2000) and told["problem"] is None
    for size, longest in (("256", 256), ("1600", 1600), ("full", 2000)):
        shown = opened(photos.jpeg(0, size))
        assert shown.format == "JPEG" and max(shown.size) == longest == shown.height
        assert is_red(shown, (shown.width // 2, 5)) and not is_red(shown, (shown.width // 2, shown.height - 5))


def test_a_box_is_cut_out_and_its_frame_is_there_beside_it(tmp_path):
    halves((400, 200)).save(tmp_path / "a.png")
    photos = shelf(tmp_path, "a.png#xywh=100,50,200,100", "a.png#xywh=percent:0,0,50,100")
    told = photos.describe(0)
    assert (told["width"], told["height"]) == (200, 100) and told["name"] == "a.png"
    assert told["frame"] == {"width": 400, "height": 200, "box": [100, 50, 200, 100]}
    assert opened(photos.jpeg(0, "full")).size == (200, 100)
    assert opened(photos.jpeg(0, "frame-full")).size == (400, 200)
    assert is_red(opened(photos.jpeg(0, "full")), (50, 50)) and not is_red(opened(photos.jpeg(0, "full")), (150, 50))
    assert opened(photos.jpeg(1, "full")).size == (200, 200) and is_red(opened(photos.jpeg(1, "full")), (190, 100))


KINDS = {
    "wide.jpg": lambda photo: photo,
    "high.jpg": lambda photo: photo.rotate(90, expand=True),
    "grey.jpg": lambda photo: photo.convert("L"),
    "print.jpg": lambda photo: photo.convert("CMYK"),
    "two.mpo": lambda photo: photo,
    "clear.png": lambda photo: photo.convert("RGBA"),
    "deep.png": lambda photo: Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 257),
    "phone.heic": lambda photo: photo,
}


@pytest.mark.parametrize("part", ["", "#xywh=150,100,300,200"])
@pytest.mark.parametrize("turned", [1, 6])
@pytest.mark.parametrize("kind", KINDS)
def test_a_small_photo_looks_like_the_whole_one(tmp_path, kind, turned, part):
    image_suffixes()
    saved = {"exif": Image.Exif()}
    saved["exif"][0x0112] = turned
    if kind == "two.mpo":
        saved |= {"save_all": True, "append_images": [Image.new("RGB", (40, 30))]}
    rng = np.random.default_rng(0)
    spots = Image.fromarray(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)).resize(
        (800, 600), Image.Resampling.BICUBIC
    )
    KINDS[kind](spots).save(tmp_path / kind, **saved)
    path = tmp_path / f"{kind}{part}"
    whole = open_upright(path)
    for longest in (60, 200):
        small = opened(scaled_jpeg(path, longest)).convert("RGB")
        wanted = whole.resize(small.size, Image.Resampling.BICUBIC)
        assert max(small.size) == longest
        assert abs(small.width / small.height / (whole.width / whole.height) - 1) < 0.03
        assert np.abs(np.asarray(small, float) - np.asarray(wanted, float)).mean() < 4


@pytest.mark.parametrize("size", [(4000, 3000), (3000, 4000), (6000, 2000)])
def test_a_large_jpeg_is_decoded_at_half_its_size(tmp_path, size, monkeypatch):
    Image.new("RGB", size, "green").save(tmp_path / "a.jpg")
    decoded = []
    resize = Image.Image.resize
    monkeypatch.setattr(
        Image.Image, "resize", lambda self, *of, **more: decoded.append(self.size) or resize(self, *of, **more)
    )
    assert max(opened(scaled_jpeg(tmp_path / "a.jpg", 1600)).size) == 1600
    assert decoded == [(size[0] // 2, size[1] // 2)]


def test_a_small_photo_is_not_made_larger(tmp_path):
    draw(tmp_path / "a.jpg", 0, (30, 20))
    assert opened(shelf(tmp_path, "a.jpg").jpeg(0, "1600")).size == (30, 20)


def test_what_the_camera_wrote_and_what_the_data_set_says(tmp_path):
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "RECONYX", "HP2X"
    exif.get_ifd(0x8769)[0x9003] = "2021:05:03 10:02:11"
    exif.get_ifd(0x8825).update({1: "S", 2: (1.0, 30.0, 0.0), 3: "E", 4: (36.0, 0.0, 36.0)})
    draw(tmp_path / "mara" / "a.jpg", 0, exif=exif)
    draw(tmp_path / "b.jpg", 1)
    photos = shelf(tmp_path, "mara/a.jpg", "b.jpg", facts={"mara/a.jpg": [("camera", "C7"), ("orientation", "left")]})
    assert dict(photos.describe(0)["facts"]) == {
        "camera": "C7",
        "orientation": "left",
        "date": "2021-05-03 10:02:11",
        "place": "-1.50000, 36.01000",
    }
    # A folder may name the individual.
    assert photos.describe(0)["name"] == "a.jpg" and "mara" not in str(photos.describe(0))
    assert photos.describe(1)["facts"] == []


@pytest.mark.parametrize(
    "nonsense",
    [{1: "N"}, {1: "N", 2: (1, 2), 3: "E", 4: (1, 2, 3)}, {1: "N", 2: (900.0, 0.0, 0.0), 3: "E", 4: (1.0, 2.0, 3.0)}],
)
def test_a_place_that_is_none_is_not_told(tmp_path, nonsense):
    exif = Image.Exif()
    exif.get_ifd(0x8825).update(nonsense)
    draw(tmp_path / "a.jpg", 0, exif=exif)
    assert shelf(tmp_path, "a.jpg").describe(0)["facts"] == []


def test_a_photo_that_vanished_changed_or_broke_is_a_sentence_and_comes_back(tmp_path):
    path = draw(tmp_path / "a.jpg", 0)
    draw(tmp_path / "b.jpg", 1)
    photos = shelf(tmp_path, "a.jpg", "b.jpg")
    content = path.read_bytes()
    assert photos.problem(0) is None and photos.jpeg(0, "256")
    path.unlink()
    assert "a.jpg is not there any more" in photos.describe(0)["problem"]
    with pytest.raises(Refused, match="not there any more"):
        photos.jpeg(0, "256")
    draw(path, 5)
    assert "a.jpg changed since" in photos.problem(0)
    with pytest.raises(Refused, match="changed since"):
        photos.jpeg(0, "256")
    path.write_bytes(content)
    assert photos.problem(0) is None and photos.jpeg(0, "256")


def test_a_file_that_is_no_photo_is_a_sentence(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no photo")
    cut = draw(tmp_path / "b.jpg", 0)
    cut.write_bytes(cut.read_bytes()[:3000])
    photos = shelf(tmp_path, "a.jpg", "b.jpg")
    assert "a.jpg cannot be read" in photos.describe(0)["problem"]
    for image in (0, 1):
        with pytest.raises(Refused, match="cannot be read"):
            photos.jpeg(image, "256")


def test_a_photo_that_changed_is_told_once_it_was_asked_for(tmp_path):
    path = draw(tmp_path / "a.jpg", 0)
    photos = shelf(tmp_path, "a.jpg")
    before = photos.describe(0)
    draw(path, 5)
    # Reading all that a list of groups names would take long.
    assert photos.describe(0)["problem"] is None
    with pytest.raises(Refused, match=r"a\.jpg changed since"):
        photos.jpeg(0, "256")
    assert "changed since" in photos.describe(0)["problem"] and photos.describe(0)["v"] == before["v"]


def test_a_photo_of_unknown_content_has_another_address_when_it_changes(tmp_path):
    path = draw(tmp_path / "a.jpg", 0)
    draw(tmp_path / "b.jpg", 1)
    write_json_lines(tmp_path / "pending.jsonl", [{"a": "a.jpg", "b": "b.jpg", "kind": "over", "cycle": 1}])
    photos = Photos(QuestionQueue(tmp_path), tmp_path)
    first, before = photos.describe(0)["v"], photos.jpeg(0, "256")
    draw(path, 5, (300, 200))
    assert first != photos.describe(0)["v"] != "" and photos.problem(0) is None
    assert photos.jpeg(0, "256") != before


def test_no_sentence_names_a_folder_as_it_may_be_called_after_the_individual(tmp_path):
    folder = tmp_path / "mara"
    folder.mkdir()
    for name in ("lost.jpg", "other.jpg", "none.jpg", "none.png"):
        (folder / name).write_bytes(b"no photo")
    draw(folder / "cut.jpg", 0)
    (folder / "cut.jpg").write_bytes((folder / "cut.jpg").read_bytes()[:3000])
    names = [
        "lost.jpg",
        "other.jpg",
        "none.jpg",
        "none.png",
        "cut.jpg",
        "cut.jpg#xywh=0,0,9,9",
        "none.jpg#xywh=0,0,9,9",
    ]
    photos = shelf(tmp_path, *(f"mara/{name}" for name in names))
    (folder / "lost.jpg").unlink()
    (folder / "other.jpg").write_bytes(b"another one")
    for image, name in enumerate(names):
        with pytest.raises(Refused) as told:
            photos.jpeg(image, "1600")
        shown = photos.describe(image)
        assert name.split("#")[0] in str(told.value) and shown["name"] == name.split("#")[0]
        assert "mara" not in str(told.value) + str(shown)


def test_a_photo_is_made_once_however_many_want_it_and_memory_has_a_bound(tmp_path, monkeypatch):
    for number in range(4):
        draw(tmp_path / f"{number}.png", number, (900, 700))
    photos = shelf(tmp_path, *(f"{number}.png" for number in range(4)))
    made = []
    monkeypatch.setattr(
        "aas_plugin.annotator.photos.scaled_jpeg", lambda *of: made.append(of[0].name) or scaled_jpeg(*of)
    )
    threads = [threading.Thread(target=photos.jpeg, args=(0, "256")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == ["0.png"]
    size = len(photos.jpeg(1, "256"))
    small = shelf(tmp_path, *(f"{number}.png" for number in range(4)), cache_bytes=int(2.5 * size))
    for image in (0, 1, 2, 3, 3, 2, 0):
        small.jpeg(image, "256")
    assert made[2:] == ["0.png", "1.png", "2.png", "3.png", "0.png"]
    assert np.sum([len(one) for one in small._kept.values()]) <= 2.5 * size
