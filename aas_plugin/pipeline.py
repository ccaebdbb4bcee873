"""A run as a stage of a pipeline: it goes on where it was broken off, and leaves its results in a fixed place."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from aas_plugin.config import RunSettings
from aas_plugin.constraints.sets import read_set, set_hash
from aas_plugin.data.catalogue import Catalogue, content_hashes, data_hash
from aas_plugin.errors import AasError
from aas_plugin.prepare import differences, saved_settings

RESULTS = ("config.yaml", "run.json", "metrics.json", "protocol.json", "answers.jsonl", "model.pt")


def project_root(folder: Path) -> Path:
    """The folder that keeps runs: `folder`, or the project whose queued DVC experiment it is a scratch copy of.

    DVC removes such a copy with all that it does not know, and answers must outlive it.
    """
    parts = folder.resolve().parts
    for position in range(len(parts) - 2):
        if parts[position : position + 3] == (".dvc", "tmp", "exps"):
            return Path(*parts[:position])
    return folder


def broken_off(runs: Path, settings: RunSettings, catalogue: Catalogue) -> Path | None:
    """The latest run in `runs` of just these settings, data and answers to begin with that did not end, or None."""
    wanted = settings.model_dump(mode="json")
    answers = settings.active.constraints
    state = {
        "data_hash": data_hash(catalogue, content_hashes(catalogue)),
        "constraints_hash": None if answers is None else set_hash(read_set(answers)),
    }
    found = sorted(runs.glob("*/config.yaml"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found:
        folder = path.parent
        if (folder / "metrics.json").exists() or not (folder / "run.json").exists():
            continue
        saved = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        if saved == state and not differences(saved_settings(folder), wanted):
            return folder
    return None


def copy_results(run: Path, results: Path) -> None:
    """Put what a run gave into a folder, in the place of what was there; its answers stay where they are, too.

    Raises `AasError` when the folder cannot be written.
    """
    try:
        if results.exists():
            shutil.rmtree(results)
        results.mkdir(parents=True)
        for name in RESULTS:
            if (run / name).exists():
                shutil.copy2(run / name, results / name)
        for name in ("plots", "cycles"):
            shutil.copytree(run / name, results / name)
        last = sorted((run / "checkpoints").iterdir())[-1:]
        (results / "checkpoints").mkdir()
        for path in last:
            shutil.copy2(path, results / "checkpoints" / path.name)
    except OSError as error:
        raise AasError(f"{results} cannot be written ({error}); all is in {run}, so mend that and run again") from error
