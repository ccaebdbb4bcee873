"""`aas drive`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from aas_plugin.commands.common import (
    AdapterName,
    ConstraintSet,
    DeviceName,
    FastJaccard,
    Host,
    Modules,
    NoBrowser,
    OracleName,
    Params,
    Port,
    PresetName,
    RefinerName,
    Resume,
    RunName,
    SamplerName,
    Serve,
    Sets,
    flag_layers,
)
from aas_plugin.commands.running import Given, PageAt
from aas_plugin.commands.running import drive as drive_checkout


def drive(
    context: typer.Context,
    checkout: Annotated[Path, typer.Argument(metavar="CHECKOUT", help="Folder of the codebase, as it lies there.")],
    adapter: AdapterName = None,
    sampler: SamplerName = None,
    refiner: RefinerName = None,
    oracle: OracleName = None,
    preset: PresetName = None,
    params: Params = None,
    sets: Sets = None,
    run_name: RunName = None,
    resume: Resume = False,
    device: DeviceName = None,
    plugin: Modules = None,
    fast_jaccard: FastJaccard = False,
    constraints: ConstraintSet = None,
    serve: Serve = False,
    host: Host = "127.0.0.1",
    port: Port = None,
    no_browser: NoBrowser = False,
) -> None:
    """Train with a checkout's own script, unedited, and ask; its flags follow after --."""
    given = Given(
        flags=flag_layers(adapter, None, sampler, device, sets, constraints, preset, refiner, oracle),
        params=params,
        run_name=run_name,
        resume=resume,
        modules=plugin,
        page=PageAt(host, port, not no_browser) if serve else None,
        command=f"aas drive {shlex.quote(str(checkout))} --resume",
    )
    drive_checkout(given, checkout, context.args, fast_jaccard)
