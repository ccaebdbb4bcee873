"""Detections of MegaDetector: both forms give the same crops, and what is left out is counted."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from aas_plugin.data.catalogue import MissingFilesError
from aas_plugin.data.detections import found_in, is_found
from aas_plugin.data.images import open_upright
from aas_plugin.data.megadetector import MegaDetectorOptions, megadetector
from aas_plugin.errors import AasError

WIDTH, HEIGHT = 160, 120
NAMES = {"1": "animal", "2": "person", "3": "vehicle"}
BOXES = [(10, 20, 50, 40), (70, 15, 45, 90), (140, 100, 30, 30)]
"""Left, top, width and height in pixels; the last one leaves its photo."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Three photos of noise in folders of two cameras, the second one lying on its side by EXIF."""
    root = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for n, name in enumerate(("a/1.JPG", "a/2.jpg", "b/1.jpg")):
        (root / name).parent.mkdir(exist_ok=True)
        pixels = rng.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        exif = Image.Exif()
        if n == 1:
            exif[0x0112], pixels = 6, np.rot90(pixels).copy()
        Image.fromarray(pixels).save(root / name, exif=exif)
    return root


def batch(listed, **more):
    """The form of batches: shares, with four decimals."""
    images = []
    for file, boxes in listed.items():
        shares = [[round(n / (WIDTH, HEIGHT)[axis % 2], 4) for axis, n in enumerate(box)] for box in boxes]
        images.append({"file": file, "detections": [{"category": "1", "conf": 0.9, "bbox": box} for box in shares]})
    return {"info": {"format_version": "1.5"}, "detection_categories": NAMES, "images": images} | more


def corners(box):
    left, top, width, height = box
    return [round(float(n), 1) for n in (left, top, left + width, top + height)]


def spellings(listed):
    """The form with corners in pixels, as one or another tool spells it."""
    found = [(file, corners(box)) for file, boxes in listed.items() for box in boxes]
    named = [dict(zip(("x1", "y1", "x2", "y2"), box, strict=True)) for _, box in found]
    yield [
        {"file": file, "detections": [{"category": "animal", "confidence": 0.9, "bbox": corners(box)} for box in boxes]}
        for file, boxes in listed.items()
    ]
    yield [{"file_name": file, "label": "animal", "confidence": 0.9, "bbox": box} for file, box in found]
    yield [
        {"image": file, "class_id": 0, "confidence": 0.9, **box} for (file, _), box in zip(found, named, strict=True)
    ]
    yield [
        {"filepath": file, "category": "Animal", "confidence": 0.9, "bbox": box}
        for (file, _), box in zip(found, named, strict=True)
    ]
    yield [
        {
            "path": file,
            "confidence": 0.9,
            "name": "animal",
            "xmin": box[0],
            "ymin": box[1],
            "xmax": box[2],
            "ymax": box[3],
        }
        for file, box in found
    ]
    beside = [
        {
            "img_id": file,
            "bbox": list(map(corners, boxes)),
            "category": [0] * len(boxes),
            "confidence": [0.9] * len(boxes),
        }
        for file, boxes in listed.items()
    ]
    yield {"annotations": beside, "categories": [{"id": 0, "name": "animal"}, {"id": 1, "name": "person"}]}


def read(root, content, **options):
    text = content if isinstance(content, str) else json.dumps(content)
    (root / "found.json").write_text(text, encoding="utf-8")
    return megadetector(MegaDetectorOptions(path=root / "found.json", **options))


def crops(catalogue):
    return [np.asarray(open_upright(catalogue.root / path)) for path in catalogue.table["path"]]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_both_forms_in_all_spellings_give_the_same_rows_and_pixels(photos):
    listed = {"a/1.JPG": BOXES, "a/2.jpg": BOXES[:2], "b/1.jpg": BOXES[1:]}
    first = read(photos, batch(listed))
    assert first.table["path"].tolist()[:3] == [
        f"a/1.JPG#xywh={box}" for box in ("10,20,50,40", "70,15,45,90", "140,100,20,20")
    ]
    assert [crop.shape for crop in crops(first)[3:5]] == [(40, 50, 3), (90, 45, 3)]
    for other in map(lambda content: read(photos, content), spellings(listed)):
        assert other.table.equals(first.table)
        assert all(np.array_equal(one, two) for one, two in zip(crops(first), crops(other), strict=True))


sides = st.tuples(st.integers(0, WIDTH - 2), st.integers(0, HEIGHT - 2), st.integers(2, WIDTH), st.integers(2, HEIGHT))


@given(st.lists(sides, min_size=1, max_size=4, unique=True))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_any_boxes_are_the_same_in_both_forms(photos, boxes):
    listed = {"b/1.jpg": boxes}
    one, other = (read(photos, content) for content in (batch(listed), next(spellings(listed))))
    assert one.table.equals(other.table)
    for path in one.table["path"]:
        left, top, width, height = map(int, path.partition("=")[2].split(","))
        assert 0 <= left < left + width <= WIDTH and 0 <= top < top + height <= HEIGHT


def detection(category="1", conf=0.9, bbox=(0.1, 0.1, 0.5, 0.5)):
    return {"category": category, "conf": conf, "bbox": list(bbox)}


def test_what_does_not_count_is_counted(photos):
    first = [detection(), detection("2"), detection("3"), detection("9"), detection(conf=0.19), detection(conf=None)]
    second = [detection(bbox=box) for box in ((1.2, 0, 0.1, 0.1), (0, 0, float("nan"), 1), (0, 0, -0.1, 1), (0, 0, 1))]
    files = [("a/1.JPG", first), ("a/2.jpg", second), ("b/1.jpg", []), ("b/2.jpg", [detection("2")])]
    images = [{"file": file, "detections": found} for file, found in files]
    images += [
        {"file": "b/3.jpg", "failure": "no image", "detections": None},
        {"file": "b/4.jpg", "failure": "no image"},
    ]
    images += [{"file": "b/film.mp4", "detections": [detection() | {"frame_number": 0}]}]
    with pytest.warns(UserWarning) as told:
        found = read(photos, {"detection_categories": NAMES, "images": images})
    assert found.table["path"].tolist() == ["a/1.JPG#xywh=16,12,80,60"]
    text = str(told[0].message)
    for part in (
        "2 photos that the detector could not read", "2 detections of person", "1 detections of vehicle",
        "1 detections of 9 (see dataset.animals)", "1 detections below confidence 0.2 (see dataset.confidence)",
        "1 detections without a confidence", "3 detections whose box is none (such as [0, 0, nan, 1] of a/2.jpg)",
        "1 animals whose box lies beside their photo", "2 photos without an animal",
        "1 files that are no photos (1 .mp4",
    ):  # fmt: skip
        assert part in text, part
    with pytest.warns(UserWarning):
        assert len(read(photos, {"detection_categories": NAMES, "images": images[:1]}, confidence=0)) == 1
        assert len(read(photos, {"images": images[:1]}, animals=["animal", "person"], confidence=0.1)) == 1


def test_numbers_of_categories_without_names_are_told_and_can_be_named(photos):
    boxes = [{"file": "b/1.jpg", "category": n, "confidence": 0.9, "bbox": [n, 0, n + 20, 20]} for n in (0, 1)]
    with pytest.warns(UserWarning, match="taken thus: 0 as animal, 1 as person .see dataset.categories"):
        assert read(photos, boxes).table["path"].tolist() == ["b/1.jpg#xywh=0,0,20,20"]
    with pytest.warns(UserWarning, match="1 detections of stone"):
        found = read(photos, boxes, categories={0: "stone", 1: "animal"})
    assert found.table["path"].tolist() == ["b/1.jpg#xywh=1,0,20,20"]


def test_pytorch_wildlife_is_read_with_blank_photos_and_with_classes(photos):
    boxes, blank = [corners(box) for box in BOXES[:2]], {"img_id": "b/1.jpg", "bbox": []}
    found = [{"img_id": "a/1.JPG", "bbox": boxes, "category": [0, 1], "confidence": [0.9, 0.9]}]
    plain = {"annotations": [*found, blank | {"category": [], "confidence": []}], "categories": {"0": "animal"}}
    with pytest.warns(UserWarning, match="1 detections of person, 1 photos without an animal"):
        assert read(photos, plain).table["path"].tolist() == ["a/1.JPG#xywh=10,20,50,40"]
    classes = {"det_category": [0, 0], "det_confidence": [0.9, 0.1], "clf_category": [1, 0], "clf_confidence": [1, 1]}
    classified = {
        "annotations": [{"img_id": "a/1.JPG", "bbox": boxes} | classes, blank | {key: [] for key in classes}],
        "det_categories": {"0": "animal", "1": "person", "2": "vehicle"},
        "clf_categories": {"0": "Leopardus", "1": "Panthera"},
    }
    with pytest.warns(UserWarning, match="1 detections below confidence 0.2"):
        assert read(photos, classified, species="panthera").table["path"].tolist() == ["a/1.JPG#xywh=10,20,50,40"]


def test_categories_as_text_that_begin_with_0_are_those_of_lists(photos):
    shares = [detection("0"), detection("1", bbox=(0.5, 0.5, 0.5, 0.5))]
    with pytest.warns(UserWarning, match="1 detections of person.*taken thus: 0 as animal, 1 as person"):
        found = read(photos, {"detection_categories": None, "images": [{"file": "b/1.jpg", "detections": shares}]})
    assert found.table["path"].tolist() == ["b/1.jpg#xywh=16,12,80,60"]


def test_speciesnet_is_read_as_it_lies(photos):
    taxa = "0a1b;mammalia;carnivora;felidae;panthera;{};{}"
    listed = [
        {"filepath": name, "detections": [detection() | {"label": "animal"}], "prediction": taxa.format(*kind)}
        for name, kind in (("a/1.JPG", ("leo", "lion")), ("a/2.jpg", ("pardus", "leopard")))
    ]
    listed += [{"filepath": "b/1.jpg", "failures": ["DETECTOR"], "model_version": "4.0.1a"}]
    with pytest.warns(UserWarning, match="1 photos that the detector could not read.*2 species, 1 lion, 1 leopard"):
        assert read(photos, {"predictions": listed}).table["path"].tolist() == [
            "a/1.JPG#xywh=16,12,80,60", "a/2.jpg#xywh=16,12,80,60",
        ]  # fmt: skip


def test_results_of_coco_have_sides_and_not_corners(photos):
    one = {"image_id": "b/1.jpg", "category_id": 0, "bbox": [10, 20, 50, 40], "score": 0.9}
    with pytest.warns(UserWarning, match="0 as animal"):
        assert read(photos, [one]).table["path"].tolist() == ["b/1.jpg#xywh=10,20,50,40"]


def test_lists_without_categories_or_confidences_are_taken_whole_and_that_is_told(photos):
    with pytest.warns(UserWarning, match=r"no detection has a category.*no detection has a confidence"):
        assert len(read(photos, [{"file": "b/1.jpg", "x1": 0, "y1": 0, "x2": 20, "y2": 20}])) == 1


def test_corners_in_shares_are_found_out(photos):
    listed = [{"file": "b/1.jpg", "category": "animal", "confidence": 0.9, "bbox": [0.25, 0.25, 0.5, 1.0]}]
    assert read(photos, listed).table["path"].tolist() == ["b/1.jpg#xywh=40,30,40,90"]


def test_boxes_of_another_size_of_the_photo_are_scaled_and_of_another_shape_left_out(photos):
    listed = [
        {"file": "b/1.jpg", "width": 320, "height": 240, "detections": [{"confidence": 1, "bbox": [20, 40, 120, 120]}]}
    ]
    with pytest.warns(UserWarning, match="the files of 1 photos have another size"):
        assert read(photos, listed).table["path"].tolist() == ["b/1.jpg#xywh=10,20,50,40"]
    listed += [listed[0] | {"file": "a/1.JPG", "width": 120, "height": 160}]
    with pytest.warns(UserWarning, match="1 animals on photos of another shape"):
        assert len(read(photos, listed)) == 1


@pytest.mark.parametrize("written", ["a\\1.JPG", "A/1.jpg", "C:\\traps\\a\\1.JPG", "/home/x/traps/a/1.JPG"])
def test_photos_are_found_however_their_paths_are_written_and_the_missing_lie_beside(photos, written):
    gone = written.replace("1.JPG", "gone.jpg").replace("1.jpg", "gone.jpg")
    with pytest.warns(UserWarning, match="written otherwise"), pytest.raises(MissingFilesError) as told:
        read(photos, batch({written: BOXES[:1], gone: BOXES[:1]}))
    paths = told.value.catalogue.table["path"].tolist()
    assert paths[0] == "a/1.JPG#xywh=10,20,50,40"
    assert paths[1] in [f"{folder}/gone.jpg#xywh=percent:6.25,16.67,31.25,33.33" for folder in ("a", "A")]


def test_photos_may_lie_elsewhere(photos, tmp_path):
    (tmp_path / "found.json").write_text(json.dumps(batch({"a/1.JPG": BOXES[:1]})), encoding="utf-8-sig")
    found = megadetector(MegaDetectorOptions(path=tmp_path / "found.json", root=photos))
    assert found.root == photos and found.name == photos.name and len(found) == 1


def test_species_of_a_classifier_are_told_and_chosen(photos):
    content = batch({"a/1.JPG": BOXES[:2]}, classification_categories={"0": "leopard", "1": "hyena"})
    for n, one in enumerate(content["images"][0]["detections"]):
        one["classifications"] = [[str(n), 0.8], ["0", 0.1]]
    with pytest.warns(UserWarning, match="animals are of 2 species, 1 leopard, 1 hyena"):
        assert len(read(photos, content)) == 2
    with pytest.warns(UserWarning, match="1 animals of other species"):
        assert read(photos, content, species="Hyena").table["path"].tolist() == ["a/1.JPG#xywh=70,15,45,90"]


BAD = [
    ("", "is empty"),
    ("[", "is no whole JSON .it ends too early"),
    (json.dumps(batch({"a/1.JPG": BOXES}))[:150], "is no whole JSON .it ends too early"),
    ("path,identity", "is no whole JSON"),
    ('{"images": []}', "holds no detections .*an object with 'images' was found"),
    ("[]", "holds no detections .*an empty list was found"),
    ("7", "a single int was found"),
    ('[{"a": 1}]', "a list whose first entry is an object with 'a' was found"),
    (json.dumps(batch({})), "lists no animal on a photo; give another file"),
    (json.dumps(batch({"a/1.JPG": []})), r"lists no animal on a photo \(left out: 1 photos without an animal\)"),
    (json.dumps(batch({"z/1.jpg": BOXES})), "none of the 1 photos that .* lists is in .*dataset.root=FOLDER"),
    (json.dumps(batch({"a/1.JPG": [(200, 200, 5, 5)]})), "lists no animal on a photo .*beside their photo"),
    ("[" * 100_000, "nested too deep|is no whole JSON"),
]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("text", "message"), BAD)
def test_bad_files_are_told_in_one_sentence(photos, text, message):
    with pytest.raises(AasError, match=message) as told:
        read(photos, text)
    assert "\n" not in str(told.value)


json_like = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(["a/1.JPG", "1", "animal", ""]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "file",
                    "images",
                    "detections",
                    "category",
                    "conf",
                    "confidence",
                    "bbox",
                    "x1",
                    "annotations",
                    "failure",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(json_like)
def test_whatever_a_json_holds_is_read_or_refused(content):
    if is_found(content):
        found = found_in(content, {})
        assert {one.photo for one in found.detections} <= set(found.photos)


def test_a_mark_at_the_beginning_and_utf_16_are_no_hindrance(photos, tmp_path):
    text = json.dumps(batch({"a/1.JPG": BOXES[:1]}))
    for encoding in ("utf-8-sig", "utf-16"):
        (tmp_path / "found.json").write_text(text, encoding=encoding)
        assert len(megadetector(MegaDetectorOptions(path=tmp_path / "found.json", root=photos))) == 1
