"""What `aas annotate` and `aas answer` share: which folder waits for answers, and where its photos lie."""

from __future__ import annotations

from pathlib import Path

from aas_plugin.commands.common import loaded


def waiting_folder(run: str) -> Path:
    """The folder of a run, or of anything else that left questions, as it is given on the command line.

    Raises:
        AasError: there is no such folder.
    """
    from aas_plugin.errors import AasError
    from aas_plugin.runs.folder import find_run

    folder = find_run(run)
    if not folder.is_dir():
        raise AasError(f"there is no run {run!r} ({folder} is no folder); give a run under runs/, or its folder")
    return folder


def photos_of(folder: Path, plugin: list[str] | None) -> Path:
    """The folder that the paths of a folder's images are relative to.

    As its run wrote it down, or else what the run's settings say; the working folder for what is no run's.

    Raises:
        AasError: the settings name a data set that cannot be read.
    """
    from aas_plugin.annotator.opening import kept_root
    from aas_plugin.runs.folder import saved_settings

    kept = kept_root(folder)
    if kept is not None:
        return kept
    if not (folder / "config.yaml").exists() or "codebase" in saved_settings(folder):
        return Path()
    from aas_plugin.errors import AasError
    from aas_plugin.runs.data import read_data
    from aas_plugin.settings.resolving import resolve

    plugins = loaded(plugin)
    try:
        # Only what says where photos lie: the plugins of method and oracle may be elsewhere.
        return read_data(plugins, resolve(plugins, [{"dataset": saved_settings(folder)["dataset"]}])).catalogue.root
    except AasError as error:
        raise AasError(or_elsewhere(error)) from error


def or_elsewhere(error: Exception) -> str:
    """An error about photos, with the other way out."""
    return f"{str(error).removesuffix('.')}; or say where the photos lie by --photos FOLDER"
