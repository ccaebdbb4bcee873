"""Where catalogues come from: a folder of images, or a CSV in the form of WildlifeReID-10k."""

import os
import warnings
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict

from aas_plugin.data.catalogue import Catalogue, make_catalogue, some_of
from aas_plugin.errors import AasError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})


class FolderOptions(BaseModel):
    """Options of `folder`: the folder, and the data set's title (default: the folder's name)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path
    title: str | None = None


class CsvOptions(BaseModel):
    """Options of `csv`: the file, the paths' root (default: the file's folder), the title (the name of the root)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path
    root: Path | None = None
    title: str | None = None


def folder(options: FolderOptions) -> Catalogue:
    """Read a folder of images: either `root/identity/image`, or `root/image` without identities.

    Images are files ending in jpg, jpeg, png, bmp, webp, tif or tiff, in any case. Hidden files and folders
    are skipped and symbolic links are followed. Rows are sorted by path.

    Raises:
        AasError: the folder does not exist, has no images, mixes both forms or holds images deeper down, or
            `make_catalogue` rejects it.
    """
    root = options.path.expanduser().resolve()
    if not root.is_dir():
        raise AasError(f"{options.path} is not a folder; give the path of a folder of images.")
    images = sorted(find_images(root), key=Path.as_posix)
    depths = [len(image.parts) for image in images]
    flat = [image.as_posix() for image, depth in zip(images, depths, strict=True) if depth == 1]
    nested = [image.as_posix() for image, depth in zip(images, depths, strict=True) if depth == 2]
    deeper = [image.as_posix() for image, depth in zip(images, depths, strict=True) if depth > 2]
    if not images:
        kinds = ", ".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
        raise AasError(f"Folder {root} has no images ({kinds}); give a folder that has some.")
    if deeper:
        raise AasError(
            f"Folder {root} has images more than one folder down: {some_of(deeper)}; "
            "put each into root/identity/image, or list them in a CSV."
        )
    if flat and nested:
        raise AasError(
            f"Folder {root} has images both at its top ({some_of(flat)}) and in folders of individuals "
            f"({some_of(nested)}); move them all to one of the two."
        )
    table = pd.DataFrame({"path": flat or nested})
    if nested:
        table["identity"] = [image.parts[0] for image in images]
    return make_catalogue(options.title or root.name, root, table)


def csv(options: CsvOptions) -> Catalogue:
    """Read a CSV with the columns of WildlifeReID-10k, keeping its order.

    Only `path` is needed. `identity`, `split`, `orientation` and `camera` are used if there; a blank cell
    means unknown. All other columns are ignored. Where the split says "query" and "gallery", these are compared.

    Raises:
        AasError: the file cannot be read, has no column `path`, or `make_catalogue` rejects it.
    """
    path = options.path.expanduser().resolve()
    root = path.parent if options.root is None else options.root.expanduser().resolve()
    table = read_cells(path)
    if "path" not in table:
        found = ", ".join(map(repr, table.columns))
        raise AasError(f"CSV {path} has no column 'path' but {found}; name the column of image paths 'path'.")
    return make_catalogue(options.title or root.name, root, table)


def read_cells(path: Path) -> pd.DataFrame:
    """Read a CSV whose cells all are text, the empty ones too.

    Raises:
        AasError: the file cannot be read.
    """
    try:
        with warnings.catch_warnings():
            # Rows longer than the header, of which pandas would cut the end.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(path, dtype=str, na_filter=False, index_col=False)
    except (OSError, ValueError, pd.errors.ParserWarning) as error:
        raise AasError(f"{path} is no readable CSV ({error}); give a comma-separated file in UTF-8.") from error


def find_images(root: Path) -> list[Path]:
    """List images below root, relative to it; a link back to a folder already seen is not followed."""
    found: list[Path] = []
    seen: set[str] = set()
    for place, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(place, name).relative_to(root)
            for name in files
            if not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES
        ]
    return found
