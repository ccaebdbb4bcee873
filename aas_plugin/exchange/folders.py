"""A folder per individual, with links to its photos, or copies of them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from aas_plugin.data.boxes import split_box
from aas_plugin.data.images import open_upright
from aas_plugin.exchange.gathering import Named
from aas_plugin.exchange.placing import put_photo
from aas_plugin.files import as_file_name

UNNAMED = "unidentified"
"""Folder of photos without a name, which `aas` and others take as that of none."""


def write_folders(place: Path, named: Named, copy: bool) -> dict[str, str]:
    """Make a folder per individual.

    A photo is a link to its file, or a copy; the part of a photo that an animal fills is cut out, as that is what
    people want to look at, and saved as a JPEG of hardly any loss.

    Args:
        place: folder to make.
        named: the photos and their names.
        copy: whether photos are copied.

    Returns:
        The folder of each individual whose name no system would take as that of a folder, by its name.

    Raises:
        AasError: a photo is not there or cannot be read, or links cannot be made here.
    """
    place.mkdir()
    individuals = named.photos["individual"]
    folders = unique_names(individuals.dropna().unique(), as_file_name)
    for individual, group in named.photos.groupby(individuals.fillna(""), sort=False):
        below = place / (folders[str(individual)] if individual else UNNAMED)
        below.mkdir(exist_ok=True)
        files = file_names(group["path"])
        for path, photo in zip(group["path"], group["photo"], strict=True):
            put_image(named.root, path, photo, below / files[path], copy)
    return {name: folder for name, folder in folders.items() if name != folder}


def put_image(root: Path, path: str, photo: str, place: Path, copy: bool) -> None:
    """Link or copy a photo, or cut its part out.

    Args:
        root: folder that paths are relative to.
        path: of the image.
        photo: the file it lies in.
        place: file to make.
        copy: whether a photo is copied.

    Raises:
        AasError: see `put_photo` and `open_upright`.
    """
    if path == photo:
        put_photo(root / photo, place, copy)
    else:
        open_upright(root / path).save(place, "JPEG", quality=95, subsampling=0)


def file_names(paths: Iterable[str], clean: Callable[[str], str] = as_file_name) -> dict[str, str]:
    """A name of its own for the file of each image: its own where no other has it, else with those of its folders.

    Args:
        paths: of images.
        clean: makes a file's name of any text.
    """
    listed = list(paths)
    short = {path: _short(path) for path in listed}
    count = Counter(name.casefold() for name in short.values())
    long = {path: _flat(path) if count[short[path].casefold()] > 1 else short[path] for path in listed}
    made = unique_names(long.values(), clean) if len(set(long.values())) == len(listed) else None
    if made is not None:
        return {path: made[long[path]] for path in listed}
    return {path: f"{_digest(path)}{PurePosixPath(long[path]).suffix}" for path in listed}


def unique_names(texts: Iterable[str], clean: Callable[[str], str]) -> dict[str, str]:
    """A name for each text that no other has, whatever the case, as some systems tell names apart by letters alone."""
    listed = list(dict.fromkeys(map(str, texts)))
    first = {text: clean(text) for text in listed}
    count = Counter([*(name.casefold() for name in first.values()), UNNAMED])
    return {
        text: name if count[name.casefold()] == 1 else clean(_with_digest(name, text)) for text, name in first.items()
    }


def _with_digest(name: str, text: str) -> str:
    pure = PurePosixPath(name)
    return f"{pure.stem}-{_digest(text)}{pure.suffix}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]


def _short(path: str) -> str:
    """The name of an image's file; a part of a photo is a JPEG with its box in the name."""
    file, box = split_box(path)
    if box is None:
        return file.name
    numbers = [round(100 * number, 1) if box.shares else round(number) for number in box]
    return f"{file.stem} {' '.join(f'{number:g}' for number in numbers)}{'%' if box.shares else ''}.jpg"


def _flat(path: str) -> str:
    above = split_box(path)[0].parent
    return " ".join([*above.parts, _short(path)])
