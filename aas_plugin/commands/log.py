"""`aas log`: bring MLflow level with what runs left in their folders."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from aas_plugin.commands.common import Modules, loaded

WORDS = {"params": "settings", "tags": "tags", "metrics": "values of metrics", "data": "inputs", "files": "files"}


def log(
    runs: Annotated[list[str], typer.Argument(metavar="RUNS", help="Runs under runs/, or their folders.")],
    plugin: Modules = None,
) -> None:
    """Log to MLflow what it lacks of runs: after a server was away, a run was deleted there, or the store changed.

    Settings, metrics with their steps, tags, inputs, files, the model and how the run stands are taken from its folder.
    What is there already is left alone, so calling it twice changes nothing.
    """
    from aas_plugin.errors import AasError
    from aas_plugin.runs.folder import find_run, lock, project_root, saved_settings
    from aas_plugin.tracking.level import NotLevelError, open_run, reason
    from aas_plugin.tracking.records import read_records
    from aas_plugin.tracking.store import tracking_uri, without_password

    loaded(plugin)  # the trained model of a plugin's method is read by that plugin's code
    root = project_root(Path.cwd())
    uri = tracking_uri(root)
    folders = [find_run(name) for name in runs]
    for folder in folders:
        saved_settings(folder)
    for folder in folders:
        with lock(folder):
            records = read_records(folder, alive=False)
            experiment = (saved_settings(folder).get("tracking") or {}).get("experiment")
            try:
                store_run, note = open_run(uri, root, folder, records, experiment)
                logged = store_run.level(records)
            except Exception as error:
                told = error.reason if isinstance(error, NotLevelError) else reason(error)
                what = f"not all of {folder} could" if isinstance(error, NotLevelError) else f"{folder} could not"
                raise AasError(
                    f"{what} be logged to MLflow at {without_password(uri)} ({told}); mend that and call this again"
                ) from error
        if note is not None:
            typer.echo(f"{folder}: {note}")
        typer.echo(f"{folder}, {records.status}: {_told(logged)}; MLflow has all of it")


def _told(logged: Counter[str]) -> str:
    counted = [f"{logged[part]} {word}" for part, word in WORDS.items() if logged[part]]
    counted += [word for part, word in (("status", "its status"), ("model", "its model")) if logged[part]]
    return f"logged {', '.join(counted)}" if counted else "nothing was missing"
