"""What this package itself offers by name. Whatever is heavy is imported when it is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aas_plugin.data.coats import CoatsOptions
from aas_plugin.data.sources import CsvOptions, FolderOptions, csv, folder
from aas_plugin.hookspecs import hookimpl
from aas_plugin.oracles.labels import LabelsOptions, LabelsOracle
from aas_plugin.registry import Registry
from aas_plugin.run import Progress

if TYPE_CHECKING:
    from aas_plugin.data.catalogue import Catalogue

COATS_DEFAULTS: dict[str, Any] = {
    "backbone": {"name": "efficientnet_lite0", "bn_neck": False},
    "training": {
        "epochs": 16,
        "iterations": 20,
        "batch_size": 32,
        "instances": 4,
        "height": 96,
        "width": 96,
        "padding": 4,
    },
    # An individual has nine photos to train on, not the dozens that the methods' own k1 = 30 expects.
    "clustering": {"k1": 12, "k2": 4, "eps": 0.55},
    "active": {"every": 4, "cycles": 4, "budget": 250},
}


@hookimpl
def aas_register(registry: Registry) -> None:
    """Offer the built-in samplers, oracle, data sources and backbones."""
    from aas_plugin.models.options import BackboneOptions
    from aas_plugin.sampling.aas import AasOptions
    from aas_plugin.sampling.samplers import aas_sampler, no_sampler, random_sampler

    registry.offer("sampler", "aas", aas_sampler, AasOptions)
    registry.offer("sampler", "random", random_sampler)
    registry.offer("sampler", "none", no_sampler)
    registry.offer("oracle", "labels", LabelsOracle, LabelsOptions)
    registry.offer("dataset", "folder", _folder, FolderOptions)
    registry.offer("dataset", "csv", _csv, CsvOptions)
    registry.offer("dataset", "coats", _coats, CoatsOptions, COATS_DEFAULTS)
    registry.offer("backbone", "resnet50", _resnet50, BackboneOptions)
    registry.offer("backbone", "efficientnet_lite0", _efficientnet_lite0, BackboneOptions)


def _folder(options: FolderOptions, progress: Progress) -> Catalogue:
    return folder(options)


def _csv(options: CsvOptions, progress: Progress) -> Catalogue:
    return csv(options)


def _coats(options: CoatsOptions, progress: Progress) -> Catalogue:
    from aas_plugin.data.coats import draw_coats

    drawn = draw_coats(options, progress)
    return csv(CsvOptions(path=drawn / "metadata.csv", title=f"coats-{options.level}"))


def _resnet50(options: Any) -> Any:
    from aas_plugin.models.backbones import resnet50

    return resnet50(options)


def _efficientnet_lite0(options: Any) -> Any:
    from aas_plugin.models.backbones import efficientnet_lite0

    return efficientnet_lite0(options)
