"""`aas run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aas_plugin.commands.common import (
    AdapterName,
    ConstraintSet,
    DatasetName,
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
from aas_plugin.commands.running import Given, PageAt, drive, train


def run(
    context: typer.Context,
    adapter: AdapterName = None,
    dataset: DatasetName = None,
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
    codebase: Annotated[
        Path | None, typer.Option("--codebase", help="As `aas drive CHECKOUT`; the script's flags follow after --.")
    ] = None,
    fast_jaccard: FastJaccard = False,
    constraints: ConstraintSet = None,
    serve: Serve = False,
    host: Host = "127.0.0.1",
    port: Port = None,
    no_browser: NoBrowser = False,
    data: Annotated[
        Path | None, typer.Option("--data", help="Packed data set (aas data pack) in the place of --dataset's own.")
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option("--results", help="For pipelines: go on with what was broken off, copy the results to here."),
    ] = None,
    each: Annotated[
        bool, typer.Option("--each", help="One run for each subset of the data set that is there.")
    ] = False,
) -> None:
    """Train a base method, asking about the pairs worth asking, and log every cycle."""
    from aas_plugin.errors import AasError

    flags = flag_layers(adapter, dataset, sampler, device, sets, constraints, preset, refiner, oracle)
    given = Given(
        flags=flags,
        params=params,
        run_name=run_name,
        resume=resume,
        modules=plugin,
        page=PageAt(host, port, not no_browser) if serve else None,
    )
    if codebase is None and "codebase" not in given.saved():
        wrong = [*map(repr, context.args), *(["--fast-jaccard"] if fast_jaccard else [])]
        if wrong:
            raise AasError(f"{', '.join(wrong)}: only a run with --codebase takes that; settings are given by --set")
        train(given, data, results, each)
        return
    if data is not None or results is not None or each:
        only = "--each is" if each else "--data and --results are"
        raise AasError(f"{only} for native runs; with --codebase the script reads its own data")
    drive(given, codebase, context.args, fast_jaccard)
