"""`megadetector`: the JSON of MegaDetector, as its batches have it, or as a list with corners in pixels."""

from __future__ import annotations

from collections import Counter

from pydantic import Field, field_validator

from aas_plugin.data.animals import Animal, Progress, TrapOptions, catalogue_of, names_of, root_of
from aas_plugin.data.catalogue import Catalogue
from aas_plugin.data.detections import Detection, box_of, found_in, is_found
from aas_plugin.data.json_file import found_instead, read_json
from aas_plugin.data.told import Told, counts_as, several_species
from aas_plugin.errors import AasError

NOBODY = ("person", "human", "people", "vehicle", "empty", "blank")


class MegaDetectorOptions(TrapOptions):
    """Options of `megadetector`."""

    # What is below is more often wrong than right.
    confidence: float = Field(0.2, ge=0, le=1, description="least confidence of a detection")
    animals: tuple[str, ...] = Field(("animal",), description="names, in any case, of the categories that are animals")
    categories: dict[str, str] = Field({}, description="names of the numbers of categories, such as 1: animal")

    @field_validator("animals", mode="before")
    @classmethod
    def _some_animals(cls, value: object) -> object:
        return names_of(value)

    @field_validator("categories", mode="before")
    @classmethod
    def _numbers_as_text(cls, value: object) -> object:
        return {str(key): name for key, name in value.items()} if isinstance(value, dict) else value


def megadetector(options: MegaDetectorOptions, progress: Progress | None = None) -> Catalogue:
    """Read what a detector found, in one of the forms of `found_in`: each animal is an image of its own.

    Detections below the least confidence, of people and of vehicles, those whose box is none, and photos without an
    animal are left out, with a warning that counts them. Rows are in the order of the file.

    Args:
        options: where it is, and what counts.
        progress: called with (photos whose size was read, all) after each.

    Raises:
        AasError: the file cannot be read, is of no detector, or `catalogue_of` rejects it.
    """
    path = options.path.expanduser().resolve()
    content = read_json(path)
    if not is_found(content):
        raise AasError(
            f"{path} holds no detections (photos with 'file' and 'detections' were looked for, "
            f"{found_instead(content)} was found); give the JSON that MegaDetector wrote"
        )
    found = found_in(content, options.categories)
    told = Told()
    told.out["photos that the detector could not read"] += len(found.failed)
    if found.guessed:
        taken = ", ".join(f"{number} as {name}" for number, name in sorted(found.guessed.items()))
        told.notes.append(f"numbers of categories are taken thus: {taken} (see dataset.categories)")
    named = any(one.category is not None for one in found.detections)
    sure = any(one.confidence is not None for one in found.detections)
    if found.detections and not named:
        told.notes.append("no detection has a category, and all are taken as animals")
    if found.detections and not sure:
        told.notes.append("no detection has a confidence, and all are taken")
    animals, species, with_animal = [], Counter[str](), set(found.failed)
    for one in found.detections:
        if why := _why_not(one, options, named, sure):
            told.out[why] += 1
            continue
        with_animal.add(one.photo)
        box = box_of(one.numbers, found.shares, one.corners)
        if box is None:
            told.out["detections whose box is none"] += 1
            told.example("detections whose box is none", f"{one.numbers} of {one.photo}")
            continue
        species[one.kind] += 1
        animals.append(Animal(one.photo, box, one.frame))
    told.out["photos without an animal"] += sum(photo not in with_animal for photo in found.photos)
    several_species(species, told)
    return catalogue_of(animals, options, path, root_of(options, path.parent), told, progress)


def _why_not(one: Detection, options: MegaDetectorOptions, named: bool, sure: bool) -> str:
    """Why a detection is left out; blank if it counts."""
    if named and one.category is None:
        return "detections without a category"
    if named and not counts_as(str(one.category), options.animals):
        other = "" if counts_as(str(one.category), NOBODY) else " (see dataset.animals)"
        return f"detections of {one.category}{other}"
    if sure and one.confidence is None:
        return "detections without a confidence"
    if sure and one.confidence is not None and one.confidence < options.confidence:
        return f"detections below confidence {options.confidence:g} (see dataset.confidence)"
    return "" if counts_as(one.kind, options.species) else "animals of other species"
