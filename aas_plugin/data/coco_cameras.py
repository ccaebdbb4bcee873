"""`coco-cameras`: COCO Camera Traps, and other JSON in the form of COCO."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pydantic import Field

from aas_plugin.data.animals import Animal, Progress, TrapOptions, catalogue_of, root_of
from aas_plugin.data.catalogue import Catalogue, some_of
from aas_plugin.data.detections import box_of
from aas_plugin.data.json_file import found_instead, read_json
from aas_plugin.data.tables import folded
from aas_plugin.data.told import Told, counts_as, several_species
from aas_plugin.data.zones import tell_zones
from aas_plugin.errors import AasError

NO_ANIMALS = (
    "empty", "blank", "nothing", "none", "no animal", "misfire", "problem", "corrupt", "corrupted", "human", "humans",
    "person", "people", "homo sapiens", "human non staff", "staff", "vehicle", "car", "truck", "motorcycle", "bicycle",
    "bike", "atv", "setup", "start", "end", "unknown object",
)  # fmt: skip
"""Names of categories, in any case, that are no animals unless they are asked for."""

_INDIVIDUAL = ("individualid", "individual", "individualname", "individualids", "identity", "name")


class CocoOptions(TrapOptions):
    """Options of `coco-cameras`."""

    confidence: float = Field(0.0, ge=0, le=1, description="least confidence of an annotation that has one")


def is_coco(content: object) -> bool:
    """Whether what a JSON file holds is in the form of COCO."""
    return (
        isinstance(content, dict)
        and isinstance(content.get("images"), list)
        and isinstance(content.get("annotations"), list)
        and any(isinstance(one, dict) and "file_name" in one for one in content["images"][:1000])
    )


def coco_cameras(options: CocoOptions, progress: Progress | None = None) -> Catalogue:
    """Read images, annotations and categories: an annotation with a box is an image of its own, else a whole photo.

    The camera is an image's `location`, the date its `datetime`, and the individual what an annotation, or its image,
    calls `individual_id`, `individual`, `identity` or `name`. Annotations of people, vehicles and nothing, and photos
    without an animal, are left out, with a warning that counts them. Rows are in the order of the annotations.

    Args:
        options: where it is, and what counts.
        progress: called with (photos whose size was read, all) after each.

    Raises:
        AasError: the file cannot be read, is none of COCO's, two images have one id, or `catalogue_of` rejects it.
    """
    path = options.path.expanduser().resolve()
    content = read_json(path)
    if not is_coco(content):
        raise AasError(
            f"{path} is no COCO ('images' with 'file_name' and 'annotations' were looked for, {found_instead(content)} "
            "was found); give the JSON of annotations"
        )
    told = Told()
    images = _images(content["images"], path, told)
    categories = {_id(one.get("id")): str(one.get("name")) for one in _objects(content.get("categories"))}
    animals, species, shown, of_sequences = [], Counter[str](), set(), 0
    for one in _objects(content["annotations"]):
        image = images.get(_id(one.get("image_id")))
        kind = categories.get(_id(one.get("category_id")), str(one.get("category_id", "")))
        if image is None:
            told.out["annotations of images that are not listed"] += 1
        elif why := _why_not(one, kind, options):
            told.out[why] += 1
        else:
            shown.add(_id(image.get("id")))
            animal = _animal(one, image, told)
            if animal is not None:
                animals.append(animal)
                species[kind] += 1
                of_sequences += animal.box is None and bool(one.get("sequence_level_annotation"))
    told.out["photos without an animal"] += len(images) - len(shown)
    several_species(species, told)
    if of_sequences:
        told.notes.append(f"{of_sequences} animals are said of whole sequences, and may not be on each of their photos")
    tell_zones([animal.date for animal in animals], told, mixed_alone=True)
    return catalogue_of(animals, options, path, root_of(options, path.parent), told, progress)


def _why_not(one: dict[str, Any], kind: str, options: CocoOptions) -> str:
    """Why an annotation is left out; blank if it counts."""
    if not options.species and counts_as(kind, NO_ANIMALS):
        return f"annotations of {kind}"
    if not counts_as(kind, options.species):
        return "annotations of other species"
    try:
        confidence = float(one.get("score", one.get("confidence", 1)))
    except (TypeError, ValueError):
        confidence = 1.0
    below = f"annotations below confidence {options.confidence:g} (see dataset.confidence)"
    # Of what is not a number, neither comparison holds.
    return "" if confidence >= options.confidence else below


def _animal(one: dict[str, Any], image: dict[str, Any], told: Told) -> Animal | None:
    photo, box, frame = str(image["file_name"]), None, None
    if one.get("bbox") not in (None, []):
        box = box_of(one["bbox"] if isinstance(one["bbox"], list) else None, shares=False)
        if box is None:
            told.out["annotations whose box is none"] += 1
            told.example("annotations whose box is none", f"{one['bbox']} of {photo}")
            return None
        size = image.get("width"), image.get("height")
        if all(isinstance(side, int | float) and side > 0 for side in size):
            frame = float(size[0]), float(size[1])  # type: ignore[arg-type]
    return Animal(
        photo,
        box,
        frame,
        identity=_individual(one) or _individual(image),
        camera=_text(image.get("location")),
        date=_text(image.get("datetime") or image.get("date_captured")),
        image_id=_text(image.get("id")),
    )


def _individual(one: dict[str, Any]) -> str:
    by_name = {folded(key): value for key, value in one.items()}
    for name in _INDIVIDUAL:
        value = by_name.get(name)
        if isinstance(value, list):
            value = value[0] if len(value) == 1 else None
        if text := _text(value):
            return text
    return ""


def _images(listed: list[Any], path: Any, told: Told) -> dict[str, dict[str, Any]]:
    images: dict[str, dict[str, Any]] = {}
    twice = []
    for one in listed:
        if not isinstance(one, dict) or not isinstance(one.get("file_name"), str):
            told.out["images without a file_name"] += 1
            continue
        key = _id(one.get("id"))
        if key in images:
            twice.append(key)
        images[key] = one
    if twice:
        raise AasError(
            f"{path} has more than one image of the id {some_of(dict.fromkeys(twice))}; give each one of its own"
        )
    return images


def _objects(listed: object) -> list[dict[str, Any]]:
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _id(value: object) -> str:
    """An id as text, since some are numbers in one place and texts in another."""
    return str(value)


def _text(value: object) -> str:
    return "" if value is None or isinstance(value, dict | list) else str(value).strip()
