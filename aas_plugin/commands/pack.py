"""`aas data pack`: a data set as one file, for DVC."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aas_plugin.commands.common import Modules, Params, Sets


def pack(
    output: Annotated[Path, typer.Option("--output", "-o", help="The archive to write.")],
    dataset: Annotated[str | None, typer.Argument(help="Data set by name, or a folder, or a CSV file.")] = None,
    params: Params = None,
    sets: Sets = None,
    plugin: Modules = None,
) -> None:
    """Write a data set, its catalogue and images, into one archive that `aas run --data` reads."""
    from rich.console import Console

    from aas_plugin.commands.common import given_settings
    from aas_plugin.data.archive import pack as write
    from aas_plugin.plugins.manager import load_plugins
    from aas_plugin.runs.data import read_data
    from aas_plugin.settings.resolving import resolve
    from aas_plugin.tracking.terminal import Terminal

    plugins = load_plugins(plugin or [])
    terminal = Terminal(Console(highlight=False))
    plugins.load("terminal", terminal, "built in")
    settings = resolve(plugins, given_settings(params, dataset=dataset, sets=sets))
    catalogue = read_data(plugins, settings).catalogue
    write(catalogue, output, plugins.progress("packing images"))
    terminal.close()
    typer.echo(f"{output}: {len(catalogue)} images of {catalogue.name}")
