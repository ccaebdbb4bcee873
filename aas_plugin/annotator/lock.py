"""One server, or one terminal, at the questions of a folder at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aas_plugin.errors import AasError
from aas_plugin.files import disk_trouble

FILE = ".annotator.lock"
WHERE = ".annotator.where"


class AnsweredElsewhere(AasError):
    """Another process is at the questions of a folder."""


@contextmanager
def annotator_lock(folder: Path, where: str) -> Iterator[None]:
    """Hold the questions of a folder.

    Args:
        folder: with the questions.
        where: what to tell another one that comes: an address, or a command.

    Raises:
        AnsweredElsewhere: another process has them.
        AasError: the disk takes nothing.
    """
    from filelock import FileLock, Timeout

    held = FileLock(folder / FILE, timeout=0)
    try:
        held.acquire()
    except Timeout:
        told = ""
        with suppress(OSError):
            told = f" ({(folder / WHERE).read_text(encoding='utf-8')})"
        sentence = f"the questions of {folder} are being answered already{told}; use that, or end it"
        raise AnsweredElsewhere(sentence) from None
    except OSError as error:
        raise AasError(disk_trouble(error, folder / FILE)) from error
    try:
        with suppress(OSError):
            (folder / WHERE).write_text(where, encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            (folder / WHERE).unlink()
        held.release()
