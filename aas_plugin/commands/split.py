"""`aas data split`: the protocol by which every method and sampler is judged, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aas_plugin.commands.common import Modules, Params, Sets


def split(
    output: Annotated[Path, typer.Option("--output", "-o", help="The protocol to write, e.g. protocol.json.")],
    dataset: Annotated[str | None, typer.Argument(help="Data set by name, or a folder, or a CSV file.")] = None,
    params: Params = None,
    sets: Sets = None,
    plugin: Modules = None,
) -> None:
    """Choose training images, queries and gallery once, for all runs with evaluation.protocol set to the file."""
    import shutil
    import tempfile

    import numpy as np
    from rich.console import Console

    from aas_plugin.commands.common import given_settings
    from aas_plugin.errors import AasError
    from aas_plugin.evaluation.protocol import choose_protocol
    from aas_plugin.plugins.manager import load_plugins
    from aas_plugin.runs.folder import CACHE, runs_folder
    from aas_plugin.runs.run import NativeRun
    from aas_plugin.runs.setting_up import set_up
    from aas_plugin.settings.resolving import resolve
    from aas_plugin.tracking.terminal import Terminal

    def untrained_features(run: NativeRun) -> np.ndarray:
        run.plugins.hook.aas_setup(run=run)
        features: np.ndarray = run.plugins.hook.aas_embed(run=run, rows=run.train)
        return features

    console = Console(highlight=False)
    plugins = load_plugins(plugin or [])
    terminal = Terminal(console)
    plugins.load("terminal", terminal, "built in")
    layers = [*given_settings(params, dataset=dataset, sets=sets), {"evaluation": {"protocol": None}}]
    settings = resolve(plugins, layers)
    with tempfile.TemporaryDirectory() as scratch:
        ready = set_up(plugins, settings, Path(scratch) / "split", cache=runs_folder() / CACHE)
        protocol = choose_protocol(ready, lambda: untrained_features(ready))
        terminal.close()
        name = ready.catalogue.name
        if not len(protocol.query) or not len(protocol.gallery):
            raise AasError(
                f"{name} has {len(protocol.query)} queries and {len(protocol.gallery)} gallery images, so no method "
                "can be judged on it; it needs training and test images of known individuals"
            )
        written = ready.folder / "protocol.json"
        if output.exists() and output.read_bytes() != written.read_bytes():
            raise AasError(f"{output} is there and says otherwise; choose another -o, or remove it to judge runs anew")
        output.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(written, output)
    known = int(protocol.known.sum())
    typer.echo(
        f"{output}: {len(ready.train)} training images of {name}, {len(protocol.query)} queries "
        f"({known} known, {len(protocol.query) - known} unknown), {len(protocol.gallery)} gallery images"
    )
