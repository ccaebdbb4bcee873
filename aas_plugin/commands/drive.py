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
    Modules,
    Params,
    PresetName,
    RefinerName,
    Resume,
    RunName,
    SamplerName,
    Sets,
    flag_layers,
)
from aas_plugin.commands.running import Given
from aas_plugin.commands.running import drive as drive_checkout


def drive(
    context: typer.Context,
    checkout: Annotated[Path, typer.Argument(metavar="CHECKOUT", help="Folder of the codebase, as it lies there.")],
    adapter: AdapterName = None,
    sampler: SamplerName = None,
    refiner: RefinerName = None,
    preset: PresetName = None,
    params: Params = None,
    sets: Sets = None,
    run_name: RunName = None,
    resume: Resume = False,
    device: DeviceName = None,
    plugin: Modules = None,
    fast_jaccard: FastJaccard = False,
    constraints: ConstraintSet = None,
) -> None:
    """Train with a checkout's own script, unedited, and ask; its flags follow after --."""
    given = Given(
        flags=flag_layers(adapter, None, sampler, device, sets, constraints, preset, refiner),
        params=params,
        run_name=run_name,
        resume=resume,
        modules=plugin,
        command=f"aas drive {shlex.quote(str(checkout))} --resume",
    )
    drive_checkout(given, checkout, context.args, fast_jaccard)
