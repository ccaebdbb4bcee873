"""`aas data show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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


def show(
    dataset: Annotated[str | None, typer.Argument(help="Data set by name, or a folder, or a CSV file.")] = None,
    params: Params = None,
    sets: Sets = None,
    plugin: Modules = None,
    sheet: Annotated[Path | None, typer.Option("--sheet", help="Write a contact sheet to this file.")] = None,
) -> None:
    """Count images and individuals of a data set, and draw a contact sheet."""
    from rich.console import Console

    from aas_plugin.runs.data import read_data
    from aas_plugin.settings.resolving import resolve

    show_warnings(Console(highlight=False, stderr=True))
    plugins = loaded(plugin)
    settings = resolve(plugins, [params_layer(params), *flag_layers(None, dataset, None, None, sets)])
    catalogue = read_data(plugins, settings).catalogue
    typer.echo(f"{catalogue.name}  ({catalogue.root})")
    for name, count in catalogue.describe().items():
        typer.echo(f"{count:>8} {name}")
    train = len(catalogue.rows_of("train"))
    budget = settings.active.budget
    typer.echo(f"{train * (train - 1) // 2:>8} pairs to ask about, active.budget {budget:g} a cycle")
    if sheet is not None:
        from aas_plugin.data.contact_sheet import contact_sheet

        contact_sheet(catalogue).save(sheet)
        typer.echo(f"contact sheet: {sheet}")
