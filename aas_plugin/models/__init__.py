"""Backbones and heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from aas_plugin.models.backbones import Backbone
    from aas_plugin.plugins.registry import Component
    from aas_plugin.runs.run import NativeRun


def make_backbone(run: NativeRun, pool: nn.Module | None = None, *, to_train: bool = True) -> Backbone:
    """Build the backbone that the run's settings name, on its device, initialised from its seed.

    Args:
        run: names the backbone.
        pool: takes the place of its average pooling.
        to_train: whether it is going to be trained.

    Raises:
        AasError: it is to be trained and is frozen.
    """
    from aas_plugin.training.seeds import seeded_rng, torch_seed

    choice = run.settings.backbone
    component = run.registry.get("backbone", choice.name)
    if to_train:
        refuse_frozen(component)
    with torch_seed(seeded_rng(run.settings.seed, -1, "backbone")):
        model: Backbone = component.make(choice.options)
    if pool is not None:
        model.pool = pool
    return model.to(run.device)


def refuse_frozen(component: Component) -> None:
    """Raise `AasError` when a backbone that is to be trained is frozen."""
    from aas_plugin.errors import AasError

    if component.frozen:
        raise AasError(
            f"the backbone {component.name!r} is frozen, so there is nothing to train; measure it with "
            f"`aas evaluate --backbone {component.name}`, or train another with --set backbone=NAME"
        )
