"""A data set as one file: its catalogue and its images in an uncompressed tar archive."""

from __future__ import annotations

import hashlib
import io
import re
import shlex
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pandas as pd

from aas_plugin.data.boxes import split_box
from aas_plugin.data.catalogue import Catalogue, make_catalogue, some_of
from aas_plugin.errors import AasError
from aas_plugin.files import write_atomically

TABLE = "catalogue.csv"
IMAGES = "images"
NAME = "name"


def pack(catalogue: Catalogue, path: Path, progress: Callable[[int, int], None] | None = None) -> None:
    """Write a data set into one archive; the same data set gives the same bytes.

    Args:
        catalogue: the data set.
        path: the archive.
        progress: called with (images done, all images) after each.

    Raises:
        AasError: an image cannot be read, has a name that another system takes for a place elsewhere, or the archive
            cannot be written.
    """
    names = _files_of(catalogue.table)

    def write(file: IO[bytes]) -> None:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
            _add(archive, TABLE, catalogue.table.to_csv(index=False, lineterminator="\n").encode())
            _add(archive, NAME, catalogue.name.encode())
            for done, name in enumerate(names, start=1):
                try:
                    _check_name(name)
                    _add(archive, f"{IMAGES}/{name}", (catalogue.root / name).read_bytes())
                except OSError as error:
                    sentence = f"Image {name!r} in {catalogue.root} cannot be read ({error}); restore it"
                    raise AasError(sentence) from error
                except ValueError as error:
                    raise AasError(
                        f"Image {name!r} in {catalogue.root} cannot be packed: {error}; rename it"
                    ) from error
                if progress is not None:
                    progress(done, len(names))

    write_atomically(path, write)


def unpack(path: Path) -> Catalogue:
    """Read a data set from its archive, whose images are laid beside it, once for each content.

    Nothing but plain files is taken from it, each once, and only those that the catalogue in it names.

    Raises:
        AasError: the file is no such archive, holds anything else, or its images cannot be written.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
        folder = path.parent / f".{path.stem}-{digest}"
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=path.parent) as scratch:
                _extract(path, Path(scratch, "all"))
                # Another process may have laid it there meanwhile.
                if not folder.is_dir():
                    Path(scratch, "all").rename(folder)
        name = (folder / NAME).read_text(encoding="utf-8")
        table = pd.read_csv(folder / TABLE, dtype="string", keep_default_na=False)
    except Exception as error:  # Anything can be in a damaged archive, and each reader raises errors of its own.
        why = " ".join(str(error).split()) or type(error).__name__
        raise AasError(
            f"{path} holds no packed data set ({why}); make it with `aas data pack -o {shlex.quote(str(path))}`"
        ) from error
    # What names no individual was left out when it was packed.
    return make_catalogue(name, folder / IMAGES, table, unknown=())


def _extract(path: Path, target: Path) -> None:
    """Lay the files of an archive into a new folder.

    Raises:
        ValueError: a member is no plain file, is larger than the archive, has a name that leads elsewhere or stands
            twice, or is none of the data set's.
    """
    with tarfile.open(path, "r:") as archive:
        members: dict[str, tarfile.TarInfo] = {}
        for member in archive:
            _check_member(member, path.stat().st_size)
            if member.name in members:
                raise ValueError(f"{member.name!r} stands twice in it")
            members[member.name] = member
        target.mkdir()
        for first in (TABLE, NAME):
            if first not in members:
                raise ValueError(f"{first} is missing")
            archive.extract(members.pop(first), target, filter="data")
        table = pd.read_csv(target / TABLE, dtype="string", keep_default_na=False)
        wanted = {f"{IMAGES}/{name}" for name in _files_of(table)}
        surplus = [name for name in members if name not in wanted]
        if surplus:
            raise ValueError(f"{some_of(surplus)} is none of its images")
        for name, member in members.items():
            # A system may take names for one that differ in upper and lower case.
            if (target / name).exists():
                raise ValueError(f"{name!r} stands twice in it")
            archive.extract(member, target, filter="data")


def _files_of(table: pd.DataFrame) -> list[str]:
    """The photos and masks of a catalogue's table, each once, also where several animals are on one photo."""
    photos = [split_box(path)[0].as_posix() for path in table.get("path", ())]
    masks = [mask for mask in table.get("mask", ()) if not pd.isna(mask) and mask]
    return list(dict.fromkeys([*photos, *masks]))


def _check_member(member: tarfile.TarInfo, room: int) -> None:
    if not member.isreg() or member.issparse():
        raise ValueError(f"{member.name!r} is no plain file")
    if member.size < 0 or member.offset_data + member.size > room:
        raise ValueError(f"{member.name!r} is larger than the archive")
    _check_name(member.name)


def _check_name(name: str) -> None:
    """Refuse what would lead out of a folder, on this system or on another one."""
    parts = name.split("/")
    if {"", ".", ".."} & set(parts) or "\\" in name or "\0" in name or re.match(r"[A-Za-z]:", parts[0]):
        raise ValueError(f"the name {name!r} may lead elsewhere")


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
