"""What this package itself registers by name. Whatever is heavy is imported when it is chosen."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from aas_plugin.data.camtrap_source import CamtrapOptions, camtrap_dp
from aas_plugin.data.coats import CoatsOptions
from aas_plugin.data.coco_cameras import CocoOptions, coco_cameras
from aas_plugin.data.megadetector import MegaDetectorOptions, megadetector
from aas_plugin.data.person import PersonOptions, person
from aas_plugin.data.sources import CsvOptions, FolderOptions, csv, folder
from aas_plugin.data.timelapse import TimelapseOptions, timelapse
from aas_plugin.data.wildlife import WildlifeOptions, wildlife
from aas_plugin.hookspecs import hookimpl
from aas_plugin.oracles.labels import LabelsOptions, LabelsOracle
from aas_plugin.oracles.people import PeopleOptions, PeopleOracle
from aas_plugin.plugins.registry import Progress, Registry
from aas_plugin.settings.labelling import LABEL, LABELLING, LabellingOptions

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
    "clustering": {"k1": 12, "k2": 4, "eps": 0.55, "min_samples": 4},
    "active": {"every": 4, "cycles": 4, "budget": 250},
}

PERSON_DEFAULTS: dict[str, Any] = {
    "training": {"height": 256, "width": 128},
    "evaluation": {"ignore_same_camera": True},
}


FROZEN = {"megadescriptor-l-384": 384, "megadescriptor-t-224": 224, "miewid": 440}
"""Frozen backbones, and the height and width in pixels that each takes."""


@hookimpl
def aas_register(registry: Registry) -> None:
    """Register the built-in samplers, refiners, oracles, data sources and backbones."""
    from aas_plugin.cal.plugin import register_cal
    from aas_plugin.constraints.refiners import register_refiners
    from aas_plugin.local.plugin import register_evidence
    from aas_plugin.models.options import BackboneOptions, FoundationOptions, TimmOptions
    from aas_plugin.sampling.samplers import register_samplers

    register_samplers(registry)
    register_refiners(registry)
    register_cal(registry)
    register_evidence(registry)
    registry.register("oracle", "labels", LabelsOracle, LabelsOptions)
    registry.register("oracle", "people", PeopleOracle, PeopleOptions)
    registry.register("dataset", "folder", _folder, FolderOptions)
    registry.register("dataset", "csv", _csv, CsvOptions)
    registry.register("dataset", "camtrap-dp", camtrap_dp, CamtrapOptions)
    registry.register("dataset", "megadetector", megadetector, MegaDetectorOptions)
    registry.register("dataset", "coco-cameras", coco_cameras, CocoOptions)
    registry.register("dataset", "timelapse", _timelapse, TimelapseOptions)
    registry.register("dataset", "coats", _coats, CoatsOptions, COATS_DEFAULTS)
    registry.register("dataset", "wildlife10k", _wildlife10k, WildlifeOptions)
    registry.register("dataset", "market1501", _market1501, PersonOptions, PERSON_DEFAULTS)
    registry.register("dataset", "personx", _personx, PersonOptions, PERSON_DEFAULTS)
    registry.register("backbone", "resnet50", _resnet50, BackboneOptions)
    registry.register("backbone", "efficientnet_lite0", _efficientnet_lite0, BackboneOptions)
    registry.register("backbone", "timm", _timm, TimmOptions)
    for name, size in FROZEN.items():
        square = {"training": {"height": size, "width": size}}
        registry.register("backbone", name, partial(_frozen, name), FoundationOptions, square, frozen=True)
    registry.register("adapter", "zero-shot", _zero_shot)
    registry.register("adapter", LABEL, _label, LabellingOptions, LABELLING)


def _folder(options: FolderOptions, progress: Progress) -> Catalogue:
    return folder(options)


def _csv(options: CsvOptions, progress: Progress) -> Catalogue:
    return csv(options)


def _timelapse(options: TimelapseOptions, progress: Progress) -> Catalogue:
    return timelapse(options)


def _coats(options: CoatsOptions, progress: Progress) -> Catalogue:
    from aas_plugin.data.coats import draw_coats

    drawn = draw_coats(options, progress)
    return csv(CsvOptions(path=drawn / "metadata.csv", title=f"coats-{options.level}"))


def _wildlife10k(options: WildlifeOptions, progress: Progress) -> Catalogue:
    return wildlife(options)


def _market1501(options: PersonOptions, progress: Progress) -> Catalogue:
    return person(options, "market1501")


def _personx(options: PersonOptions, progress: Progress) -> Catalogue:
    return person(options, "personx")


def _resnet50(options: Any) -> Any:
    from aas_plugin.models.backbones import resnet50

    return resnet50(options)


def _efficientnet_lite0(options: Any) -> Any:
    from aas_plugin.models.backbones import efficientnet_lite0

    return efficientnet_lite0(options)


def _timm(options: Any) -> Any:
    from aas_plugin.models.timm_backbone import timm_backbone

    return timm_backbone(options)


def _frozen(name: str, options: Any) -> Any:
    from aas_plugin.models.foundation import FOUNDATIONS, foundation

    return foundation(FOUNDATIONS[name], options)


def _zero_shot(options: Any) -> Any:
    from aas_plugin.models.zero_shot import ZeroShot

    return ZeroShot()


def _label(options: Any) -> Any:
    from aas_plugin.runs.labelling import Labelling

    return Labelling(options)
