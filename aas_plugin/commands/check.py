"""`aas data check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aas_plugin.commands.common import DeviceName, Modules, Params, Sets, flag_layers, given_settings, loaded

if TYPE_CHECKING:
    from rich.console import Console

    from aas_plugin.plugins.manager import Plugins
    from aas_plugin.runs.data import RunData
    from aas_plugin.settings.models import RunSettings

NEIGHBOURS = 31


def check(
    dataset: Annotated[str | None, typer.Argument(help="Data set by name, or a folder, or a CSV file.")] = None,
    params: Params = None,
    sets: Sets = None,
    device: DeviceName = None,
    plugin: Modules = None,
    as_json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the numbers as JSON.")] = None,
) -> None:
    """Say before any question what a data set promises: copies, neighbours, flanks, clusters, and what to do."""
    from rich.console import Console

    console = Console(highlight=False)
    with console.status("loading"):
        import numpy as np
        import torch  # noqa: F401 - here, where it is seen that something happens

        from aas_plugin.clustering.knn import nearest
        from aas_plugin.data.images import ImageStore
        from aas_plugin.evaluation.data_check import check_data
        from aas_plugin.evaluation.pair_quality import evidence_in_words, pair_quality
        from aas_plugin.files import write_json
        from aas_plugin.models.feature_cache import untrained_features
        from aas_plugin.runs.data import read_data
        from aas_plugin.runs.device import choose_device
        from aas_plugin.runs.folder import shared_cache
        from aas_plugin.settings.resolving import resolve
        from aas_plugin.tracking.terminal import Terminal

    plugins = loaded(plugin)
    terminal = Terminal(console)
    plugins.load("terminal", terminal, "built in")
    layers = given_settings(params, dataset, sets)
    layers += flag_layers(None, None, None, device, None)
    settings = resolve(plugins, layers)
    without_weights = _lacks_weights(settings)
    if without_weights:
        settings = resolve(plugins, [*layers, {"backbone": {"name": "efficientnet_lite0"}}])
    place = choose_device(settings.device)
    try:
        data = read_data(plugins, settings)
        images = ImageStore(data.catalogue.root, data.paths, settings.training.height, settings.training.width)
        unreadable = images.unreadable(plugins.progress("reading images"))
        rows = np.setdiff1d(np.arange(len(data.paths)), list(unreadable))
        choice = settings.backbone
        features = untrained_features(
            plugins.component("backbone", choice.name), choice.options, images, data.hashes, rows, place,
            shared_cache(), seed=settings.seed, progress=plugins.progress("embedding"),
        )  # fmt: skip
        sources = _evidence(plugins, settings, data, rows)
        orientation = data.catalogue.table["orientation"].astype(object)
        with console.status("comparing"):
            result: dict[str, Any] = {
                "dataset": data.catalogue.name,
                "backbone": settings.backbone.name,
                "unreadable": {data.paths[row]: reason for row, reason in unreadable.items()},
                **check_data(
                    features,
                    [data.hashes[row] for row in rows],
                    data.identity[rows],
                    orientation.where(orientation.notna(), None).to_numpy(dtype=object)[rows],
                    settings.clustering.given,
                    np.flatnonzero(np.isin(rows, data.train)),
                    settings.seed,
                ),
            }
            if sources:
                near = nearest(features, min(NEIGHBOURS, len(features))).ranks
                result["evidence"] = pair_quality(features, sources, near, data.identity[rows], settings.seed)
                result["advice"] += evidence_in_words(result["evidence"], settings.evidence.name)
    finally:
        terminal.close()
    _show(console, result, settings, without_weights)
    if as_json is not None:
        write_json(as_json, result)


def _evidence(plugins: Plugins, settings: RunSettings, data: RunData, rows: Any) -> Any:
    """Evidence about pairs of catalogue rows beside the features, where some is chosen."""
    from aas_plugin.active.questions import call_with_needed
    from aas_plugin.data.photo_list import photos_of
    from aas_plugin.fusion.sources import sources_if_any
    from aas_plugin.runs.folder import lasting_cache

    choice = settings.evidence
    plugin = plugins.component("evidence", choice.name).make(choice.options)
    if choice.name == "none":
        return []
    photos = photos_of(data.catalogue, rows, data.hashes)
    given = {"photos": photos, "cache": lasting_cache(), "progress": plugins.progress}
    return sources_if_any(lambda: call_with_needed(plugin.aas_pair_scores, **given), len(photos))


def _lacks_weights(settings: RunSettings) -> bool:
    """Whether the backbone is a pretrained ResNet-50 whose weights are not on this machine yet."""
    if settings.backbone.name != "resnet50" or not settings.backbone.options.get("pretrained", True):
        return False
    import torch
    from torchvision.models import ResNet50_Weights

    file = ResNet50_Weights.IMAGENET1K_V1.url.rpartition("/")[2]
    return not (Path(torch.hub.get_dir()) / "checkpoints" / file).exists()


def _show(console: Console, result: dict[str, Any], settings: RunSettings, without_weights: bool) -> None:
    """Print what was measured, a line each, and the verdict."""

    def say(title: str, text: str) -> None:
        console.print(f"{title:<12}{text}", soft_wrap=True, markup=False)

    say("data", f"{result['dataset']}: {_number(result['images'], 'photo')}, {_individuals(result)}")
    size = f"{settings.training.height} x {settings.training.width} pixels"
    why = " (the weights of resnet50, with which a run begins, are not on this machine)" if without_weights else ""
    say("features", f"{result['backbone']}, untrained on these photos, {size}{why}")
    if result["unreadable"]:
        say("unreadable", f"{_number(len(result['unreadable']), 'photo')}; a run refuses them, restore or remove them:")
        for path, reason in list(result["unreadable"].items())[:10]:
            say("", f"{path}: {reason}")
        if len(result["unreadable"]) > 10:
            say("", f"and {len(result['unreadable']) - 10} more (--json FILE lists all)")
    say(
        "copies",
        f"{result['exact_duplicates']} exact, {result['near_duplicates']} near (bursts, the same photo saved anew)",
    )
    pure, sides, clustering = result["purity"], result["flanks"], result["clustering"]
    if pure is not None:
        say("neighbours", f"the nearest photo is of the same individual: {_beside(pure, 'top1')} by chance")
        say("", f"of as many nearest photos as it has others: {_beside(pure, 'at_k')} by chance")
    elif result["individuals"]:
        say("neighbours", "no individual has two photos that differ, so nothing can be said of neighbours")
    if sides is not None:
        only = (
            f"{sides['one_only']} of {sides['individuals']} individuals from one only, " if sides["individuals"] else ""
        )
        say(
            "flanks",
            f"{', '.join(sides['names'])}: {only}the nearest photo shows the same one: {sides['neighbours']:.0%}, "
            f"{sides['neighbours_chance']:.0%} by chance",
        )
        if sides["alone"] is not None:
            say(
                "",
                f"within one flank the nearest is of the same individual: {_beside(sides['alone'], 'top1')} by chance",
            )
    for number, (name, found) in enumerate(result.get("evidence", {}).items()):
        text = f"{name}: mAP {found['mAP']:.3f}, the first is of the same individual {found['top1']:.0%}"
        say("" if number else "evidence", text)
    if clustering is not None:
        say(
            "clustering",
            f"clustering.k1={clustering['k1']} k2={clustering['k2']} eps={clustering['eps']:g} "
            f"min_samples={clustering['min_samples']}: {_number(clustering['clusters'], 'cluster')} with "
            f"{clustering['clustered']:.0%} of the photos that are trained on, the largest with "
            f"{clustering['largest']:.0%}",
        )
        if clustering["stability"] is not None:
            say("", f"agreement with the clusters at the next radii: {clustering['stability']:.2f} of 1 (ARI)")
    console.print(f"\n[bold]{result['verdict']}[/bold]  ", end="")
    console.print(result["advice"], soft_wrap=True, markup=False)


def _individuals(result: dict[str, Any]) -> str:
    if not result["individuals"]:
        return "no individual is known"
    unknown = result["images"] - result["identified"]
    return (
        f"{_number(result['individuals'], 'individual')} with a median of {result['photos_median']:g} photos, "
        f"{result['photos_largest']} at most, {result['singletons']} with one only"
        + (f"; of {_number(unknown, 'photo')} the individual is not known" if unknown else "")
    )


def _beside(values: dict[str, Any], name: str) -> str:
    return f"{values[name]:.0%}, {values[f'{name}_chance']:.0%}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
