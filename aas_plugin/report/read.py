"""Finding run folders, and reading what a finished run wrote; nothing in them is changed."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from aas_plugin.active.begun import of_cycles
from aas_plugin.errors import AasError
from aas_plugin.files import read_table
from aas_plugin.runs.folder import runs_folder
from aas_plugin.runs.outcome import UNTRAINED


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """What a run left.

    Attributes:
        name: its folder's name, or its path where two runs share a name.
        folder: where it lies.
        settings: `config.yaml`.
        state: `run.json`: the data hash, and what else is known of where the run came from.
        cycles: `cycles/NN/report.json`, in order; cycle 0 is before any question.
        final: `metrics.json`, the numbers of the last cycle, and `untrained.mAP` and so on of cycle 0.
        protocol: `protocol.json`; empty for a driven run.
    """

    name: str
    folder: Path
    settings: dict[str, Any]
    state: dict[str, Any]
    cycles: list[dict[str, Any]]
    final: dict[str, Any]
    protocol: dict[str, Any]

    @property
    def driven(self) -> bool:
        """Whether an official script trained."""
        return "codebase" in self.settings

    @property
    def flags(self) -> dict[str, Any]:
        """What the script of a driven run was given; empty for a native run."""
        return dict(self.settings["codebase"].get("flags") or {}) if self.driven else {}

    @property
    def method(self) -> str:
        """The base method."""
        return f"{self.settings['adapter']['name']}{' (checkout)' if self.driven else ''}"

    @property
    def seed(self) -> str:
        """The seed; for a driven run that of the questions and that of the script."""
        own = self.flags.get("seed")
        return f"{self.settings['seed']}" + (f"+{own}" if own is not None else "")

    @cached_property
    def judged_on(self) -> tuple[frozenset[str], frozenset[str]]:
        """Paths of the query and of the gallery; empty for a driven run, whose script has its own."""
        query = self.protocol.get("query", ())
        sides = query.values() if isinstance(query, dict) else [query]
        return frozenset(path for side in sides for path in side), frozenset(self.protocol.get("gallery", ()))

    @cached_property
    def images(self) -> frozenset[str]:
        """Paths of all images, of which a run without them in its protocol knows those it used."""
        if self.protocol.get("images"):
            return frozenset(self.protocol["images"])
        try:
            train = set(read_table(self.folder / "cycles" / "00" / "labels.parquet")["path"])
        except (OSError, ValueError, KeyError):
            train = set()
        return frozenset(train | self.judged_on[0])

    @cached_property
    def epochs(self) -> list[dict[str, float]]:
        """`plots/epochs.csv`, a row an epoch, empty cells left out; no rows where it cannot be read."""
        try:
            with (self.folder / "plots" / "epochs.csv").open(encoding="utf-8", newline="") as file:
                return [{key: float(cell) for key, cell in row.items() if cell} for row in csv.DictReader(file)]
        except (OSError, ValueError, TypeError):
            return []

    @property
    def asks(self) -> bool:
        """Whether any question was answered."""
        return bool(self.final.get("asked_total"))


@dataclass(frozen=True)
class LeftOut:
    """A run that enters no mean, and why."""

    name: str
    reason: str


def find_runs(names: Sequence[str]) -> list[Path]:
    """Folders of runs, each once, in the order given.

    Args:
        names: a folder, or a run under `runs/`; a folder of runs stands for all runs in it.

    Raises:
        AasError: a name is nothing.
    """
    found: dict[Path, Path] = {}
    runs = runs_folder()
    for name in names:
        path = next((place for place in (Path(name), runs / name) if place.exists()), None)
        if path is None:
            raise AasError(f"{name!r} is neither a folder nor a run in {runs.resolve()}; give the folder of a run")
        inside = sorted(config.parent for config in path.glob("*/config.yaml"))
        several = inside if inside and not (path / "config.yaml").exists() else [path]
        for folder in several:
            found.setdefault(folder.resolve(), folder)
    return list(found.values())


def read_runs(folders: Sequence[Path]) -> tuple[list[FinishedRun], list[LeftOut]]:
    """Read runs that finished, and say of each other one why it cannot be counted."""
    last_names = [folder.resolve().name for folder in folders]
    runs: list[FinishedRun] = []
    left_out: list[LeftOut] = []
    for folder, last in zip(folders, last_names, strict=True):
        name = last if last_names.count(last) == 1 else folder.as_posix()
        try:
            runs.append(_read(name, folder))
        except _Unusable as reason:
            left_out.append(LeftOut(name, str(reason)))
    return runs, left_out


def answer_records(folder: Path) -> list[dict[str, Any]]:
    """The records of a run's answer log; lines that are none are skipped, and nothing is mended."""
    path = folder / "answers.jsonl"
    return [_record(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by their path, such as `training.epochs`."""
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from flat(value, f"{path}.")
        else:
            yield path, value


class _Unusable(Exception):
    """Why a run enters no mean."""


def _read(name: str, folder: Path) -> FinishedRun:
    if not folder.is_dir():
        raise _Unusable("is not a folder")
    if not (folder / "config.yaml").exists():
        raise _Unusable("holds no run: there is no config.yaml")
    settings = _mapping(folder / "config.yaml", folder)
    for key in ("adapter", "sampler", "seed", "active"):
        if key not in settings:
            raise _Unusable(f"config.yaml has no {key}")
    cycles = [_mapping(path, folder) for path in of_cycles(folder, "report.json").values()]
    if not (folder / "metrics.json").exists():
        raise _Unusable(_why_unfinished(folder, settings, cycles))
    final = _mapping(folder / "metrics.json", folder)
    if not all("cycle" in report for report in cycles):
        raise _Unusable("has a report.json without a cycle")
    if not cycles:
        raise _Unusable("has metrics.json and no cycles/NN/report.json")
    if final.get("cycle") != cycles[-1].get("cycle"):
        raise _Unusable(f"metrics.json is of cycle {final.get('cycle')}, its last report of {cycles[-1].get('cycle')}")
    state, protocol = (
        _mapping(path, folder) if path.exists() else {} for path in (folder / "run.json", folder / "protocol.json")
    )
    # Runs of earlier versions tell it in the report of cycle 0 alone.
    first = cycles[0] if cycles[0].get("cycle") == 0 else {}
    untrained = {f"untrained.{key}": first[key] for key in UNTRAINED if key in first}
    return FinishedRun(name, folder, settings, state, cycles, {**untrained, **final}, protocol)


def _why_unfinished(folder: Path, settings: Mapping[str, Any], cycles: Sequence[Mapping[str, Any]]) -> str:
    pending = folder / "pending.jsonl"
    if pending.exists():
        return f"waits for {len(pending.read_text(encoding='utf-8').splitlines())} answers"
    if (folder / "traceback.txt").exists():
        return "failed, see its traceback.txt"
    done = max((int(report.get("cycle", 0)) for report in cycles), default=None)
    where = "before its first report" if done is None else f"after cycle {done} of {settings['active'].get('cycles')}"
    return f"unfinished: at work or stopped {where}"


def _mapping(path: Path, folder: Path) -> dict[str, Any]:
    name = path.relative_to(folder).as_posix()
    try:
        text = path.read_text(encoding="utf-8")
        value = yaml.safe_load(text) if path.suffix == ".yaml" else json.loads(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise _Unusable(f"{name} cannot be read ({type(error).__name__})") from None
    if not isinstance(value, dict):
        raise _Unusable(f"{name} does not hold names and values")
    return value


def _record(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
