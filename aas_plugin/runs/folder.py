"""The folder of a run: its lock, its name, and the settings that it was begun with."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from aas_plugin.errors import AasError
from aas_plugin.files import as_file_name, disk_trouble, make_folder, read_json, write_json, write_text
from aas_plugin.settings.models import DrivenSettings, RunSettings, SharedSettings
from aas_plugin.settings.yaml_file import read_mapping

CACHE = ".aas_cache"
"""Folder beside the runs with features that all of them share; it can be deleted at any time."""

UNREADABLE = "unreadable.csv"
"""File in a run's folder: path and reason of the images that were left out."""

MAY_CHANGE = ("adapter.until",)
"""Settings that may be others when a run goes on."""

EXPERIMENTS = (".dvc", "tmp", "exps")
"""Folder below a project in which DVC makes scratch copies of it."""


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold a run folder for this process.

    Raises:
        AasError: another process has it, or the disk takes nothing.
    """
    from filelock import FileLock, Timeout

    is_new = not folder.exists() or not any(folder.iterdir())
    make_folder(folder)
    held = FileLock(folder / ".lock", timeout=0)
    try:
        held.acquire()
    except Timeout:
        raise AasError(f"another process is at work in {folder}; wait for it, or take another run") from None
    except OSError as error:
        raise AasError(disk_trouble(error, folder / ".lock")) from error
    try:
        yield
    finally:
        held.release()
        if is_new and not (folder / "config.yaml").exists() and not (folder / "answers.jsonl").exists():
            # It never became a run: refused before anything was trained or asked.
            shutil.rmtree(folder, ignore_errors=True)


def saved_settings(folder: Path) -> dict[str, Any]:
    """Read the settings of a run's folder.

    Raises:
        AasError: there are none, or they cannot be read.
    """
    path = folder / "config.yaml"
    if not path.exists():
        raise AasError(f"{folder} holds no run (no config.yaml); {_runs_there()}")
    try:
        return read_mapping(path)
    except Exception as error:  # What YAML raises of a damaged file is of many kinds.
        raise AasError(
            f"{path} cannot be read ({' '.join(str(error).split())}); restore it, or begin a new run under another "
            "--run-name with the answers of this one (aas constraints export)"
        ) from error


def saved_state(folder: Path) -> dict[str, Any]:
    """The hashes that a run was begun with, from its `run.json`; none where there is no file.

    Raises:
        AasError: it cannot be read.
    """
    path = folder / "run.json"
    if not path.exists():
        return {}
    return read_json(path, "remove it, and what the run was begun with is not checked")


def differences(saved: Any, given: Any, path: str = "") -> list[str]:
    """Settings that differ, one `key: saved -> given` each."""
    if isinstance(saved, dict) and isinstance(given, dict):
        keys = sorted({*saved, *given}, key=str)
        return [
            line
            for key in keys
            for line in differences(saved.get(key), given.get(key), f"{path}.{key}" if path else str(key))
        ]
    return [] if saved == given else [f"{path}: {saved!r} -> {given!r}"]


def check_settings(folder: Path, settings: SharedSettings, resume: bool) -> None:
    """Refuse a folder that holds a run already, or, to resume, one of other settings.

    Raises:
        AasError: the folder does not fit.
    """
    wanted = settings.model_dump(mode="json")
    if resume:
        changed = [
            line for line in differences(saved_settings(folder), wanted) if line.partition(":")[0] not in MAY_CHANGE
        ]
        if changed:
            raise AasError(
                f"{folder} is a run of another configuration ({'; '.join(changed)}); resume it with its own "
                "settings, or begin a new run under another --run-name, with its answers by `aas constraints export`"
            )
    elif (folder / "config.yaml").exists():
        raise AasError(f"{folder} holds a run already; go on with it by --resume, or use another --run-name")


def check_data(folder: Path, digest: str) -> None:
    """Refuse to resume a run whose data have another hash now.

    Raises:
        AasError: they have.
    """
    if saved_state(folder).get("data_hash", digest) != digest:
        raise AasError(
            f"the images or the catalogue changed since {folder} began; put them back to resume it, or begin "
            "a new run under another --run-name"
        )


def lay_out(folder: Path, settings: SharedSettings, state: dict[str, str | None]) -> None:
    """Write what a run is begun with: its hashes into run.json, its settings into config.yaml."""
    write_json(folder / "run.json", state)
    wanted = settings.model_dump(mode="json")
    write_text(folder / "config.yaml", yaml.safe_dump(wanted, sort_keys=False, allow_unicode=True))


def default_name(settings: RunSettings | DrivenSettings, runs: Path) -> str:
    """A name that says what is run, with a number behind it when it is taken."""
    if isinstance(settings, RunSettings):
        data = settings.dataset.options.get("subset") or settings.dataset.name
    else:
        data = settings.codebase.path.resolve().name
    name = as_file_name(f"{settings.adapter.name}-{data}-{settings.sampler.name}-{settings.seed}")
    taken = set(os.listdir(runs)) if runs.is_dir() else set()
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name}-{number}", number + 1
    return unique


def project_root(folder: Path) -> Path:
    """The folder that keeps runs: `folder`, or that of the project of which `folder` is DVC's scratch copy.

    DVC runs `dvc exp run --temp`, and what is queued, in a copy of the whole Git repository, and removes it with all
    that it does not know, which answers must outlive. The folder is the same one in the repository itself, so of
    several projects in a repository each keeps its own runs, wherever `.dvc` lies.
    """
    here = folder.resolve()
    for experiments in here.parents:
        if experiments.parts[-3:] == EXPERIMENTS:
            inside = here.relative_to(experiments).parts
            # DVC makes a copy by mkdtemp, there or one folder down.
            copies = [position for position, name in enumerate(inside[:2]) if name.startswith("tmp")]
            if copies:
                root = experiments.parents[2]
                top = next((place for place in (root, *root.parents) if (place / ".git").exists()), root)
                return project_root(top.joinpath(*inside[copies[0] + 1 :]))
    return folder


def runs_folder() -> Path:
    """Where runs lie: in the working folder, or in the project that this is a scratch copy of."""
    here = Path.cwd()
    root = project_root(here)
    return Path("runs") if root == here else root / "runs"


def shared_cache() -> Path | None:
    """Where a command that is no run keeps features: beside the runs; None where there are none yet."""
    runs = runs_folder()
    return runs / CACHE if runs.is_dir() else None


def lasting_cache() -> Path:
    """Where a command that is no run keeps what takes long, such as keypoints: beside the runs, made if need be."""
    return runs_folder() / CACHE


def find_run(name: str) -> Path:
    """The folder of a run by its path, or else by its name; it need not exist."""
    given = Path(name)
    holds = any((given / file).exists() for file in ("config.yaml", "answers.jsonl", "pending.jsonl"))
    return given if holds else runs_folder() / name


def _runs_there() -> str:
    """Which runs there are to choose from."""
    runs = runs_folder()
    names = [path.parent.name for path in sorted(runs.glob("*/config.yaml"), key=_changed, reverse=True)]
    if not names:
        return f"there is none in {runs} yet, and aas run begins one"
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"in {runs} there are {', '.join(names[:5])}{more}"


def _changed(path: Path) -> float:
    return path.stat().st_mtime
