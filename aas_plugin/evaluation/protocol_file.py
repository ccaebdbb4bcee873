"""A protocol as a file: who is trained on, asked for and in the gallery, by image path."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from aas_plugin.data.catalogue import SPLITS, Catalogue, data_hash, some_of
from aas_plugin.data.splits import OpenSet
from aas_plugin.errors import AasError
from aas_plugin.files import write_json


class Queries(BaseModel):
    """Paths of the queries whose individual is in the gallery, and of those whose individual is not."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    known: list[str]
    unknown: list[str]


class SavedProtocol(BaseModel):
    """What the file holds.

    Attributes:
        dataset: name of the data set.
        data_hash: of the data set with this split, see `aas_plugin.data.catalogue.data_hash`.
        seed: what the split and the individuals held out were drawn with.
        exemplars: most gallery images of an individual.
        held_out: share of the training individuals not in the gallery.
        reference: whose features chose the exemplars: `backbone`, a name with its options, and `adapter` where it
            was that method's backbone before training; None where the data set brings its gallery.
        split: paths by side; an image on no side is in none.
        query: paths of the queries.
        gallery: paths of the gallery.
        images: the content hash of every image by path, in catalogue order.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str
    data_hash: str
    seed: int
    exemplars: int
    held_out: float
    reference: dict[str, Any] | None
    split: dict[Literal["train", "test", "query", "gallery"], list[str]]
    query: Queries
    gallery: list[str]
    images: dict[str, str]


def save_protocol(
    path: Path,
    catalogue: Catalogue,
    hashes: Sequence[str],
    protocol: OpenSet,
    *,
    seed: int,
    exemplars: int,
    held_out: float,
    reference: dict[str, Any] | None,
) -> None:
    """Write a protocol; see `SavedProtocol` for what is not the protocol itself.

    Args:
        path: the file to write.
        catalogue: the images, whose split it is.
        hashes: (n,) content hashes of the images.
        protocol: rows of the catalogue.
        seed: see `SavedProtocol`, as the rest.
        exemplars: as above.
        held_out: as above.
        reference: as above.

    Raises:
        AasError: the file cannot be written.
    """
    paths = catalogue.table["path"].to_numpy(dtype=object)
    sides = {side: catalogue.rows_of(side) for side in SPLITS}
    saved = SavedProtocol(
        dataset=catalogue.name,
        data_hash=data_hash(catalogue, hashes),
        seed=seed,
        exemplars=exemplars,
        held_out=held_out,
        reference=reference,
        split={side: paths[rows].tolist() for side, rows in sides.items() if len(rows)},
        query=Queries(
            known=paths[protocol.query[protocol.known]].tolist(),
            unknown=paths[protocol.query[~protocol.known]].tolist(),
        ),
        gallery=paths[protocol.gallery].tolist(),
        images=dict(zip(paths.tolist(), hashes, strict=True)),
    )
    write_json(path, saved.model_dump())


def read_protocol(path: Path) -> SavedProtocol:
    """Read a protocol.

    Raises:
        AasError: the file is not there, or is none.
    """
    try:
        return SavedProtocol.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        command = f"aas data split -o {shlex.quote(str(path))}"
        raise AasError(f"protocol {path}: no such file; write it with `{command}`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise AasError(f"protocol {path} cannot be read ({error}); write it with `aas data split`") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise AasError(
            f"{path} is no protocol ({where + ': ' if where else ''}{first['msg']}); write one with `aas data split`"
        ) from None


def with_split_of(saved: SavedProtocol, path: Path, catalogue: Catalogue) -> Catalogue:
    """Give a catalogue the split of a saved protocol, in the place of its own.

    Raises:
        AasError: the file names images that the data set lacks, or the data set has images that it does not name.
    """
    there, named = set(catalogue.table["path"]), set(saved.images)
    listed = {image for side in [*saved.split.values(), *_queries_and_gallery(saved)] for image in side}
    lacking = sorted((named | listed) - there)
    if lacking:
        raise AasError(
            f"protocol {path} names images that are not in {catalogue.name} ({catalogue.root}): {some_of(lacking)}; "
            "restore them, or give the data set that it was made for"
        )
    unnamed = sorted(there - named)
    if unnamed:
        raise AasError(
            f"protocol {path} does not name images of {catalogue.name} ({catalogue.root}): {some_of(unnamed)}; "
            "make a protocol of all images with `aas data split`, or give the data set that it was made for"
        )
    side = {image: side for side, images in saved.split.items() for image in images}
    split = pd.array([side.get(image, pd.NA) for image in catalogue.table["path"]], dtype="string")
    return replace(catalogue, table=catalogue.table.assign(split=split))


def check_contents(saved: SavedProtocol, path: Path, catalogue: Catalogue, hashes: Sequence[str]) -> None:
    """Raise unless the data set is what a saved protocol was made for.

    Args:
        saved: the protocol.
        path: where it was read.
        catalogue: the images, with the protocol's split.
        hashes: (n,) content hashes of the images.

    Raises:
        AasError: images changed, or else their individuals, their order or the file.
    """
    names = catalogue.table["path"]
    changed = [name for name, digest in zip(names, hashes, strict=True) if saved.images.get(name) != digest]
    mend = "restore them, or make a new protocol with `aas data split`"
    if changed:
        raise AasError(f"images of {catalogue.name} changed since protocol {path} was made: {some_of(changed)}; {mend}")
    if data_hash(catalogue, hashes) != saved.data_hash:
        raise AasError(
            f"protocol {path} is not that of {catalogue.name} ({catalogue.root}): the split in the file, the "
            f"individuals or the order of the images changed since it was made; {mend}"
        )


def rows_of(saved: SavedProtocol, catalogue: Catalogue) -> OpenSet:
    """Rows of the catalogue, which has all images of the protocol, that it names."""
    row = {name: position for position, name in enumerate(catalogue.table["path"])}

    def rows(images: Sequence[str]) -> npt.NDArray[np.int64]:
        return np.sort(np.array([row[image] for image in images], dtype=np.int64))

    known = rows(saved.query.known)
    query = np.sort(np.concatenate([known, rows(saved.query.unknown)]))
    return OpenSet(query, rows(saved.gallery), np.isin(query, known))


def _queries_and_gallery(saved: SavedProtocol) -> list[list[str]]:
    return [saved.query.known, saved.query.unknown, saved.gallery]
