"""`aas label`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from aas_plugin.commands.common import (
    BackboneName,
    DeviceName,
    Host,
    Modules,
    NoBrowser,
    OracleName,
    Params,
    Port,
    Resume,
    RunName,
    Sets,
    flag_layers,
)
from aas_plugin.commands.running import Given, PageAt, train


def label(
    folder: Annotated[
        str | None, typer.Argument(help="A folder of photos, a CSV file, or another data set that `aas run` takes.")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", help='When to stop, e.g. "wrong merges <= 1 and questions <= 200"; else you say when.'),
    ] = None,
    batch: Annotated[int | None, typer.Option("--batch", min=1, help="Questions a batch; 20 by default.")] = None,
    backbone: BackboneName = None,
    oracle: OracleName = None,
    error_rate: Annotated[
        float | None, typer.Option("--error-rate", min=0, max=1, help="Of --oracle labels: share of wrong answers.")
    ] = None,
    run_name: RunName = None,
    resume: Resume = False,
    params: Params = None,
    sets: Sets = None,
    device: DeviceName = None,
    plugin: Modules = None,
    host: Host = "127.0.0.1",
    port: Port = None,
    no_browser: NoBrowser = False,
) -> None:
    """Name the animals on photos: ask about pairs on a page, without any training, until you say that it is enough."""
    from aas_plugin.errors import AasError
    from aas_plugin.individuals.targets import parse_targets
    from aas_plugin.settings.labelling import LABEL, LABELLING
    from aas_plugin.settings.layers import Layer
    from aas_plugin.tracking.label_terminal import LabelTerminal

    if until is not None:
        until = " and ".join(map(str, parse_targets(until)))
    if folder is None and not resume:
        raise AasError("say which photos to label: aas label FOLDER; or go on with a run by --resume")
    if error_rate is not None and oracle != "labels":
        raise AasError("--error-rate is of --oracle labels, which answers from known individuals")
    chosen: list[dict[str, Any]] = []
    if not resume:
        chosen.append(Layer({"adapter": {"name": LABEL}, **LABELLING}, "aas label"))
    if until is not None:
        chosen.append(Layer({"adapter": {"name": LABEL, "until": until}}, f"--until {until!r}"))
    if batch is not None:
        chosen.append(Layer({"active": {"budget": batch}}, f"--batch {batch}"))
    chosen += flag_layers(None, folder, None, device, sets, oracle=oracle, backbone=backbone)
    if error_rate is not None:
        chosen.append(Layer({"oracle": {"error_rate": error_rate}}, f"--error-rate {error_rate:g}"))
    given = Given(
        flags=chosen,
        params=params,
        run_name=run_name,
        resume=resume,
        modules=plugin,
        command="aas label --resume",
        page=PageAt(host, port, not no_browser, finish=True),
        terminal=LabelTerminal,
    )
    train(given)
