"""What a tracking store should hold of a run, read from the run's folder."""

from __future__ import annotations

import csv
import json
import math
import posixpath
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aas_plugin.constraints.answers import AnswerLog
from aas_plugin.constraints.sets import set_hash
from aas_plugin.files import json_if_readable
from aas_plugin.runs.folder import saved_settings
from aas_plugin.runs.outcome import outcome_in_words
from aas_plugin.runs.status import ORIGIN, Status, read_status

LONGEST_NAME = 250
LONGEST_PARAM = 6000
LONGEST_TAG = 5000

FILES = ("answers.jsonl", "config.yaml", "protocol.json", "metrics.json", "traceback.txt")


@dataclass(frozen=True)
class Scalar:
    """One value of a metric.

    Attributes:
        name: of the metric.
        value: finite.
        step: cycle, or epoch for names that begin with `epoch/`.
        time: milliseconds since 1970.
    """

    name: str
    value: float
    step: int
    time: int

    @property
    def is_duration(self) -> bool:
        """Whether it differs each time that the same is computed."""
        return self.name == "epoch/seconds" or self.name.startswith("seconds/")


@dataclass(frozen=True)
class Input:
    """A table that a run read: its name, digest, folder or file, use, rows, and the types of its columns by name."""

    name: str
    digest: str
    source: str
    context: str
    rows: int
    columns: dict[str, str]


@dataclass(frozen=True)
class Records:
    """All that a store should hold of a run.

    Attributes:
        name: of the run.
        key: an id of the run's own, the same wherever its folder lies; "" for a folder that has none.
        params: settings, by dotted names.
        tags: what else is known of it.
        metrics: of cycles and epochs.
        inputs: its images, and its answers.
        files: paths by their names in the store.
        model: the file of the trained model, once the run is finished.
        status: how it stands.
        began: milliseconds since 1970, None where unknown.
        ended: the same of its last change of status.
    """

    name: str
    key: str
    params: dict[str, str]
    tags: dict[str, str]
    metrics: list[Scalar]
    inputs: list[Input]
    files: dict[str, Path]
    model: Path | None
    status: Status
    began: int | None
    ended: int | None


def read_records(folder: Path, alive: bool) -> Records:
    """Read a run's folder.

    Args:
        folder: of the run.
        alive: whether its process is at work; otherwise a run that did not tell its end was killed.

    Raises:
        AasError: it holds no run, or its answers cannot be read.
    """
    folder = folder.resolve()
    settings = saved_settings(folder)
    chosen = {key: value for key, value in json_if_readable(folder / "clustering.json").items() if key != "score"}
    params = {name: str(value) for name, value in [*_flat(settings), *_flat(chosen, "chosen.clustering")]}
    status = read_status(folder, alive)
    origin = json_if_readable(folder / ORIGIN)
    model = folder / "model.pt"
    began, ended = origin.get("began"), status["time"]
    return Records(
        name=folder.name,
        key=str(origin.get("id", "")),
        params={_valid(name): value[:LONGEST_PARAM] for name, value in params.items()},
        tags={name: str(value)[:LONGEST_TAG] for name, value in _tags(folder, origin, status).items() if value},
        metrics=list(_metrics(folder)),
        inputs=list(_inputs(folder, origin, complete=status["status"] != "running")),
        files=_files(folder, "codebase" in settings),
        model=model if status["status"] == "finished" and model.exists() else None,
        status=status["status"],
        began=None if began is None else int(began * 1000),
        ended=None if ended is None else int(ended * 1000),
    )


def _tags(folder: Path, origin: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    state = json_if_readable(folder / "run.json")
    tags = {
        "mlflow.user": origin.get("user"),
        "mlflow.source.name": "aas run",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": origin.get("git_commit"),
        "git_commit": origin.get("git_commit"),
        "data_hash": state.get("data_hash"),
        "constraints_hash": state.get("constraints_hash"),
        "run_folder": str(folder),
        "error": status["error"],
    }
    if status["status"] != "finished":
        return tags
    summary = json_if_readable(folder / "metrics.json")
    kept = {"kept": summary.get("kept"), "kept_because": summary.get("kept_because")}
    return {**tags, **kept, "outcome": outcome_in_words(summary)}


def _metrics(folder: Path) -> Iterator[Scalar]:
    ends: dict[int, float] = {}
    for path in sorted((folder / "cycles").glob("*/report.json")):
        report = json_if_readable(path)
        if "cycle" not in report:
            continue
        written = path.stat().st_mtime
        ends[int(report.get("epoch", -1))] = written
        values = {name: value for name, value in report.items() if name not in ("cycle", "seconds", "epoch")}
        values |= {f"seconds/{stage}": value for stage, value in (report.get("seconds") or {}).items()}
        yield from _scalars(values, int(report["cycle"]), written)
    path = folder / "plots" / "epochs.csv"
    rows = list(_rows(path))
    # Nothing tells when an epoch ended, but the last one of each cycle, and how long each took.
    ended = path.stat().st_mtime if rows else 0.0
    for row in reversed(rows):
        epoch = int(row["epoch"])
        ended = min(ended, ends.get(epoch, ended))
        values = {f"epoch/{name}": value for name, value in row.items() if name != "epoch"}
        yield from _scalars(values, epoch, ended)
        ended -= float(row.get("seconds") or 0)


def _rows(path: Path) -> Iterator[dict[str, float]]:
    """Rows of a table of numbers; cells that are none, and rows without an epoch, are left out."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        return
    for row in rows:
        numbers = {name: number for name, cell in row.items() if (number := _number(cell)) is not None}
        if "epoch" in numbers:
            yield numbers


def _number(cell: Any) -> float | None:
    if cell in ("True", "False"):
        return float(cell == "True")
    try:
        return float(cell)
    except (TypeError, ValueError):
        return None


def _scalars(values: dict[str, Any], step: int, time: float) -> Iterator[Scalar]:
    for name, value in values.items():
        if isinstance(value, (int, float)) and math.isfinite(value):
            yield Scalar(_valid(name), float(value), step, int(time * 1000))


def _inputs(folder: Path, origin: dict[str, Any], complete: bool) -> Iterator[Input]:
    data = origin.get("data")
    if data:
        columns = dict.fromkeys(data["columns"], "string")
        yield Input(data["name"], data["hash"][:32], data["root"], "training", int(data["images"]), columns)
    log = folder / "answers.jsonl"
    # While more are asked for, each cycle would add an input of its own.
    answers = AnswerLog(log).answers() if complete and log.exists() else []
    if answers:
        columns = {name: "long" if name == "cycle" else "string" for name in asdict(answers[0])}
        yield Input("answers", set_hash(answers), str(log), "answers", len(answers), columns)


def _files(folder: Path, driven: bool) -> dict[str, Path]:
    inside = ("cycles", "plots", "checkpoints") if driven else ("cycles", "plots")
    found = [folder / name for name in FILES]
    found += [path for name in inside for path in sorted((folder / name).rglob("*"))]
    files = [path for path in found if path.is_file() and path.suffix != ".partial"]
    return {path.relative_to(folder).as_posix(): path for path in files}


def _valid(name: str) -> str:
    """A name that MLflow takes: what it refuses becomes an underscore."""
    name = re.sub(r"[^/\w.\- :]", "_", name)[:LONGEST_NAME]
    if posixpath.normpath(name) != name or name == "." or name.startswith(("..", "/")):
        name = name.replace("/", "_").strip(".") or "_"
    return name


def _flat(tree: dict[str, Any], path: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in tree.items():
        name = f"{path}.{key}" if path else str(key)
        rows += _flat(value, name) if isinstance(value, dict) else [(name, value)]
    return rows


def as_json(columns: dict[str, str]) -> str:
    """Columns as MLflow writes the schema of a table."""
    specs = [{"type": kind, "name": name, "required": False} for name, kind in columns.items()]
    return json.dumps({"mlflow_colspec": specs})
