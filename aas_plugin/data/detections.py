"""What a detector found on photos, in whatever form its JSON lists it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from aas_plugin.data.boxes import Box
from aas_plugin.data.tables import folded

_FILE = ("file", "filename", "filepath", "imagepath", "path", "imgid", "image", "img", "imageid")
_FOUND = ("detections", "predictions", "objects", "boxes", "annotations")
_CATEGORY = (
    "category", "detcategory", "categoryname", "label", "labels", "classname", "class", "name", "categoryid", "classid",
    "labelid", "cls",
)  # fmt: skip
_CONFIDENCE = ("conf", "confidence", "detconfidence", "confidences", "score")
_BOX = ("bbox", "xyxy", "bboxxyxy", "box", "boundingbox")
_CORNERS = (("x1", "y1", "x2", "y2"), ("xmin", "ymin", "xmax", "ymax"), ("left", "top", "right", "bottom"))
_SIDES = (("x", "y", "width", "height"), ("left", "top", "width", "height"), ("x", "y", "w", "h"))
_SIZE = (("width", "height"), ("imagewidth", "imageheight"), ("imgwidth", "imgheight"))
# MegaDetector writes its own numbers as text; in lists are those of the network's classes, which begin with 0.
_OF_TEXT = {"1": "animal", "2": "person", "3": "vehicle"}
_OF_NUMBERS = {"0": "animal", "1": "person", "2": "vehicle"}
_SHARE = 1.1
"""Boxes of which most have no number above this are in shares of their photo."""


@dataclass(frozen=True)
class Detection:
    """Something that was found on a photo.

    Attributes:
        photo: path, as it is written.
        category: its name; None where there is none.
        confidence: in [0, 1] as a rule; None where there is none.
        numbers: those of its box, as they are written; None where there are none.
        corners: whether they are two corners, and not left, top, width and height.
        frame: width and height in pixels of the photo, where they are written.
        kind: name of the species, blank where there is none.
    """

    photo: str
    category: str | None
    confidence: float | None
    numbers: Sequence[Any] | None
    corners: bool
    frame: tuple[float, float] | None
    kind: str


@dataclass(frozen=True, eq=False)
class Found:
    """All that a detector found.

    Attributes:
        photos: all that it lists, each once.
        failed: those that it could not read.
        detections: on all of them, in their order.
        shares: whether boxes are in shares of their photo, not in pixels.
        guessed: names that numbers of categories are taken as, where the file does not say.
    """

    photos: tuple[str, ...]
    failed: tuple[str, ...]
    detections: tuple[Detection, ...]
    shares: bool
    guessed: dict[str, str]


def is_found(content: object) -> bool:
    """Whether what a JSON file holds is of a detector, in one of the forms that `found_in` reads."""
    if isinstance(content, dict) and isinstance(content.get("images"), list):
        first = [one for one in content["images"][:1000] if isinstance(one, dict)]
        return "detection_categories" in content or any("detections" in one or "failure" in one for one in first)
    return any(isinstance(one, dict) and _value(one, _FILE) is not None for one in _entries(content)[:1000])


def found_in(content: Any, categories: Mapping[str, str]) -> Found:
    """Read detections, as batches of MegaDetector have them, or lists with corners in pixels.

    Batches are objects with `images`, each with `file` and `detections`, of which each has `category`, `conf` and
    `bbox`: left, top, width and height in shares of the photo. Lists are of photos with detections, or of detections
    with the photo's name, or objects with these as `annotations`; they have `confidence` and two corners in pixels,
    unless nearly all numbers are shares. What SpeciesNet writes are batches whose photos are called `predictions`.

    Args:
        content: for which `is_found` is true.
        categories: names of numbers of categories, where they are others than those that the content gives.
    """
    names = {**_names(content), **categories}
    kinds = _texts(_first(content, "classification_categories", "clf_categories"))
    photos: dict[str, None] = {}
    failed = []
    listed_ones: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = []
    is_batch = isinstance(content, dict) and "images" in content
    for entry in _entries(content):
        photo = _value(entry, _FILE) if isinstance(entry, dict) else None
        if photo is None:
            continue
        photos[str(photo)] = None
        listed = _value(entry, _FOUND)
        is_photo = any(_folded(key) in _FOUND or key in ("failure", "failures") for key in entry)
        if is_photo and not isinstance(listed, list):
            failed.append(str(photo))
            continue
        for one in (listed or []) if is_photo else _flat(entry):
            if isinstance(one, dict):
                listed_ones.append((str(photo), one, entry, is_photo))
    usual = _usual([_value(one, _CATEGORY) for _, one, _, _ in listed_ones])
    guessed: dict[str, str] = {}
    detections = []
    for name, one, entry, is_photo in listed_ones:
        frame = _frame(entry) if is_photo or "bbox" in one else None
        category = _category(one, names, usual, guessed)
        numbers, corners = _box(one)
        confidence = _number(_value(one, _CONFIDENCE))
        kind = _kind(one, entry, kinds)
        detections.append(Detection(name, category, confidence, numbers, corners, frame, kind))
    by_rule = is_batch and all(one.confidence is None or not one.corners for one in detections)
    return Found(tuple(photos), tuple(failed), tuple(detections), by_rule or _are_shares(detections), guessed)


def _entries(content: object) -> list[Any]:
    if isinstance(content, dict):
        content = _first(content, "images", "annotations", "predictions")
    return content if isinstance(content, list) else []


def _flat(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The detections of an entry that is one itself, or has several as lists beside each other."""
    boxes = _value(entry, _BOX)
    if boxes == []:
        return
    if not isinstance(boxes, list) or not boxes or not all(isinstance(box, list) for box in boxes):
        if boxes is not None or _named_numbers(entry, _CORNERS) is not None:
            yield entry
        return
    beside = [key for key, value in entry.items() if isinstance(value, list) and len(value) == len(boxes)]
    for place in range(len(boxes)):
        yield {key: value[place] if key in beside else value for key, value in entry.items()}


def _usual(categories: Sequence[Any]) -> dict[str, str]:
    """What numbers of categories mean that have no names, by the numbers as text."""
    of_text = all(isinstance(one, str) for one in categories) and "0" not in categories
    return _OF_TEXT if of_text else _OF_NUMBERS


def _category(
    one: dict[str, Any], names: Mapping[str, str], usual: Mapping[str, str], guessed: dict[str, str]
) -> str | None:
    """The name of a detection's category; what a number is taken as that has no name is added to `guessed`."""
    category = _value(one, _CATEGORY)
    if category is None or str(category) in names:
        return None if category is None else names[str(category)]
    found = usual.get(str(category))
    if found is not None:
        guessed[str(category)] = found
    return found or str(category)


def _box(one: dict[str, Any]) -> tuple[Sequence[Any] | None, bool]:
    key = next((key for key in one if _folded(key) in _BOX), None)
    box = one if key is None else one[key]
    if isinstance(box, dict):
        named = _named_numbers(box, _CORNERS)
        return (named, True) if named is not None else (_named_numbers(box, _SIDES), False)
    # The two forms differ in what they call the confidence; the results of COCO have left, top, width and height, too.
    corners = "conf" not in one and not {"image_id", "category_id", "score"} <= one.keys()
    return (box if isinstance(box, list) else None), corners or "xyxy" in _folded(str(key))


def _are_shares(detections: Sequence[Detection]) -> bool:
    largest = [
        max(box[0], box[1], box[2], box[3]) if not one.corners else max(box[0] + box[2], box[1] + box[3])
        for one in detections
        if (box := box_of(one.numbers, True, one.corners)) is not None
    ]
    return 2 * sum(number <= _SHARE for number in largest) > len(largest)


def box_of(numbers: Sequence[Any] | None, shares: bool, corners: bool = False) -> Box | None:
    """A box of four numbers, left, top, width and height, or of two corners; None if they are no box."""
    try:
        left, top, third, fourth = (float(number) for number in numbers or ())
    except (TypeError, ValueError):
        return None
    if corners:
        third, fourth = third - left, fourth - top
    whole = all(map(math.isfinite, (left, top, third, fourth))) and third > 0 and fourth > 0
    return Box((left, top, third, fourth), shares) if whole else None


def _names(content: object) -> dict[str, str]:
    """Names of the numbers of categories, as the file gives them."""
    if not isinstance(content, dict):
        return {}
    given = _first(content, "detection_categories", "det_categories", "categories")
    if isinstance(given, list):
        given = {one.get("id"): one.get("name") for one in given if isinstance(one, dict)}
    return _texts(given)


def _texts(given: object) -> dict[str, str]:
    return {str(key): str(name) for key, name in given.items()} if isinstance(given, dict) else {}


def _kind(one: dict[str, Any], entry: dict[str, Any], kinds: Mapping[str, str]) -> str:
    """The species that is named first, of the detection, else of its photo."""
    named = one.get("classifications")
    first = named[0] if isinstance(named, list) and named else None
    # A list of classes beside that of boxes says nothing where it is of other length.
    code = first[0] if isinstance(first, list) and first else one.get("clf_category")
    if isinstance(code, str | int):
        return kinds.get(str(code), str(code))
    # SpeciesNet writes its own id, the taxa from the class on, and the common name.
    told = entry.get("prediction")
    return told.rpartition(";")[2] if isinstance(told, str) else ""


def _first(content: object, *keys: str) -> Any:
    """The first value that is not null under one of the keys of an object."""
    there = content if isinstance(content, dict) else {}
    return next((there[key] for key in keys if there.get(key) is not None), None)


def _frame(entry: dict[str, Any]) -> tuple[float, float] | None:
    for names in _SIZE:
        numbers = _named_numbers(entry, (names,))
        size = [side for number in numbers or () if (side := _number(number)) is not None and side > 0]
        if len(size) == 2:
            return size[0], size[1]
    return None


def _named_numbers(one: dict[str, Any], wanted: Sequence[tuple[str, ...]]) -> list[Any] | None:
    by_name = {_folded(key): value for key, value in one.items()}
    return next(([by_name[key] for key in keys] for keys in wanted if all(key in by_name for key in keys)), None)


def _value(one: dict[str, Any], names: Sequence[str]) -> Any:
    """The first value that is not null under one of the names, in their order."""
    by_name = {_folded(key): value for key, value in one.items()}
    return next((by_name[name] for name in names if by_name.get(name) is not None), None)


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


@cache
def _folded(key: str) -> str:
    return folded(key)
