"""Where catalogues come from: a folder of images, or a CSV in the form of WildlifeReID-10k."""

import warnings
from collections.abc import Collection
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, field_validator

from aas_plugin.data.catalogue import COLUMNS, Catalogue, MissingFilesError, make_catalogue, some_of
from aas_plugin.data.formats import image_suffixes, is_image, left_out
from aas_plugin.data.listed_files import find_files, matched_files, nearest_file
from aas_plugin.data.tables import folded, named_columns, read_cells
from aas_plugin.data.unidentified import UNKNOWN, identified
from aas_plugin.errors import AasError

UNUSED_PIXELS = frozenset(
    {"segmentation", "segmentationmask", "polygon", "contour", "rle", "rotation", "rotate", "rotated", "angle", "theta"}
    | {"roll", "crop", "roi", "flip", "flipped", "mirror", "mirrored", "x", "y", "w", "h", "xmin", "ymin", "xmax"}
    | {"ymax", "x1", "y1", "x2", "y2", "left", "top", "right", "bottom", "bboxx", "bboxy", "bboxw", "bboxh"}
    | {"bboxwidth", "bboxheight", "boundingbox", "box", "boxes", "frame", "page", "videoframe", "timestampms"}
)
"""Headers, folded, of what says which pixels of a file count, and is not used."""


class SourceOptions(BaseModel):
    """What folders and tables have in common: where they are, and how nobody's photos are marked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path
    title: str | None = Field(None, description="the data set's name; without, that of its folder")
    unknown: tuple[str, ...] = Field(
        UNKNOWN, description="names, in any case, that stand for no individual; [] where all are individuals"
    )

    @field_validator("unknown", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return [str(one) for one in value] if isinstance(value, list | tuple) else value


class FolderOptions(SourceOptions):
    """Options of `folder`."""


class CsvOptions(SourceOptions):
    """Options of `csv`."""

    root: Path | None = Field(None, description="folder that paths are relative to; without, the table's own")
    columns: dict[str, str] = Field(
        {}, description="headers of the table where they are others, by name, such as path: filePath"
    )
    encoding: str | None = Field(None, description="as Python names it; without, it is found out")

    @field_validator("columns")
    @classmethod
    def _known(cls, value: dict[str, str]) -> dict[str, str]:
        wrong = [name for name in value if name not in COLUMNS]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is none of {', '.join(COLUMNS)}")
        return value


def folder(options: FolderOptions) -> Catalogue:
    """Read a folder of images: either `root/identity/image`, or `root/image` without identities.

    Images are files that Pillow can open here, by their suffix in any case. Hidden files and folders are skipped and
    symbolic links are followed. Rows are sorted by path. A warning counts the files that are no images, and names
    folders that have none.

    Raises:
        AasError: the folder does not exist, has no images, mixes both forms or holds images deeper down, or
            `make_catalogue` rejects it.
    """
    root = options.path.expanduser().resolve()
    if not root.is_dir():
        raise AasError(f"{options.path} is not a folder; give the path of a folder of images.")
    files = sorted(find_files(root), key=Path.as_posix)
    images = [file for file in files if is_image(file.name)]
    others = [file for file in files if not is_image(file.name)]
    depths = [len(image.parts) for image in images]
    flat = [image.as_posix() for image, depth in zip(images, depths, strict=True) if depth == 1]
    nested = [image.as_posix() for image, depth in zip(images, depths, strict=True) if depth == 2]
    deeper = [image.as_posix() for image, depth in zip(images, depths, strict=True) if depth > 2]
    if not images:
        has = f" but {left_out(file.name for file in others)}" if others else ""
        kinds = ", ".join(sorted(suffix[1:] for suffix in image_suffixes()))
        raise AasError(f"Folder {root} has no images{has}; give a folder that has some ({kinds}).")
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
    _tell_left_out(root, others, {image.parts[0] for image in images if len(image.parts) > 1} if nested else None)
    table = pd.DataFrame({"path": flat or nested})
    if nested:
        names = pd.Series([image.parts[0] for image in images], dtype="string")
        table["identity"] = identified(names, options.unknown, f"folder {root}", "in {!r}")
    return make_catalogue(options.title or root.name, root, table, unknown=())


def _tell_left_out(root: Path, others: list[Path], individuals: Collection[str] | None) -> None:
    """Warn of files that are no images, and of folders of individuals that have none."""
    empty = []
    if individuals is not None:
        inside = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
        empty = [name for name in inside if name not in individuals]
    if not others and not empty:
        return
    told = [f"{len(others)} files are left out: {left_out(file.name for file in others)}"] if others else []
    if empty:
        told.append(f"no image is left of {some_of(empty)}, which {'is' if len(empty) == 1 else 'are'} absent")
    warnings.warn(f"folder {root}: {'; '.join(told)}", stacklevel=3)


def csv(options: CsvOptions, must_exist: bool = True, lenient: bool = False) -> Catalogue:
    """Read a CSV with the columns of WildlifeReID-10k, keeping its order.

    Only `path` is needed. `identity`, `split`, `orientation`, `camera`, `date`, `bbox`, `mask` and `image_id` are used
    if there, whatever the case of their headers; a blank cell means unknown. Where the split says "query" and
    "gallery", these are compared. With a `bbox` an image is that part of its photo. A warning names columns that
    say which pixels count and are not used. Paths that an operating system or a spreadsheet wrote otherwise are
    matched with the files: see `matched_files`.

    Args:
        options: where it is.
        must_exist: whether a file that is missing is an error.
        lenient: whether a header that the options give may be absent, as where they are those of several tables.

    Raises:
        AasError: the file cannot be read, has no column `path`, or `make_catalogue` rejects it.
    """
    path = options.path.expanduser().resolve()
    root = path.parent if options.root is None else options.root.expanduser().resolve()
    cells = read_cells(path, options.encoding)
    table, rest = named_columns(cells, COLUMNS, options.columns, path, lenient)
    if "path" not in table:
        found = ", ".join(map(repr, cells.columns))
        raise AasError(
            f"CSV {path} has no column 'path' but {found}; name the column of image paths 'path', or say which it is "
            "by --set dataset.columns.path=HEADER."
        )
    unused = [header for header in rest if folded(header) in UNUSED_PIXELS]
    if unused:
        warnings.warn(
            f"{path}: {some_of(unused)} {'is' if len(unused) == 1 else 'are'} not used, so the pixels are those of "
            f"{'the boxes' if 'bbox' in table else 'whole photos'}; a column 'bbox' of left, top, width and height in "
            "pixels crops, others have to be applied to the files",
            stacklevel=2,
        )
    if "mask" in table and (table["mask"].str.strip() != "").any():
        warnings.warn(
            f"{path}: masks count for --set evidence=local alone; features are those of the background, too",
            stacklevel=2,
        )
    for column in ("path", "mask"):
        if column in table:
            table[column] = matched_files(root, table[column].to_list())
    try:
        return make_catalogue(options.title or root.name, root, table, unknown=options.unknown, must_exist=must_exist)
    except MissingFilesError as error:
        near = nearest_file(root, error.paths[0])
        hint = f" The nearest file to {error.paths[0]!r} is {near!r}." if near else ""
        raise MissingFilesError(error.catalogue, error.paths, hint) from None


def find_images(root: Path) -> list[Path]:
    """List images below root, relative to it; a link back to a folder already seen is not followed."""
    return [file for file in find_files(root) if is_image(file.name)]
