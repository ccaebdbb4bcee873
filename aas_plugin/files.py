"""Writing files so that a kill leaves the old one or the new one, never half of one."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from aas_plugin.errors import AasError

if TYPE_CHECKING:
    import pandas as pd


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
    except (OSError, RuntimeError) as error:
        # torch's zip writer raises a RuntimeError of its own while it handles the disk's error.
        cause = error if isinstance(error, OSError) else error.__context__
        if not isinstance(cause, OSError):
            raise
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        full = cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        why = "the disk is full; make room" if full else f"{cause}; mend that"
        raise AasError(f"{path} cannot be written: {why} and go on with --resume, nothing is lost") from error


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
    """Write a table as parquet, with its `attrs`, as `write_atomically` does."""
    write_atomically(path, lambda file: table.to_parquet(file, index=False))


def read_table(path: Path) -> pd.DataFrame:
    """Read what `write_table` wrote."""
    import pandas as pd

    return pd.read_parquet(path)


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
