"""`aas data show`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aas_plugin.commands.common import (
    UNREADABLE_STATUS,
    Modules,
    Params,
    Sets,
    flag_layers,
    loaded,
    params_layer,
)

if TYPE_CHECKING:
    from aas_plugin.plugins.manager import Plugins
    from aas_plugin.runs.data import RunData
    from aas_plugin.settings.models import RunSettings


def show(
    dataset: Annotated[
        str | None, typer.Argument(help="Data set by name, or a folder, a CSV or JSON file, or a Camtrap DP package.")
    ] = None,
    params: Params = None,
    sets: Sets = None,
    plugin: Modules = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            "--sheet", help="Write a contact sheet to this file; with --set evidence=local, dark where nothing counts."
        ),
    ] = None,
) -> None:
    """Count images and individuals of a data set, read every image, and draw a contact sheet.

    The exit status is 3 where images cannot be read; they are listed.
    """
    from dataclasses import replace

    from rich.console import Console

    from aas_plugin.data.catalogue import MissingFilesError
    from aas_plugin.data.images import ImageStore
    from aas_plugin.runs.data import RunData, read_data
    from aas_plugin.settings.resolving import resolve
    from aas_plugin.tracking.terminal import Terminal

    plugins = loaded(plugin)
    terminal = Terminal(Console(highlight=False, stderr=True))
    plugins.load("terminal", terminal, "built in")
    settings = resolve(plugins, [params_layer(params), *flag_layers(None, dataset, None, None, sets)])
    try:
        try:
            data = read_data(plugins, settings)
        except MissingFilesError:
            data = read_data(plugins, settings.model_copy(update={"unreadable": "leave_out"}))
        catalogue = data.catalogue
        images = ImageStore(catalogue.root, data.paths, 1, 1)
        problems = images.unreadable(plugins.progress("reading images"))
    finally:
        terminal.close()
    unreadable = {data.paths[row]: reason for row, reason in problems.items()} | data.left_out
    typer.echo(f"{catalogue.name}  ({catalogue.root})")
    for name, count in catalogue.describe().items():
        typer.echo(f"{count:>8} {name}")
    boxes = int(catalogue.table["bbox"].notna().sum())
    if boxes:
        typer.echo(f"{boxes:>8} are the part of a photo that their box holds")
    train = len(catalogue.rows_of("train"))
    budget = settings.active.budget
    typer.echo(f"{train * (train - 1) // 2:>8} pairs to ask about, active.budget {budget:g} a cycle")
    if unreadable:
        typer.echo(f"{len(unreadable)} images cannot be read; --set unreadable=leave_out does without them:")
        for path, reason in unreadable.items():
            typer.echo(f"  {path}: {reason}")
    if sheet is not None and len(problems) < len(catalogue):
        readable = catalogue.table.drop(index=list(problems)).reset_index(drop=True)
        _draw_sheet(sheet, RunData(replace(catalogue, table=readable)), settings, plugins)
        typer.echo(f"contact sheet: {sheet}")
    if unreadable:
        raise typer.Exit(UNREADABLE_STATUS)


def _draw_sheet(sheet: Path, data: RunData, settings: RunSettings, plugins: Plugins) -> None:
    """Draw photos, and what of them counts where evidence that looks at parts of them is chosen."""
    import numpy as np

    from aas_plugin.data.contact_sheet import contact_sheet
    from aas_plugin.data.photo_list import photos_of

    choice = settings.evidence
    look = getattr(plugins.component("evidence", choice.name).make(choice.options), "look", None)
    if look is None:
        contact_sheet(data.catalogue).save(sheet)
    else:
        rows = np.arange(len(data.catalogue))
        # What is looked at does not depend on contents.
        look(photos_of(data.catalogue, rows, data.paths)).save(sheet)
