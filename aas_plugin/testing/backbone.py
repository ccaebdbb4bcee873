"""A backbone of two convolutions, for tests: it shows what a method does in a tenth of a real backbone's time.

A plugin module like any: `aas run -p aas_plugin.testing.backbone --set backbone=tiny` trains it.
"""

from __future__ import annotations

import torch
from torch import nn

from aas_plugin.hookspecs import hookimpl
from aas_plugin.models.backbones import Backbone
from aas_plugin.models.options import BackboneOptions
from aas_plugin.plugins.registry import Registry

FEATURES = 64


def tiny(options: BackboneOptions) -> Backbone:
    """Two convolutions, each with batch normalisation, under the pooling and the neck that all backbones have.

    Untrained, whatever `options.pretrained` says, and drawn from torch's generator, which a run seeds.

    Args:
        options: those of the built-in backbones.

    Returns:
        A backbone whose maps have an eighth of an image's height and width, and 64 channels.
    """
    body = nn.Sequential(
        nn.Conv2d(3, 16, 5, stride=4, padding=2, bias=False),
        nn.BatchNorm2d(16, momentum=None),
        nn.ReLU(),
        nn.Conv2d(16, FEATURES, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(FEATURES, momentum=None),
    )
    # Statistics of noise remove what all images share, so that untrained features point in all directions.
    with torch.inference_mode():
        body(torch.randn(16, 3, 48, 48))
    for layer in body:
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 0.1
    return Backbone(body, FEATURES, options.bn_neck)


@hookimpl
def aas_register(registry: Registry) -> None:
    """Register the backbone `tiny`."""
    registry.register("backbone", "tiny", tiny, BackboneOptions)
