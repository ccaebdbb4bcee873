"""Files that a kill leaves old or new, never half written; damaged ones are told, never taken for whole."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from aas_plugin.errors import AasError

if TYPE_CHECKING:
    import pandas as pd


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
BROKEN = (*FULL, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM)
"""Errors of a disk, which a user can mend."""


def disk_trouble(error: OSError, path: object = None) -> str:
    """A sentence for an error of a disk: which file, why, and the way out."""
    full = error.errno in FULL
    why = "the disk is full; make room" if full else f"{error.strerror or error}; mend that"
    place = path or error.filename or "a file"
    return f"{place} cannot be written: {why} and start again, a run with --resume; nothing is lost"


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Make an error of the disk inside the block a sentence about a file.

    Raises:
        AasError: there was one.
    """
    try:
        yield
    except OSError as error:
        raise AasError(disk_trouble(error, path)) from error


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are missing.

    Raises:
        AasError: the disk takes none.
    """
    with disk_errors(path):
        path.mkdir(parents=True, exist_ok=True)


def remove_file(path: Path) -> None:
    """Remove a file, where it is there.

    Raises:
        AasError: it cannot be removed.
    """
    with disk_errors(path):
        path.unlink(missing_ok=True)


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file whole, or leave it as it was.

    The content goes into a file beside `path`, is flushed to the disk, and is then renamed to `path`.

    Args:
        path: the file; its folder is made where it is missing.
        write: called with the file to write to, open for bytes.

    Raises:
        AasError: the disk is full or the folder cannot be written; `path` is then what it was before.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        sync_folder(path.parent)
    except (OSError, RuntimeError) as error:
        # torch's zip writer raises a RuntimeError of its own while it handles the disk's error.
        cause = error if isinstance(error, OSError) else error.__context__
        if not isinstance(cause, OSError):
            raise
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise AasError(disk_trouble(cause, path)) from error


def sync_folder(folder: Path) -> None:
    """Make the name of a new file in a folder survive a power cut, where a folder can be opened."""
    if sys.platform != "win32":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


LONGEST = 150
"""Bytes of a name beyond which some system, with what is added to it, refuses a file."""

_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def is_file_name(text: str) -> bool:
    """Whether a text names a file or folder that every system takes, inside the folder that it is put into."""
    printable = text.isprintable() and not any(character in text for character in '/\\:*?"<>|')
    ends = text.strip(" ").rstrip(".") == text and not text.startswith((".", "-"))
    return bool(text) and printable and ends and not _DEVICES.fullmatch(text) and len(text.encode()) <= LONGEST


def as_file_name(text: str) -> str:
    """A file name for any text: the text where it is one; otherwise what is left of it, and a hash of all of it."""
    if is_file_name(text):
        return text
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]
    left = re.sub(r"[^\w.-]+", "_", text).strip("._-")
    # A device's name stays that of the device, whatever comes after its first dot.
    left = f"_{left}" if _DEVICES.fullmatch(left) else left
    return f"{left.encode()[: LONGEST - 9].decode(errors='ignore')}-{digest}".lstrip("-")


def write_text(path: Path, text: str) -> None:
    """Write text in UTF-8, as `write_atomically` does."""
    write_atomically(path, lambda file: file.write(text.encode()))


def write_json(path: Path, value: Any) -> None:
    """Write JSON, indented.

    Args:
        path: the file.
        value: mappings, sequences and scalars, those of numpy too; NaN becomes null.

    Raises:
        AasError: see `write_atomically`.
    """
    text = json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def write_json_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object a line.

    Args:
        path: the file.
        rows: the objects; NaN becomes null.

    Raises:
        AasError: see `write_atomically`.
    """
    text = "".join(json.dumps(_plain(row), ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
    write_text(path, text)


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as parquet, with its `attrs` and sums that tell damage, as `write_atomically` does."""
    write_atomically(path, lambda file: table.to_parquet(file, index=False, write_page_checksum=True))


def read_table(path: Path) -> pd.DataFrame:
    """Read what `write_table` wrote.

    Raises:
        ValueError: it is damaged, or no table.
        OSError: it cannot be read.
    """
    import pandas as pd

    try:
        return pd.read_parquet(path, page_checksum_verification=True)
    except OSError:
        raise
    except Exception as error:  # Whatever reads a damaged file raises errors of its own.
        raise ValueError(f"{path} is no table: {error}") from error


def read_json(path: Path, way_out: str) -> dict[str, Any]:
    """Read a JSON object.

    Args:
        path: the file.
        way_out: what to do where it cannot be read, for the error's sentence.

    Raises:
        AasError: it cannot be read, or holds something else.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(value, dict):
            raise ValueError(f"it holds a {type(value).__name__}")
    except (OSError, ValueError, RecursionError) as error:
        raise AasError(f"{path} cannot be read ({error}); {way_out}") from error
    return value


def json_if_readable(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is none that can be read."""
    try:
        return read_json(path, "")
    except AasError:
        return {}


def check_zip(path: Path) -> None:
    """Read a zip file such as torch writes through, and compare the sums in it, which torch itself does not.

    Raises:
        ValueError: a part is damaged.
        OSError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as held:
            damaged = held.testzip()
    except OSError:
        raise
    except Exception as error:  # Damage anywhere in a zip file raises errors of many kinds.
        raise ValueError(f"it is damaged: {error}") from error
    if damaged is not None:
        raise ValueError(f"it is damaged in its part {damaged}")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and value != value:
        return None
    return value
