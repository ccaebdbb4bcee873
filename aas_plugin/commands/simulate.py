"""`aas simulate`."""

from __future__ import annotations

import itertools
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aas_plugin.commands.common import (
    DatasetName,
    DeviceName,
    Modules,
    Params,
    Sets,
    flag_layers,
    given_settings,
    listed,
    loaded,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aas_plugin.plugins.manager import Plugins
    from aas_plugin.plugins.registry import Kind, Progress
    from aas_plugin.settings.models import Choice, ClusteringSettings


def simulate(
    features: Annotated[
        str | None,
        typer.Option(
            "--features",
            help=".npy, .npz or .parquet (aas embed), or synthetic:NOISE, with commas; without, of --dataset.",
        ),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="Individuals (.npy, .npz, .csv, .parquet), if not beside features.")
    ] = None,
    dataset: DatasetName = None,
    samplers: Annotated[
        str, typer.Option("--samplers", help="By name, with commas; with options such as aas:pools=over:k_max=3.")
    ] = "aas,random",
    refiners: Annotated[str, typer.Option("--refiners", help="As samplers.")] = "np3",
    evidence: Annotated[
        str | None, typer.Option("--evidence", help="none and local, with commas: keypoints beside the features.")
    ] = None,
    cycles: Annotated[int, typer.Option("--cycles", min=1, help="How often is asked.")] = 5,
    budget: Annotated[
        float, typer.Option("--budget", min=0, help="Questions a cycle: a share of all pairs, or from 1 on a number.")
    ] = 0.0002,
    seeds: Annotated[str, typer.Option("--seeds", help="Whole numbers, with commas.")] = "0",
    error_rate: Annotated[str, typer.Option("--error-rate", help="Shares of wrong answers, with commas.")] = "0",
    cannot_tell_rate: Annotated[float, typer.Option("--cannot-tell-rate", min=0, max=1)] = 0.0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write a row a cycle to this .json or .parquet file.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw the curves into this .png, .svg or .pdf.")] = None,
    params: Params = None,
    sets: Sets = None,
    device: DeviceName = None,
    plugin: Modules = None,
) -> None:
    """Compare samplers and refiners on fixed features, without training: thousands of images in seconds."""
    from rich.console import Console

    console = Console(highlight=False)
    with console.status("loading"):
        import pandas as pd
        from pydantic import ValidationError

        from aas_plugin.active.counting import questions_a_cycle
        from aas_plugin.errors import AasError
        from aas_plugin.files import write_json, write_table
        from aas_plugin.oracles.labels import LabelsOptions, LabelsOracle
        from aas_plugin.settings.explain import explain
        from aas_plugin.settings.layers import Layer
        from aas_plugin.settings.models import ActiveSettings, FittingClustering
        from aas_plugin.settings.resolving import merge, resolve
        from aas_plugin.simulation.loop import simulate as simulate_one
        from aas_plugin.simulation.scenes import Scenes
        from aas_plugin.simulation.showing import described, draw_curves, final_tables, overview
        from aas_plugin.tracking.terminal import Terminal

    if output is not None and output.suffix not in (".json", ".parquet"):
        raise AasError(f"--output {output}: its name must end in .json or .parquet")
    sampler_names, refiner_names = listed(samplers, "--samplers", str), listed(refiners, "--refiners", str)
    beside = listed(evidence, "--evidence", str) if evidence is not None else []
    rates, numbers = listed(error_rate, "--error-rate", float), listed(seeds, "--seeds", int)
    plugins = loaded(plugin)
    terminal = Terminal(console)
    plugins.load("terminal", terminal, "built in")
    layers = given_settings(params, dataset, sets)
    layers += flag_layers(None, None, None, device, None)
    if set(beside) - {"none"}:
        layers.append(Layer({"evidence": next(name for name in beside if name != "none")}, f"--evidence {evidence}"))
    settings = resolve(plugins, layers)
    beside = beside or [settings.evidence.name]
    # A data set's own values are not meant for features that come from elsewhere.
    own: dict[str, Any] = reduce(merge, layers, {})
    clustering = FittingClustering.model_validate(own.get("clustering", {}))
    sources = listed(features, "--features", str) if features is not None else []
    to_ask = {name: _choice(plugins, "sampler", name, settings.sampler) for name in sampler_names}
    to_refine = {name: _choice(plugins, "refiner", name, settings.refiner) for name in refiner_names}
    try:
        active = ActiveSettings.model_validate({**settings.active.model_dump(), "cycles": cycles, "budget": budget})
        oracles = [LabelsOptions(error_rate=rate, cannot_tell_rate=cannot_tell_rate) for rate in rates]
    except ValidationError as error:
        flag = "--budget" if not error.errors()[0]["loc"] else None
        raise AasError(explain(error, ActiveSettings, where=lambda path, _: flag or _flag(path))) from None
    try:
        scenes = Scenes(plugins, settings, clustering, sources, labels)
        rows: list[dict[str, Any]] = []
        combinations = list(itertools.product(beside, to_ask, to_refine, oracles))
        total = len(scenes.names) * len(numbers) * len(combinations)
        told, done = plugins.progress("simulating"), 0
        # What is found of photos is found once for all seeds.
        last: Any = None
        found_beside: dict[str, Any] = {}
        # What is told of scenes, which are large, so that each leaves memory once its data set is done.
        chosen: dict[str, list[tuple[int, ClusteringSettings]]] = {}
        for name, seed in itertools.product(scenes.names, numbers):
            scene = scenes.scene(name, seed)
            chosen.setdefault(name, []).append((len(scene.features), scene.clustering))
            if scene is not last:
                found_beside, last = {name: scenes.evidence(name, scene) for name in beside}, scene
            for other, sampler, refiner, options in combinations:
                found = simulate_one(
                    scene,
                    to_ask[sampler](),
                    to_refine[refiner](),
                    LabelsOracle(options),
                    active,
                    seed,
                    _after(told, done * cycles, total * cycles),
                    found_beside[other],
                )
                done += 1
                asking = sampler if other == "none" else f"{sampler} + {other}"
                given = {"features": name, "sampler": asking, "refiner": refiner, "seed": seed}
                rows += [{**given, "error_rate": options.error_rate, **row} for row in found]
            if output is not None:
                write_json(output, rows) if output.suffix == ".json" else write_table(output, pd.DataFrame(rows))
    finally:
        terminal.close()
    table = pd.DataFrame(rows)
    if plot is not None:
        draw_curves(table, plot)
    console.print(f"{active.cycles} cycles of {active.rounds} rounds", soft_wrap=True)
    for name, of_name in chosen.items():
        most = max(questions_a_cycle(budget, images * (images - 1) // 2) for images, _ in of_name)
        told_of = described(*zip(*of_name, strict=True))
        console.print(f"\n{name}: {told_of}; at most {most} questions a cycle (--budget)\n", soft_wrap=True)
        for shown in final_tables(table[table["features"] == name]):
            console.print(shown)
    if len(chosen) * len(rates) > 1:
        console.print()
        console.print(overview(table))


def _choice(plugins: Plugins, kind: Kind, text: str, chosen: Choice) -> Callable[[], object]:
    """What makes a sampler or refiner, of `name` or `name:option=value:...`.

    Options that are not in the text are those of the settings, where these choose it, or defaults.

    Raises:
        AasError: there is none of that name, or an option is wrong.
    """
    from aas_plugin.settings.layers import Layer
    from aas_plugin.settings.models import Choice
    from aas_plugin.settings.resolving import completed, merge, parse_set

    name, *options = text.split(":")
    flag = f"--{kind}s {text}"
    layers: list[dict[str, Any]] = [{kind: dict(chosen.options) if chosen.name == name else {}}]
    for option in options:
        layers.append(Layer({kind: dict(parse_set(option))}, flag))
    layers.append(Layer({kind: {"name": name}}, flag))
    choice = Choice.model_validate(reduce(merge, layers)[kind])
    completed(plugins, kind, choice, kind, layers)
    component = plugins.component(kind, name)
    return lambda: component.make(choice.options)


def _flag(path: Sequence[str]) -> str:
    """The flag that gives a setting of a simulation."""
    return f"--{path[-1].replace('_', '-')}"


def _after(told: Progress, before: int, total: int) -> Progress:
    """Progress of a part that begins after others."""
    return lambda done, _: told(before + done, total)
