"""Animals on photos of camera traps, as detectors and people list them, and the catalogue that they make."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from pydantic import Field, field_validator

from aas_plugin.data.boxes import Box
from aas_plugin.data.catalogue import Catalogue, MissingFilesError, make_catalogue
from aas_plugin.data.formats import is_image, left_out
from aas_plugin.data.images import upright_size
from aas_plugin.data.listed_files import matched_files, nearest_file
from aas_plugin.data.sources import SourceOptions
from aas_plugin.data.told import Told
from aas_plugin.errors import AasError

Progress = Callable[[int, int], None]

_SHAPE = 0.02
"""Sizes of a photo whose ratios of width to height differ by less, relatively, are of one picture."""


class TrapOptions(SourceOptions):
    """What sources of camera traps have in common beside `SourceOptions`."""

    root: Path | None = Field(None, description="folder that photos are relative to; without, that of the file itself")
    species: tuple[str, ...] = Field((), description="names, in any case, of those that count; without, all")

    @field_validator("species", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return names_of(value)


def names_of(value: object) -> object:
    """One name or a list of names as a list of texts; whatever else it is, as it is."""
    return [str(one) for one in value] if isinstance(value, list | tuple) else [value] if value else value


@dataclass(frozen=True)
class Animal:
    """An animal on a photo; texts are blank where nothing is known.

    Attributes:
        photo: path, as it is written.
        box: the part of the upright photo that it is on; None for the whole photo.
        frame: width and height in pixels of the photo that a box in pixels is of; None for that of the file.
        identity: its name.
        camera: where the photo was taken.
        date: when.
        image_id: the photo's own name in the data.
    """

    photo: str
    box: Box | None = None
    frame: tuple[float, float] | None = None
    identity: str = ""
    camera: str = ""
    date: str = ""
    image_id: str = ""


def root_of(options: TrapOptions, own: Path) -> Path:
    """The folder that photos are relative to: the one that is given, else the data's own."""
    return own if options.root is None else options.root.expanduser().resolve()


def catalogue_of(
    animals: Sequence[Animal],
    options: TrapOptions,
    where: Path,
    root: Path,
    told: Told,
    progress: Progress | None = None,
    of_missing: str = "",
) -> Catalogue:
    """Make a catalogue with a row for each animal; a warning tells what was left out and changed.

    A box is rounded to whole pixels of its upright photo, whatever it was given in, and cut off at the photo's edges.
    Where a photo has boxes, what is said of the whole photo makes no row; nor is the same part of a photo two.

    Args:
        animals: of all photos.
        options: of the source.
        where: the file or folder that lists them.
        root: folder that photos are relative to.
        told: what was left out before.
        progress: called with (photos whose size was read, all) after each.
        of_missing: sentences on photos that are not there, each after a blank.

    Raises:
        AasError: no animal is left, none of the photos is there, or `make_catalogue` rejects them.
    """
    others = [photo for photo in dict.fromkeys(animal.photo for animal in animals) if not is_image(photo)]
    if others:
        told.out[f"files that are no photos ({left_out(others)})"] += len(others)
        animals = [animal for animal in animals if is_image(animal.photo)]
    placed = _placed(animals, where, root, of_missing)
    found = _merged(_on_photos(placed, root, told, progress), told)
    if not found:
        raise AasError(f"{where} lists no animal on a photo{f' ({told})' if str(told) else ''}; give another file")
    if str(told):
        warnings.warn(f"{where}: {told}", stacklevel=3)
    try:
        return make_catalogue(options.title or root.name, root, _table(found), unknown=options.unknown)
    except MissingFilesError as error:
        near = nearest_file(root, error.paths[0])
        hint = f" The nearest file to {error.paths[0]!r} is {near!r}." if near else ""
        raise MissingFilesError(error.catalogue, error.paths, hint + of_missing) from None


def _placed(animals: Sequence[Animal], where: Path, root: Path, of_missing: str) -> list[Animal]:
    """The animals with paths of photos relative to the root, as the files are written."""
    written = list(dict.fromkeys(animal.photo for animal in animals))
    paths = dict(zip(written, matched_files(root, written), strict=True))
    there = {path for path in paths.values() if (root / path).is_file()}
    if written and not there:
        raise AasError(
            f"none of the {len(written)} photos that {where} lists is in {root} (the first is {written[0]!r}); say "
            f"where they are by --set dataset.root=FOLDER.{of_missing}"
        )
    # Photos that are missing lie where those that are there were.
    before = {_slashed(old).removesuffix(new) for old, new in paths.items() if new in there and old != new}
    for old, new in paths.items():
        if new not in there and re.match(r"[A-Za-z]:|[\\/]|file:", old):
            whole = _slashed(old)
            fitting = [start for start in before if start and whole.startswith(start)]
            paths[old] = whole.removeprefix(max(fitting, key=len)) if fitting else re.sub(r"^([A-Za-z]:)?/+", "", whole)
        elif new not in there:
            paths[old] = _slashed(new)
    return [replace(animal, photo=paths[animal.photo]) for animal in animals]


def _on_photos(animals: list[Animal], root: Path, told: Told, progress: Progress | None) -> list[Animal]:
    """The animals with boxes in whole pixels of photos that are there, without those of which nothing is on it."""
    boxed = list(dict.fromkeys(animal.photo for animal in animals if animal.box is not None))
    sizes: dict[str, tuple[int, int] | None] = {}
    with ThreadPoolExecutor() as threads:
        for photo, size in zip(boxed, threads.map(lambda photo: upright_size(root / photo), boxed), strict=True):
            sizes[photo] = size
            if progress is not None:
                progress(len(sizes), len(boxed))
    kept, cut, scaled = [], 0, set()
    for animal in animals:
        size = sizes.get(animal.photo)
        if animal.box is None or size is None:
            kept.append(animal)
            continue
        box = animal.box
        if not box.shares and animal.frame is not None and animal.frame != size:
            ratio = animal.frame[0] * size[1] / (animal.frame[1] * size[0])
            if abs(ratio - 1) > _SHAPE:
                told.out["animals on photos of another shape than their list says"] += 1
                continue
            scaled.add(animal.photo)
            box = Box(tuple(n / animal.frame[axis % 2] for axis, n in enumerate(box)), shares=True)
        try:
            left, top, right, bottom = box.within(*size)
        except ValueError:
            told.out["animals whose box lies beside their photo or is smaller than a pixel"] += 1
            continue
        scale = size if box.shares else (1, 1)
        ends = [(box[axis] * scale[axis], (box[axis] + box[axis + 2]) * scale[axis]) for axis in (0, 1)]
        cut += any(start < -1 or end > size[axis] + 1 for axis, (start, end) in enumerate(ends))
        kept.append(replace(animal, box=Box((left, top, right - left, bottom - top))))
    if cut:
        told.notes.append(f"{cut} boxes reach beyond their photo and are cut off at its edge")
    if scaled:
        told.notes.append(f"the files of {len(scaled)} photos have another size than their list says; boxes are scaled")
    return kept


def _merged(animals: list[Animal], told: Told) -> list[Animal]:
    """One animal for each part of a photo, in the order of photos, and none for the whole of one that has parts."""
    photos: dict[str, dict[Box | None, list[Animal]]] = defaultdict(lambda: defaultdict(list))
    for animal in animals:
        photos[animal.photo][animal.box].append(animal)
    merged = []
    torn = 0
    for parts in photos.values():
        whole = parts.pop(None, []) if len(parts) > 1 else []
        told.out["observations of whole photos that have boxes"] += len(whole)
        for box, same in parts.items():
            told.out["further observations of the same photo or part"] += len(same) - 1
            # Of a photo with one box the whole is said of that animal.
            said = [*same, *whole] if len(parts) == 1 else same
            names = {animal.identity for animal in said if animal.identity}
            torn += len(names) > 1
            merged.append(replace(same[0], box=box, identity=names.pop() if len(names) == 1 else ""))
    if torn:
        told.notes.append(
            f"{torn} photos, or parts of one, show more than one individual and are taken as not identified"
        )
    return merged


def _table(animals: list[Animal]) -> pd.DataFrame:
    columns = ("identity", "camera", "date", "image_id")
    table = pd.DataFrame(
        [[getattr(animal, name) for name in columns] for animal in animals], columns=columns, dtype=str
    )
    # A photo whose size is not known is missing, or cannot be read; its box stays in the path alone.
    table["path"] = [animal.photo + _fragment(animal.box) for animal in animals]
    table["bbox"] = [
        None if animal.box is None or animal.box.shares else f"[{', '.join(f'{n:g}' for n in animal.box)}]"
        for animal in animals
    ]
    return table


def _fragment(box: Box | None) -> str:
    if box is None:
        return ""
    unit, scale = ("percent:", 100) if box.shares else ("", 1)
    return f"#xywh={unit}" + ",".join(f"{scale * number:.8g}" for number in box)


def _slashed(path: str) -> str:
    return path.strip().removeprefix("file://").replace("\\", "/")
