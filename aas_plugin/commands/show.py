"""`aas data show`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aas_plugin.commands.common import (
    Modules,
    Params,
    Sets,
    flag_layers,
    loaded,
    params_layer,
    show_warnings,
)

if TYPE_CHECKING:
    from aas_plugin.plugins.manager import Plugins
    from aas_plugin.runs.data import RunData
    from aas_plugin.settings.models import RunSettings


def show(
    dataset: Annotated[str | None, typer.Argument(help="Data set by name, or a folder, or a CSV file.")] = None,
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
    """Count images and individuals of a data set, and draw a contact sheet."""
    from rich.console import Console

    from aas_plugin.runs.data import read_data
    from aas_plugin.settings.resolving import resolve

    show_warnings(Console(highlight=False, stderr=True))
    plugins = loaded(plugin)
    settings = resolve(plugins, [params_layer(params), *flag_layers(None, dataset, None, None, sets)])
    data = read_data(plugins, settings)
    catalogue = data.catalogue
    typer.echo(f"{catalogue.name}  ({catalogue.root})")
    for name, count in catalogue.describe().items():
        typer.echo(f"{count:>8} {name}")
    train = len(catalogue.rows_of("train"))
    budget = settings.active.budget
    typer.echo(f"{train * (train - 1) // 2:>8} pairs to ask about, active.budget {budget:g} a cycle")
    if sheet is not None:
        _draw_sheet(sheet, data, settings, plugins)
        typer.echo(f"contact sheet: {sheet}")


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
