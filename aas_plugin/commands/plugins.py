"""`aas plugins`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from aas_plugin.commands.common import (
    Modules,
    loaded,
)


def list_plugins(
    plugin: Modules = None,
    shims: Annotated[bool, typer.Option("--shims", help="List what `aas drive` may patch, and why.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List loaded plugins: where each is from, which hooks it implements, what it registers."""
    if shims:
        _list_shims(as_json)
        return
    rows = loaded(plugin).describe()
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("plugin", "from", "hooks", "components")
    for row in rows:
        components = "\n".join(row["components"]) if row["error"] is None else f"broken: {row['error']}"
        table.add_row(row["name"], row["from"], "\n".join(row["hooks"]), components)
    Console().print(table)


def _list_shims(as_json: bool) -> None:
    from aas_plugin.codebases.shims import SHIMS

    when = {"modern": "with modern libraries", "cpu": "without a GPU"}
    rows = [{"name": shim.name, "when": when[shim.kind], "why": shim.why} for shim in SHIMS]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("shim", "when needed", "without it")
    for row in rows:
        table.add_row(*row.values())
    Console().print(table)
