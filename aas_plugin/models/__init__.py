"""Backbones and heads."""

from __future__ import annotations

import shlex
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
        pool: takes the place of its average pooling, where it is trained and has feature maps to pool.
        to_train: whether it is going to be trained, or a head on it.

    Raises:
        AasError: it is to be trained and is frozen, or takes images of another size than the run's.
    """
    from aas_plugin.training.seeds import seeded_rng, torch_seed

    choice, training = run.settings.backbone, run.settings.training
    component = run.registry.get("backbone", choice.name)
    if to_train:
        refuse_frozen(component, training.freeze)
    with torch_seed(seeded_rng(run.settings.seed, -1, "backbone")):
        model: Backbone = component.make(choice.options)
    is_trained = to_train and training.freeze != "backbone"
    if is_trained and model.image_size not in (None, (training.height, training.width)):
        _refuse_size(choice.name, model, training.height, training.width)
    if pool is not None and is_trained and model.has_maps:
        model.pool = pool
    return model.to(run.device)


def refuse_frozen(component: Component, freeze: str) -> None:
    """Raise `AasError` when a frozen backbone is to be trained, and not a head on it.

    Args:
        component: the backbone.
        freeze: what training leaves as it is, `training.freeze` of the settings.
    """
    from aas_plugin.errors import AasError

    if component.frozen and freeze != "backbone":
        raise AasError(
            f"the backbone {component.name!r} is frozen, so there is nothing to train; train a head on it with "
            f"--set training.freeze=backbone, measure it with `aas evaluate --backbone {shlex.quote(component.name)}`, "
            "or train another with --set backbone=NAME"
        )


def _refuse_size(name: str, model: Backbone, height: int, width: int) -> None:
    from aas_plugin.errors import AasError

    tall, wide = model.image_size or (height, width)
    raise AasError(
        f"the backbone {name!r} takes images of {tall} x {wide} pixels only, and training.height and training.width "
        f"are {height} and {width}; add --set training.height={tall} --set training.width={wide}, or train a head on "
        "it with --set training.freeze=backbone"
    )
