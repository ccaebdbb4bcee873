"""A run as a stage of a pipeline: it goes on where it was broken off, and leaves its results in a fixed place."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from aas_plugin.constraints.sets import read_set, set_hash
from aas_plugin.errors import AasError
from aas_plugin.files import write_json
from aas_plugin.runs.checkpoint import BEST
from aas_plugin.runs.data import RunData
from aas_plugin.runs.folder import differences, saved_settings, saved_state
from aas_plugin.settings.models import RunSettings

COPIED = "copied.json"
MODELS = ("model.pt", "model-untrained.pt", "model-trained.pt")
RESULTS = ("config.yaml", "run.json", "metrics.json", "protocol.json", "answers.jsonl", *MODELS)


def broken_off(runs: Path, settings: RunSettings, data: RunData, code: str) -> Path | None:
    """The latest run of just these settings, data, answers and code that was not copied, or None.

    Args:
        runs: where runs lie.
        settings: of the run that is wanted.
        data: its images.
        code: see `code_hash`.
    """
    wanted = settings.model_dump(mode="json")
    state = {**hashes_of(settings, data), "code_hash": code}
    found = sorted(runs.glob("*/config.yaml"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found:
        folder = path.parent
        if (folder / COPIED).exists() or not (folder / "run.json").exists():
            continue
        # A damaged folder beside is none to go on with, and no reason to stop.
        with suppress(AasError):
            if saved_state(folder) == state and not differences(saved_settings(folder), wanted):
                return folder
    return None


def hashes_of(settings: RunSettings, data: RunData) -> dict[str, str | None]:
    """Hashes of the images, and of the answers that a run begins with, by their names in `run.json`."""
    answers = settings.active.constraints
    return {"data_hash": data.digest, "constraints_hash": None if answers is None else set_hash(read_set(answers))}


def check_results(results: Path, runs: Path) -> None:
    """Refuse a place for results that holds anything else, or that lies among the runs.

    Raises:
        AasError: it does.
    """
    place, root = results.resolve(), runs.resolve()
    if place == root or root in place.parents or place in root.parents:
        raise AasError(f"--results {results} would lie among the runs in {runs}; give a folder of its own")
    if place.exists() and not (place.is_dir() and (_is_copy(place) or not any(place.iterdir()))):
        raise AasError(f"--results {results} holds something else; give a folder of its own, or an empty one")


def copy_results(run: Path, results: Path) -> None:
    """Put what a run gave into a folder, in the place of an earlier copy; the run stays as it is, answers and all.

    Raises:
        AasError: the folder cannot be written; what was there is then still there.
    """
    results = results.resolve()
    scratch = results.with_name(results.name + ".partial")
    try:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        for name in RESULTS:
            if (run / name).exists():
                shutil.copy2(run / name, scratch / name)
        for name in ("plots", "cycles"):
            shutil.copytree(run / name, scratch / name)
        (scratch / "checkpoints").mkdir()
        last = sorted((run / "checkpoints").glob("epoch-*.pt"))[-1:]
        for path in [*last, *(run / "checkpoints").glob(BEST)]:
            shutil.copy2(path, scratch / "checkpoints" / path.name)
        if results.exists():
            shutil.rmtree(results)
        scratch.rename(results)
        write_json(run / COPIED, {"to": str(results)})
    except OSError as error:
        raise AasError(f"{results} cannot be written ({error}); all is in {run}, so mend that and run again") from error


def _is_copy(folder: Path) -> bool:
    return all((folder / name).is_file() for name in ("config.yaml", "run.json"))
