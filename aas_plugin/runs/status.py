"""How a run stands, and what it was begun with, in its folder: for whoever reads the folder later."""

from __future__ import annotations

import getpass
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any, Literal

from aas_plugin.data.catalogue import Catalogue
from aas_plugin.files import json_if_readable, write_json

Status = Literal["running", "waiting", "finished", "failed", "killed"]

STATUS = "status.json"
ORIGIN = "origin.json"


def write_status(folder: Path, status: Status, error: BaseException | None = None) -> None:
    """Write how a run stands into its folder.

    Args:
        folder: of the run.
        status: "killed" where it was interrupted.
        error: that ended it.

    Raises:
        AasError: it cannot be written.
    """
    told = None if error is None else f"{type(error).__name__}: {error}"
    write_json(folder / STATUS, {"status": status, "error": told, "time": time.time()})


def read_status(folder: Path, alive: bool) -> dict[str, Any]:
    """How a run stands: `status`, `error` and `time` in seconds since 1970, the last two None where unknown.

    Args:
        folder: of the run.
        alive: whether its process is known to be at work; one that is not, and never told its end, was killed.
    """
    found = json_if_readable(folder / STATUS)
    if not found:
        found = {"status": "finished" if (folder / "metrics.json").exists() else "running"}
    if found.get("status") == "running" and not alive:
        found = {**found, "status": "killed"}
    return {"error": None, "time": None, **found}


def write_origin(folder: Path, catalogue: Catalogue, data_hash: str) -> None:
    """Write, once, where a run came from: an id of its own, the code's commit, the user, the time and the data."""
    if (folder / ORIGIN).exists():
        return
    known = [column for column in catalogue.table if catalogue.table[column].notna().any()]
    data = {
        "name": catalogue.name,
        "root": str(catalogue.root.resolve()),
        "hash": data_hash,
        "images": len(catalogue),
        "columns": known,
    }
    origin = {"id": uuid.uuid4().hex, "git_commit": git_commit(), "user": _user(), "began": time.time(), "data": data}
    write_json(folder / ORIGIN, origin)


def git_commit() -> str | None:
    """The commit of the working folder, or None."""
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without an entry for its user
        return "unknown"
