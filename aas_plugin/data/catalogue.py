"""The catalogue: which images a data set has and what is known of each."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
import pandas as pd

from aas_plugin.data.boxes import split_box, with_boxes
from aas_plugin.data.unidentified import UNKNOWN, identified
from aas_plugin.errors import AasError

COLUMNS = ("path", "identity", "split", "orientation", "camera", "date", "bbox", "mask", "image_id")
SPLITS = ("train", "test", "query", "gallery")


@dataclass(frozen=True, eq=False)
class Catalogue:
    """One row per image; build it with `make_catalogue`, which checks it.

    Attributes:
        name: name of the data set.
        root: folder that the paths are relative to.
        table: (n,) rows under a RangeIndex with the string columns `path` (posix, relative to `root`,
            unique), `identity`, `split` ("train" or "test"), `orientation`, `camera`, `date`, `bbox` (left, top,
            width and height of the animal in pixels), `mask` (path of an image that is black where there is no
            animal) and `image_id`. All but `path` may be `pd.NA`; an image whose split is NA belongs to neither side. A
            data set with an evaluation of its own has "query" and "gallery" instead of "test". An image with a box is
            that part of a photo, and its path says so: see `split_box`.
    """

    name: str
    root: Path
    table: pd.DataFrame

    def __len__(self) -> int:
        return len(self.table)

    def rows_of(self, split: str) -> npt.NDArray[np.int64]:
        """Rows of the images that are on this side of the split, int64, ascending."""
        return np.flatnonzero(self.table["split"].eq(split).fillna(False).to_numpy(dtype=bool)).astype(np.int64)

    @property
    def has_identities(self) -> bool:
        """Whether the individual is known for at least one image."""
        return bool(self.table["identity"].notna().any())

    @property
    def has_gallery(self) -> bool:
        """Whether the data set itself says which test images are queries and which are the gallery."""
        return bool(self.table["split"].eq("gallery").any())

    def describe(self) -> dict[str, int]:
        """Count images, individuals, training images, test images (query and gallery too) and orientations."""
        return {
            "images": len(self),
            "individuals": int(self.table["identity"].nunique()),
            "train": int((self.table["split"] == "train").sum()),
            "test": int(self.table["split"].isin(SPLITS[1:]).sum()),
            "orientations": int(self.table["orientation"].nunique()),
        }


class MissingFilesError(AasError):
    """Images of a table whose files are not there.

    Attributes:
        catalogue: all images.
        paths: of those that are missing.
    """

    def __init__(self, catalogue: Catalogue, paths: Sequence[str], hint: str = "") -> None:
        super().__init__(
            f"Data set {catalogue.name!r} lists images that are not in {catalogue.root}: {some_of(paths)}; restore "
            f"them, drop their rows, leave them out by --set unreadable=leave_out or correct the root.{hint}"
        )
        self.catalogue = catalogue
        self.paths = list(paths)


def make_catalogue(
    name: str, root: Path, table: pd.DataFrame, *, unknown: Collection[str] = UNKNOWN, must_exist: bool = True
) -> Catalogue:
    """Check a table of images and make it a catalogue, in the table's order.

    Values become stripped strings and blank ones `pd.NA`; in a column of whole numbers a trailing ".0" is
    dropped, so that the individual 7 is "7" whether it was read as an integer or as a float. Identities that are codes
    for none become NA, with a warning. Absent columns are filled with NA and unknown ones are dropped.

    Args:
        name: name of the data set.
        root: folder that the paths are relative to.
        table: at least the column `path`; see `Catalogue` for the others.
        unknown: identities that name no individual.
        must_exist: whether a file that is missing is an error.

    Raises:
        AasError: there is no image or no column `path`, a path is blank, duplicated with the same box, absolute or
            leaves the root, a file is missing, a box is none, a split is none of `SPLITS`, or "query" and "gallery"
            are not together and without "test".
    """
    if "path" not in table:
        raise AasError(f"Data set {name!r} has no column 'path' but {some_of(table.columns)}; name it so.")
    if table.empty:
        raise AasError(f"Data set {name!r} in {root} has no images; add some or choose another source.")
    checked = pd.DataFrame({"path": table["path"].astype("string")}).reset_index(drop=True)
    for column in COLUMNS[1:]:
        values = table[column] if column in table else pd.Series(pd.NA, index=table.index)
        if column == "identity":
            values = identified(values.astype("string").str.strip(), unknown, f"data set {name!r}")
        checked[column] = _text(values).reset_index(drop=True)
    _check_paths(name, root, checked)
    _check_masks(name, root, checked)
    _check_splits(name, root, set(checked["split"].dropna()))
    made = Catalogue(name, root, checked)
    missing = [path for path in checked["path"] if not split_box(root / path)[0].is_file()] if must_exist else []
    if missing:
        raise MissingFilesError(made, missing)
    return made


def some_of(names: Iterable[str]) -> str:
    """Name the first five and count the rest, for error messages."""
    quoted = [repr(str(name)) for name in names]
    more = f" and {len(quoted) - 5} more" if len(quoted) > 5 else ""
    return ", ".join(quoted[:5]) + more


def content_hashes(
    catalogue: Catalogue, progress: Callable[[int, int], None] | None = None, rows: Sequence[int] | None = None
) -> list[str]:
    """Hash the bytes of every image, in catalogue order.

    Args:
        catalogue: the images.
        progress: called with (images done, all images) after each.
        rows: those to hash; all without.

    Returns:
        `content_hash` of each image, blank where it is not asked for.

    Raises:
        AasError: a file cannot be opened.
    """
    paths = catalogue.table["path"].to_list()
    hashes = [""] * len(paths)
    wanted = range(len(paths)) if rows is None else rows
    for done, row in enumerate(wanted, start=1):
        path = paths[row]
        try:
            hashes[row] = content_hash(catalogue.root / path)
        except OSError as error:
            raise AasError(
                f"Image {path!r} in {catalogue.root} cannot be opened ({error.strerror}); "
                "restore it or drop it from the data set."
            ) from error
        if progress is not None:
            progress(done, len(wanted))
    return hashes


def content_hash(path: Path) -> str:
    """Hash the bytes of a file: the first 16 hexadecimal digits of its SHA-256; of a part of a photo, its box, too.

    Raises:
        OSError: it cannot be opened.
    """
    place, box = split_box(path)
    with open(place, "rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    if box is not None:
        digest.update(repr((tuple(box), box.shares)).encode())
    return digest.hexdigest()[:16]


def data_hash(catalogue: Catalogue, hashes: Sequence[str]) -> str:
    """Hash what training and evaluation see: each row's path, identity, split and content, in order.

    Args:
        catalogue: the images.
        hashes: (n,) content hashes from `content_hashes`.

    Returns:
        16 hexadecimal digits of a SHA-256.
    """
    columns = (catalogue.table[name] for name in ("path", "identity", "split"))
    digest = hashlib.sha256()
    for row in zip(*columns, hashes, strict=True):
        cells = [None if pd.isna(cell) else cell for cell in row]
        digest.update(json.dumps(cells).encode() + b"\n")
    return digest.hexdigest()[:16]


def _text(values: pd.Series) -> pd.Series:
    text = values.astype("string").str.strip()
    text = text.mask((text == "").fillna(False))
    if text.dropna().str.fullmatch(r"-?\d+(\.0)?").all():
        text = text.str.removesuffix(".0")
    return text


def _check_splits(name: str, root: Path, splits: set[str]) -> None:
    wrong = sorted(splits - set(SPLITS))
    if wrong:
        raise AasError(
            f"Data set {name!r} in {root} has the split {some_of(wrong)}; "
            'every split must be "train", "test" or blank, or "query" or "gallery".'
        )
    own = sorted(splits & {"query", "gallery"})
    if own and (len(own) < 2 or "test" in splits):
        raise AasError(
            f"Data set {name!r} in {root} has the splits {some_of(sorted(splits))}; "
            'a data set has either "test", or both "query" and "gallery".'
        )


def _check_paths(name: str, root: Path, table: pd.DataFrame) -> None:
    """Bring the paths to one spelling, in place, and raise unless each names an image of its own."""
    blank = table["path"].isna() | (table["path"].str.strip() == "").fillna(False)
    if blank.any():
        rows = some_of(str(row + 1) for row in table.index[blank])
        raise AasError(f"Data set {name!r} in {root} has no path in row {rows}; fill it in or drop the row.")
    pure = [PurePosixPath(path) for path in table["path"]]
    outside = [str(path) for path in pure if path.is_absolute() or ".." in path.parts]
    if outside:
        raise AasError(
            f"Data set {name!r} has paths that are not relative to its root {root}: {some_of(outside)}; "
            'write them relative to it and without "..".'
        )
    table["path"] = with_boxes(pd.Series([path.as_posix() for path in pure], dtype="string"), table["bbox"])
    duplicates = table["path"][table["path"].duplicated()].unique()
    if len(duplicates):
        raise AasError(
            f"Data set {name!r} in {root} lists images more than once: {some_of(duplicates)}; keep one row each, or "
            "tell the animals of one photo apart by a column 'bbox'."
        )


def _check_masks(name: str, root: Path, table: pd.DataFrame) -> None:
    """Bring the paths of masks to one spelling, in place, and raise unless each is a file."""
    given = table["mask"].notna()
    table.loc[given, "mask"] = [PurePosixPath(mask).as_posix() for mask in table.loc[given, "mask"]]
    missing = [mask for mask in table.loc[given, "mask"] if not (root / mask).is_file()]
    if missing:
        raise AasError(
            f"Data set {name!r} lists masks that are not in {root}: {some_of(missing)}; restore them, or leave their "
            "cells blank."
        )
