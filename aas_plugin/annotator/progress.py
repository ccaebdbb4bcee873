"""How a run stands whose questions people answer, and how many may still come."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from aas_plugin.active.begun import FILE as BEGUN
from aas_plugin.active.counting import questions_a_cycle
from aas_plugin.errors import AasError
from aas_plugin.files import json_if_readable
from aas_plugin.runs.folder import saved_settings
from aas_plugin.runs.status import ORIGIN, STATUS, read_status


def run_status(folder: Path) -> str:
    """How the run of a folder stands: see `Status`; "none" for a folder that is no run's."""
    if not (folder / STATUS).exists():
        return "none"
    return str(read_status(folder, at_work(folder))["status"])


def at_work(folder: Path) -> bool:
    """Whether a process holds a run's folder."""
    from filelock import FileLock, Timeout

    if not (folder / ".lock").exists():
        return False
    try:
        with FileLock(folder / ".lock", timeout=0):
            return False
    except (Timeout, OSError):
        return True


def to_come(folder: Path, images: int, answered: int, left: int) -> int | None:
    """At most how many questions come after those of now; None where the folder does not say.

    Args:
        folder: of a run or of an `ActiveLearner`.
        images: number of images that are asked about.
        answered: pairs with an answer.
        left: questions of now.
    """
    begun = json_if_readable(folder / BEGUN)
    budget, cycles = begun.get("budget"), begun.get("cycles")
    if not isinstance(budget, int | float) or not isinstance(cycles, int):
        return None
    every, epochs = begun.get("every"), _epochs(folder)
    if isinstance(every, int) and epochs is not None:
        cycles = min(cycles, -(-epochs // every))
    return max(0, questions_a_cycle(budget, images * (images - 1) // 2) * cycles - answered - left)


def _epochs(folder: Path) -> int | None:
    """How many epochs a run trains; None where its settings do not say."""
    try:
        return _epochs_of(folder / "config.yaml", (folder / "config.yaml").stat().st_mtime_ns)
    except (OSError, AasError):
        return None


@lru_cache(maxsize=8)
def _epochs_of(config: Path, changed: int) -> int | None:
    training = saved_settings(config.parent).get("training")
    epochs = training.get("epochs") if isinstance(training, dict) else None
    return epochs if isinstance(epochs, int) else None


def folder_key(folder: Path) -> str:
    """What tells a folder of questions from others, also after it moved, where it is a run's."""
    known = json_if_readable(folder / ORIGIN).get("id")
    return hashlib.sha256(str(known or folder.resolve()).encode(errors="surrogatepass")).hexdigest()[:16]
