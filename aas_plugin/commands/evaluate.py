"""`aas evaluate`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from aas_plugin.commands.common import (
    AdapterName,
    DatasetName,
    DeviceName,
    Modules,
    Params,
    Sets,
    flag_layers,
    loaded,
    params_layer,
    read_layer,
)


def evaluate(
    run_name: Annotated[
        str | None, typer.Argument(help="A run under runs/, or its folder; without, the untrained backbone.")
    ] = None,
    adapter: AdapterName = None,
    dataset: DatasetName = None,
    params: Params = None,
    sets: Sets = None,
    device: DeviceName = None,
    plugin: Modules = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data: Annotated[Path | None, typer.Option("--data", help="Packed data set in the place of the run's own.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write JSON to this file, too.")] = None,
    backbone: Annotated[
        str | None, typer.Option("--backbone", help="Evaluate this backbone as it is, e.g. megadescriptor-l-384.")
    ] = None,
) -> None:
    """Evaluate the last checkpoint of a run, or the untrained backbone, by the open-set protocol."""
    import tempfile

    from rich.console import Console

    console = Console(highlight=False, stderr=as_json)
    with console.status("loading"):
        import torch  # noqa: F401 - here, where it is seen that something happens

        from aas_plugin.errors import AasError
        from aas_plugin.evaluation.protocol import choose_protocol
        from aas_plugin.evaluation.protocol import evaluate as measure
        from aas_plugin.files import write_json
        from aas_plugin.runs.checkpoint import load_checkpoint
        from aas_plugin.runs.data import read_data
        from aas_plugin.runs.folder import CACHE, find_run, runs_folder, saved_settings
        from aas_plugin.runs.setting_up import set_up
        from aas_plugin.settings.layers import Layer
        from aas_plugin.settings.resolving import resolve
        from aas_plugin.tracking.terminal import Terminal

    plugins = loaded(plugin)
    terminal = Terminal(console)
    plugins.load("terminal", terminal, "built in")
    if backbone is not None and run_name is not None:
        raise AasError(f"--backbone {backbone} is evaluated as it is, without a run; leave out {run_name!r}")
    bare: list[dict[str, Any]] = []
    if backbone is not None:
        bare = [
            Layer({"backbone": {"name": backbone}}, f"--backbone {backbone}"),
            *([] if adapter else [{"adapter": {"name": "zero-shot"}}]),
        ]
    flags = [*bare, *flag_layers(adapter, dataset, None, device, sets)]
    # Nothing is asked here, so the set that a run began with need not be there any more.
    unasked = {"active": {"constraints": None}}
    with tempfile.TemporaryDirectory() as scratch:
        if run_name is None:
            settings = resolve(plugins, [params_layer(params), *flags, unasked])
            folder = Path(scratch) / "untrained"
            cache = runs_folder() / CACHE
            ready = set_up(plugins, settings, folder, data=read_data(plugins, settings, data), cache=cache)
        else:
            saved = find_run(run_name)
            folder = Path(scratch) / saved.resolve().name
            if "codebase" in saved_settings(saved):
                raise AasError(f"{saved} drove a checkout, whose own script evaluates it; see its metrics.json")
            layers = [saved_settings(saved), *([read_layer(params)] if params is not None else []), *flags, unasked]
            settings = resolve(plugins, layers)
            cache = saved.parent / CACHE
            ready = set_up(plugins, settings, folder, data=read_data(plugins, settings, data), cache=cache)
            if not any(flags) and params is None and (saved / "protocol.json").exists():
                shutil.copy(saved / "protocol.json", folder)
        ready.plugins.hook.aas_setup(run=ready)
        # Before the checkpoint is loaded: the untrained backbone chooses the exemplars, as it did in training.
        protocol = choose_protocol(ready, lambda: ready.plugins.hook.aas_embed(run=ready, rows=ready.train))
        if run_name is not None:
            state = load_checkpoint(saved / "checkpoints", ready.device)
            if state is None:
                raise AasError(f"{saved} has no checkpoint; let its first epoch end")
            ready.plugins.hook.aas_load_state(run=ready, state=state["adapter"])
        metrics = measure(ready, protocol)
    terminal.close()
    plain = {name: None if value != value else value for name, value in metrics.items()}
    if output is not None:
        write_json(output, plain)
    if as_json:
        typer.echo(json.dumps(plain))
    elif not metrics:
        console.print("Nothing to evaluate: no test image has an individual with a gallery to search.")
    else:
        console.print(f"{len(protocol.query)} queries, {len(protocol.gallery)} gallery images")
        for name, value in metrics.items():
            console.print(f"{name:>8}  {value:.4f}")
