"""A data set as one file: its catalogue and its images in an uncompressed tar archive."""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pandas as pd

from aas_plugin.data.boxes import split_box
from aas_plugin.data.catalogue import Catalogue, make_catalogue
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
        AasError: an image cannot be read, or the archive cannot be written.
    """
    # Several animals may be on one photo.
    files = [split_box(path)[0].as_posix() for path in catalogue.table["path"]]
    names = list(dict.fromkeys([*files, *catalogue.table["mask"].dropna()]))

    def write(file: IO[bytes]) -> None:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
            _add(archive, TABLE, catalogue.table.to_csv(index=False, lineterminator="\n").encode())
            _add(archive, NAME, catalogue.name.encode())
            for done, name in enumerate(names, start=1):
                try:
                    _add(archive, f"{IMAGES}/{name}", (catalogue.root / name).read_bytes())
                except OSError as error:
                    sentence = f"Image {name!r} in {catalogue.root} cannot be read ({error}); restore it"
                    raise AasError(sentence) from error
                if progress is not None:
                    progress(done, len(names))

    write_atomically(path, write)


def unpack(path: Path) -> Catalogue:
    """Read a data set from its archive, whose images are laid beside it, once for each content.

    Raises:
        AasError: the file is no such archive, or its images cannot be written.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
        folder = path.parent / f".{path.stem}-{digest}"
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=path.parent) as scratch:
                with tarfile.open(path, "r:") as archive:
                    archive.extractall(Path(scratch, "all"), filter="data")
                # Another process may have laid it there meanwhile.
                if not folder.is_dir():
                    Path(scratch, "all").rename(folder)
        name = (folder / NAME).read_text(encoding="utf-8")
        table = pd.read_csv(folder / TABLE, dtype="string", keep_default_na=False)
    except (OSError, tarfile.TarError, ValueError) as error:
        raise AasError(f"{path} holds no packed data set ({error}); make it with `aas data pack -o {path}`") from error
    # What names no individual was left out when it was packed.
    return make_catalogue(name, folder / IMAGES, table, unknown=())


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
