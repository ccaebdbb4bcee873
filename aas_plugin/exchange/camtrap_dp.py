"""A Camtrap DP package of the individuals on photos: https://camtrap-dp.tdwg.org."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path, PurePosixPath

import pandas as pd
from PIL import Image

from aas_plugin.data.boxes import split_box
from aas_plugin.data.catalogue import some_of
from aas_plugin.errors import AasError
from aas_plugin.exchange.deployments import COLUMNS as DEPLOYMENTS
from aas_plugin.exchange.deployments import deployment_of, known, span
from aas_plugin.exchange.descriptor import DESIGNS, METHODS, Said, new_descriptor
from aas_plugin.exchange.gathering import Named
from aas_plugin.exchange.observations import new_observations
from aas_plugin.exchange.placing import put_photo
from aas_plugin.exchange.times import in_zone, iso, parse_moment
from aas_plugin.files import write_json

MEDIA = (
    "mediaID", "deploymentID", "captureMethod", "timestamp", "filePath", "filePublic", "fileName", "fileMediatype",
    "exifData", "favorite", "mediaComments",
)  # fmt: skip
"""Columns of media in Camtrap DP 1.0.2, in their order."""

_SAFE = re.compile(r"^[^./~](?:(?!\.{2}).)*$")


@dataclass(frozen=True, eq=False)
class Tables:
    """What a package is written from.

    Attributes:
        descriptor: its `datapackage.json`.
        deployments: rows of strings.
        media: rows of strings.
        observations: rows of strings.
        files: the file of each medium that is taken along, by its path in the package.
        told: sentences about what is not as it was.
    """

    descriptor: dict[str, object]
    deployments: pd.DataFrame
    media: pd.DataFrame
    observations: pd.DataFrame
    files: Mapping[str, Path]
    told: Sequence[str] = field(default_factory=tuple)


def new_package(named: Named, deployments: pd.DataFrame | None, said: Said) -> Tables:
    """Make a package of photos that came from none.

    Args:
        named: the photos and their names; each of a known time of day.
        deployments: as `read_deployments` gives them; None where nobody gave any.
        said: the rest that it needs.

    Raises:
        AasError: the format needs what nobody said; one sentence names all of it.
    """
    photos = named.photos
    moments = [None if pd.isna(text) else parse_moment(text) for text in photos["taken"]]
    zoneless = any(one is not None and one.time is not None and one.time.tzinfo is None for one in moments)
    _ask_for(_missing(photos, deployments, said, zoneless))
    assert deployments is not None and said.species is not None
    ids, told = deployment_of(photos, deployments)
    if told:
        raise AasError(f"{'; '.join(told)}; correct --deployments, or the cameras and dates of the photos")
    times = [in_zone(one, said.zone) for one in moments]
    stamps = ["" if one is None else iso(one) for one in times]
    of = pd.DataFrame({"deploymentID": ids, "timestamp": stamps, "photo": photos["photo"]}, index=photos.index)
    of["mediaID"] = [_medium(photo) for photo in of["photo"]]
    of["eventID"] = ""
    once = of[~of["photo"].duplicated()]
    paths = paths_inside({photo: f"media/{photo}" for photo in once["photo"]})
    media = pd.DataFrame(
        {
            "mediaID": once["mediaID"],
            "deploymentID": once["deploymentID"],
            "captureMethod": said.methods[0] if len(said.methods) == 1 else "",
            "timestamp": once["timestamp"],
            "filePath": [paths[photo] for photo in once["photo"]],
            # A file of the package is on nobody's server.
            "filePublic": "false",
            "fileName": [PurePosixPath(photo).name for photo in once["photo"]],
            "fileMediatype": [mediatype(photo) for photo in once["photo"]],
        }
    )
    species = dict.fromkeys(photos["path"], said.species)
    observations = new_observations(named, of, species, lambda path: upright_size(named.root / split_box(path)[0]))
    stood = _with_zone(deployments, said.zone)
    descriptor = new_descriptor(named.name, stood, said)
    files = {paths[photo]: named.root / photo for photo in once["photo"]}
    return Tables(descriptor, stood, media.reindex(columns=list(MEDIA), fill_value=""), observations, files)


def write_package(place: Path, tables: Tables, copy: bool) -> None:
    """Write a package: its tables, its description, and links to its media or copies of them.

    Raises:
        AasError: a photo is not there, or links cannot be made here.
    """
    place.mkdir()
    for name in ("deployments", "media", "observations"):
        table: pd.DataFrame = getattr(tables, name)
        table.to_csv(place / f"{name}.csv", index=False, encoding="utf-8")
    for path, file in tables.files.items():
        put_photo(file, place / path, copy)
    write_json(place / "datapackage.json", tables.descriptor)


def undated(photos: pd.DataFrame) -> pd.Series:
    """Which photos have no time of day: bool."""
    moments = [None if pd.isna(text) else parse_moment(text) for text in photos["taken"]]
    return pd.Series([one is None or one.time is None for one in moments], index=photos.index)


def mediatype(path: str) -> str:
    """The type of a photo by its suffix."""
    found = mimetypes.guess_type(path)[0]
    suffix = PurePosixPath(path).suffix.lower().removeprefix(".")
    return found if found is not None and found.startswith("image/") else f"image/{suffix or 'unknown'}"


def upright_size(file: Path) -> tuple[int, int]:
    """Width and height of a photo as it is looked at.

    Raises:
        AasError: it cannot be read.
    """
    try:
        with Image.open(file) as image:
            turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
            return (image.height, image.width) if turned else image.size
    except Exception as error:  # Decoders raise whatever they like on broken files.
        raise AasError(f"the photo {file} cannot be read ({error}); restore it, as its box is in pixels") from error


def _missing(photos: pd.DataFrame, deployments: pd.DataFrame | None, said: Said, zoneless: bool) -> list[str]:
    """What the format needs and nobody said, each with the flag that says it."""
    found = []
    if deployments is None:
        found.append("coordinates, start and end of each camera's deployment (--deployments FILE.csv)")
    else:
        for column in ("latitude", "longitude", "deploymentStart", "deploymentEnd"):
            lacks = deployments["deploymentID"][~known(deployments, [column])]
            if len(lacks):
                found.append(f"{column} of {some_of(lacks)} (in the --deployments)")
        times = [parse_moment(cell) for cell in deployments[["deploymentStart", "deploymentEnd"]].to_numpy().ravel()]
        zoneless |= any(one is not None and (one.time is None or one.time.tzinfo is None) for one in times)
    if said.zone is None and zoneless:
        found.append("the time zone (--timezone Africa/Maputo, or +02:00)")
    if said.species is None:
        found.append('the species (--species "Panthera leo")')
    if said.design is None:
        found.append(f"how places were chosen (--sampling-design, one of {', '.join(DESIGNS)})")
    if not said.methods:
        found.append(f"what released the cameras (--capture-method, {' or '.join(METHODS)})")
    if not said.contributors:
        found.append('who contributed (--contributor "Name")')
    return found


def _ask_for(missing: Sequence[str]) -> None:
    if missing:
        raise AasError(f"Camtrap DP needs what nothing here says; please give {'; '.join(missing)}")


def _with_zone(deployments: pd.DataFrame, zone: tzinfo | None) -> pd.DataFrame:
    """Deployments with start and end in ISO 8601 with a zone."""
    found = deployments.copy()
    for row in found.index:
        stood = span(deployments.loc[row], None)
        assert stood is not None
        for column, naive in zip(("deploymentStart", "deploymentEnd"), stood, strict=True):
            time = in_zone(parse_moment(deployments.loc[row, column]), zone)
            found.loc[row, column] = iso(time if time is not None else naive.replace(tzinfo=zone))
    return found.reindex(columns=list(DEPLOYMENTS), fill_value="")


def _medium(photo: str) -> str:
    """An id that a photo has in every export."""
    return hashlib.sha256(photo.encode(errors="surrogatepass")).hexdigest()[:16]


def paths_inside(wished: Mapping[str, str]) -> dict[str, str]:
    """Where each file lies in a package: where it is wished, without what the format forbids, and nowhere outside.

    Args:
        wished: path in the package by file.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for file, path in wished.items():
        if not is_safe(path) or path.casefold() in taken:
            pure = PurePosixPath(re.sub(r"\.{2,}", ".", path).lstrip("./~") or "photo")
            path = pure.with_name(f"{pure.stem}-{_medium(file)}{pure.suffix}").as_posix()
        taken.add(path.casefold())
        found[file] = path
    return found


def is_safe(path: str) -> bool:
    """Whether a path is one inside a package, as the format has them."""
    return bool(_SAFE.match(path)) and "\\" not in path and not re.match(r"[A-Za-z]:", path)
