"""`aas simulate`."""

from __future__ import annotations

import itertools
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aas_plugin.commands.common import DatasetName, DeviceName, Modules, Params, Sets, given_settings, loaded

if TYPE_CHECKING:
    import numpy as np

    from aas_plugin.plugins.manager import Plugins
    from aas_plugin.plugins.registry import Progress
    from aas_plugin.settings.models import Choice, RunSettings


def simulate(
    features: Annotated[
        Path | None,
        typer.Option("--features", help=".npy, .npz or .parquet (aas embed); without, untrained ones of --dataset."),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="Individuals (.npy, .npz, .csv, .parquet), if not beside features.")
    ] = None,
    dataset: DatasetName = None,
    samplers: Annotated[str, typer.Option("--samplers", help="By name, with commas.")] = "aas,random",
    refiners: Annotated[str, typer.Option("--refiners", help="By name, with commas.")] = "np3",
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

        from aas_plugin.errors import AasError
        from aas_plugin.files import write_json, write_table
        from aas_plugin.oracles.labels import LabelsOptions, LabelsOracle
        from aas_plugin.settings.explain import explain
        from aas_plugin.settings.models import ActiveSettings, FittingClustering
        from aas_plugin.settings.resolving import merge, resolve
        from aas_plugin.simulation.loop import simulate as simulate_one
        from aas_plugin.simulation.showing import draw_curves, final_table
        from aas_plugin.tracking.terminal import Terminal

    if output is not None and output.suffix not in (".json", ".parquet"):
        raise AasError(f"--output {output}: its name must end in .json or .parquet")
    sampler_names, refiner_names = _listed(samplers, "--samplers", str), _listed(refiners, "--refiners", str)
    rates, numbers = _listed(error_rate, "--error-rate", float), _listed(seeds, "--seeds", int)
    plugins = loaded(plugin)
    terminal = Terminal(console)
    plugins.load("terminal", terminal, "built in")
    to_ask = {name: plugins.component("sampler", name) for name in sampler_names}
    to_refine = {name: plugins.component("refiner", name) for name in refiner_names}
    layers = given_settings(params, dataset, sets)
    layers += [{"device": device}] if device is not None else []
    settings = resolve(plugins, layers)
    if features is not None:
        # A data set's own values are not meant for features that come from elsewhere.
        own: dict[str, Any] = reduce(merge, layers, {})
        settings = settings.model_copy(
            update={"clustering": FittingClustering.model_validate(own.get("clustering", {}))}
        )
    try:
        active = ActiveSettings.model_validate({**settings.active.model_dump(), "cycles": cycles, "budget": budget})
        oracles = [LabelsOptions(error_rate=rate, cannot_tell_rate=cannot_tell_rate) for rate in rates]
    except ValidationError as error:
        raise AasError(explain(error, ActiveSettings)) from None
    try:
        scene = _scene(plugins, settings, features, labels)
        rows: list[dict[str, Any]] = []
        combinations = list(itertools.product(to_ask, to_refine, oracles, numbers))
        told = plugins.progress("simulating")
        for number, (sampler, refiner, options, seed) in enumerate(combinations):
            found = simulate_one(
                scene,
                to_ask[sampler].make(_options(settings.sampler, sampler)),
                to_refine[refiner].make(_options(settings.refiner, refiner)),
                LabelsOracle(options),
                active,
                seed,
                _after(told, number * cycles, len(combinations) * cycles),
            )
            given = {"sampler": sampler, "refiner": refiner, "seed": seed, "error_rate": options.error_rate}
            rows += [{**given, **row} for row in found]
    finally:
        terminal.close()
    table = pd.DataFrame(rows)
    if output is not None:
        write_json(output, rows) if output.suffix == ".json" else write_table(output, table)
    if plot is not None:
        draw_curves(table, plot)
    chosen = scene.clustering
    console.print(
        f"{len(scene.features)} images, k1 {chosen.k1}, k2 {chosen.k2}, eps {chosen.eps:g}, min_samples "
        f"{chosen.min_samples}; {active.cycles} cycles of {active.rounds} rounds\n",
        soft_wrap=True,
    )
    console.print(final_table(table))


def _options(choice: Choice, name: str) -> dict[str, Any]:
    """Options that the settings give to what they choose; all others have their defaults."""
    return choice.options if choice.name == name else {}


def _after(told: Progress, before: int, total: int) -> Progress:
    """Progress of a part that begins after others."""
    return lambda done, _: told(before + done, total)


def _listed(text: str, option: str, kind: type) -> list[Any]:
    """The values between commas.

    Raises:
        AasError: one is none of its kind, or there is none.
    """
    from aas_plugin.errors import AasError

    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        values = [kind(part) for part in parts]
    except ValueError:
        raise AasError(f"{option} {text!r}: write {'whole ' if kind is int else ''}numbers with commas") from None
    if not values:
        raise AasError(f"{option} {text!r}: name at least one")
    return list(dict.fromkeys(values))


def _scene(plugins: Plugins, settings: RunSettings, features: Path | None, labels: Path | None) -> Any:
    """Features, individuals, graph and how it is clustered."""
    from aas_plugin.clustering.choosing import fit_clustering
    from aas_plugin.clustering.jaccard import jaccard_graph
    from aas_plugin.errors import AasError
    from aas_plugin.runs.device import choose_device
    from aas_plugin.settings.models import EPS_MARGIN, ClusteringSettings
    from aas_plugin.simulation.loop import Scene
    from aas_plugin.simulation.reading import check_labels, read_features, read_labels

    place = choose_device(settings.device)
    clustering = settings.clustering.given
    if features is not None:
        matrix, individual = read_features(features)
        if individual is None and labels is None:
            raise AasError(f"{features} says nothing of individuals; give them by --labels")
    else:
        matrix, individual = _untrained(plugins, settings, place)
    individual = read_labels(labels) if labels is not None else individual
    assert individual is not None
    check_labels(individual, len(matrix))
    fitted = fit_clustering(
        matrix, **clustering, seed=settings.seed, device=place, progress=plugins.progress("choosing clustering")
    )
    chosen = ClusteringSettings(k1=fitted.k1, k2=fitted.k2, eps=fitted.eps, min_samples=fitted.min_samples)
    radius = min(chosen.eps + EPS_MARGIN, 1.0)
    graph = jaccard_graph(
        matrix, chosen.k1, chosen.k2, radius=radius, device=place, progress=plugins.progress("comparing images")
    )
    return Scene(matrix, individual, graph, chosen)


def _untrained(plugins: Plugins, settings: RunSettings, place: Any) -> tuple[np.ndarray, np.ndarray]:
    """Features of a data set's training images by its backbone, and who is on them."""
    from aas_plugin.data.images import ImageStore
    from aas_plugin.models.feature_cache import untrained_features
    from aas_plugin.runs.data import read_data
    from aas_plugin.runs.folder import shared_cache

    data = read_data(plugins, settings)
    images = ImageStore(data.catalogue.root, data.paths, settings.training.height, settings.training.width)
    images.check(plugins.progress("reading images"))
    choice = settings.backbone
    features = untrained_features(
        plugins.component("backbone", choice.name), choice.options, images, data.hashes, data.train, place,
        shared_cache(), seed=settings.seed, progress=plugins.progress("embedding"),
    )  # fmt: skip
    return features, data.identity[data.train]
