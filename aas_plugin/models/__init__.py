"""Backbones and heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from aas_plugin.models.backbones import Backbone
    from aas_plugin.run import Run


def make_backbone(run: Run, pool: nn.Module | None = None) -> Backbone:
    """Build the backbone that the run's settings name, on its device, initialised from its seed.

    `pool` takes the place of its average pooling.
    """
    from aas_plugin.run import seeded_rng, torch_seed

    choice = run.settings.backbone
    offer = run.registry.get("backbone", choice.name)
    with torch_seed(seeded_rng(run.settings.seed, -1, "backbone")):
        model: Backbone = offer.factory(offer.options.model_validate(choice.options))
    if pool is not None:
        model.pool = pool
    return model.to(run.device)
