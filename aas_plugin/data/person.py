"""`market1501` and `personx`: person Re-ID data sets in the layout of Market-1501."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict

from aas_plugin.data.catalogue import Catalogue, make_catalogue, some_of
from aas_plugin.data.sources import find_images
from aas_plugin.errors import AasError

FOLDERS = {"bounding_box_train": "train", "query": "query", "bounding_box_test": "gallery"}
_FILE_NAME = re.compile(r"(?P<person>-1|\d+)_c(?P<camera>\d+)")


class PersonOptions(BaseModel):
    """Options of `market1501` and `personx`: the folder, and the data set's title (default: its name here)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path
    title: str | None = None


def person(options: PersonOptions, name: str) -> Catalogue:
    """Read `bounding_box_train`, `query` and `bounding_box_test`, in the folder itself or one folder down.

    Person and camera are the beginning of a file's name: `0002_c1s1_000451_03.jpg` is person 0002, camera 1.
    Market-1501's junk, person -1, is on no side of the split, since it counts neither for nor against a query.
    Its distractors, person 0000, have no identity and stay in the gallery, where they are wrong for every query
    (Zheng et al., ICCV 2015). PersonX (Sun and Zheng, CVPR 2019) has neither. Other folders are not read. Rows
    are sorted by folder, in that order, and path.

    Args:
        options: where the data set is.
        name: the data set's name, unless the options give another.

    Raises:
        AasError: the folders are not there, or are there more than once, an image's name says no person and
            camera, or `make_catalogue` rejects it.
    """
    root = _find_root(options.path, name)
    images = [Path(folder, image) for folder in FOLDERS for image in sorted(find_images(root / folder))]
    matches = [_FILE_NAME.match(image.name) for image in images]
    odd = [image.as_posix() for image, match in zip(images, matches, strict=True) if match is None]
    if odd:
        raise AasError(
            f"{name}: the names of images in {root} do not begin with person and camera, such as 0002_c1: "
            f"{some_of(odd)}; rename or remove them."
        )
    found = [(match["person"], str(int(match["camera"]))) for match in matches if match is not None]
    table = pd.DataFrame(found, columns=["identity", "camera"])
    table["path"] = [image.as_posix() for image in images]
    table["split"] = [FOLDERS[image.parts[0]] for image in images]
    junk, distractor = table["identity"] == "-1", table["identity"].str.fullmatch("0+")
    table["split"] = table["split"].mask(junk)
    table["identity"] = table["identity"].mask(junk | distractor)
    return make_catalogue(options.title or name, root, table)


def _find_root(path: Path, name: str) -> Path:
    given = path.expanduser().resolve()
    if not given.is_dir():
        raise AasError(f"{name}: {path} is not a folder; give the one that has {', '.join(FOLDERS)}.")
    places = [given] if _has_any(given) else sorted(place for place in given.iterdir() if _has_any(place))
    if len(places) > 1:
        inside = some_of(place.name for place in places)
        raise AasError(f"{name}: {given} holds several data sets, {inside}; give the path of one of them.")
    absent = [folder for folder in FOLDERS if not places or not (places[0] / folder).is_dir()]
    if absent:
        where = places[0] if places else given
        raise AasError(f"{name}: {where} has no folder {', '.join(absent)}; give the folder that has all three.")
    return places[0]


def _has_any(place: Path) -> bool:
    return any((place / folder).is_dir() for folder in FOLDERS)
