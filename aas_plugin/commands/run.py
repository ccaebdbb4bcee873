"""`aas run`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from aas_plugin.commands.common import (
    RUNS,
    AdapterName,
    DatasetName,
    DeviceName,
    Modules,
    Params,
    Sets,
    flag_layers,
    git_commit,
    loaded,
    params_layer,
    read_layer,
    run_folder,
    show_warnings,
    valid_name,
)


def run(
    context: typer.Context,
    adapter: AdapterName = None,
    dataset: DatasetName = None,
    sampler: Annotated[str | None, typer.Option("--sampler", help="Which pairs to ask about.")] = None,
    params: Params = None,
    sets: Sets = None,
    run_name: Annotated[str | None, typer.Option("--run-name", help="Folder under runs/.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run: --run-name, or the last one.")] = False,
    device: DeviceName = None,
    plugin: Modules = None,
    codebase: Annotated[
        Path | None, typer.Option("--codebase", help="Checkout whose own script trains; its flags follow after --.")
    ] = None,
    fast_jaccard: Annotated[
        bool, typer.Option("--fast-jaccard", help="With --codebase: sparse distances, same labels.")
    ] = False,
    constraints: Annotated[
        Path | None, typer.Option("--constraints", help="Begin with the answers of a constraint set (CSV or parquet).")
    ] = None,
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
    from rich.console import Console

    # The script of a checkout puts something of its own in the place of stdout.
    console = Console(highlight=False, file=sys.stdout)
    show_warnings(console)
    with console.status("loading"):
        import torch  # noqa: F401 - here, where it is seen that something happens

        from aas_plugin.errors import AasError
        from aas_plugin.models import refuse_frozen
        from aas_plugin.runs.data import RunData, read_data
        from aas_plugin.runs.engine import Engine
        from aas_plugin.runs.folder import default_name, lock, project_root, saved_settings
        from aas_plugin.runs.results import broken_off, check_results, copy_results
        from aas_plugin.runs.setting_up import set_up
        from aas_plugin.settings.models import DrivenSettings, RunSettings
        from aas_plugin.settings.resolving import resolve, resolve_driven
        from aas_plugin.tracking.mlflow_observer import MlflowObserver
        from aas_plugin.tracking.terminal import Terminal

    plugins = loaded(plugin)
    flags = flag_layers(adapter, dataset, sampler, device, sets)
    if constraints is not None:
        flags.append({"active": {"constraints": str(constraints)}})
    folder = run_folder(run_name) if resume else None
    saved = saved_settings(folder) if folder is not None else {}
    explicit = [read_layer(params)] if params is not None else []
    layers = [saved, *explicit, *flags] if resume else [params_layer(params), *flags]
    driven = codebase is not None or "codebase" in saved
    settings: RunSettings | DrivenSettings
    if driven:
        given = {"path": str(codebase.resolve()), "fast_jaccard": fast_jaccard} if codebase is not None else {}
        own = {"arguments": context.args} if context.args else {}
        settings = resolve_driven(plugins, [*layers, {"codebase": {**given, **own}}])
        if data is not None or results is not None:
            raise AasError("--data and --results are for native runs; with --codebase the script reads its own data")
    else:
        _refuse(context.args, fast_jaccard)
        settings = resolve(plugins, layers)
        refuse_frozen(plugins.component("backbone", settings.backbone.name))
    if each:
        from aas_plugin.commands.sweep import sweep

        others = {"--codebase": driven, "--run-name": run_name, "--resume": resume, "--results": results}
        sweep(plugins, settings, {**others, "--data": data})
        return
    root = project_root(Path.cwd())
    runs = root / RUNS if root != Path.cwd() else RUNS
    if results is not None:
        check_results(results, runs)
    images: RunData | None = None
    if results is not None and folder is None and isinstance(settings, RunSettings):
        images = read_data(plugins, settings, data)
        folder = broken_off(runs, settings, images)
        resume = folder is not None
    folder = folder or runs / valid_name(run_name or default_name(settings, runs))
    observer = MlflowObserver(root, git_commit()) if settings.tracking.mlflow else None
    ui = observer.ui_command if observer is not None else None
    loads = "".join(f" -p {module}" for module in plugin or [])
    plugins.load("terminal", Terminal(console, ui, loads), "built in")
    if observer is not None:
        plugins.load("mlflow", observer, "built in")
    if isinstance(settings, DrivenSettings):
        from aas_plugin.codebases.driver import Driver
        from aas_plugin.codebases.recipes import recipe_of

        driver = Driver(plugins, settings, recipe_of(plugins, settings), folder, resume)
        with lock(folder):
            driver.execute()
    else:
        with lock(folder):
            images = images or read_data(plugins, settings, data)
            outcome = Engine(set_up(plugins, settings, folder, resume=resume, data=images)).execute()
        if results is not None and outcome == "finished":
            copy_results(folder, results)
        elif results is not None:
            raise AasError(f"no results yet: answer the questions in {folder / 'pending.jsonl'} and run this again")


def _refuse(arguments: list[str], fast_jaccard: bool) -> None:
    from aas_plugin.errors import AasError

    wrong = [*map(repr, arguments), *(["--fast-jaccard"] if fast_jaccard else [])]
    if wrong:
        raise AasError(f"{', '.join(wrong)}: only a run with --codebase takes that; settings are given by --set")
