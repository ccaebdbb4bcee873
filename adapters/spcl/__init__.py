"""SpCL (Ge et al., NeurIPS 2020): self-paced contrastive learning with a hybrid memory."""

from __future__ import annotations

from aas_plugin.codebases.recipe import Recipe
from aas_plugin.hookspecs import hookimpl
from aas_plugin.plugins.registry import Registry

from .options import SpclOptions

PAPER = {"adapter": {"features": "memory", "noise": "single", "eps_gap": 0.02}}

CODEBASE = Recipe(
    title="SpCL",
    repository="yxgeee/SpCL",
    script="examples/spcl_train_usl.py",
    trainer="SpCLTrainer_USL",
    clusterings=("main", "tight", "loose"),
    # Its filter takes unreliable images out of clusters after the step, which breaks must-links.
    labels="memory.labels",
    commits=("01a486e",),
)


def _make(options: SpclOptions) -> object:
    from .adapter import Spcl

    return Spcl(options)


@hookimpl
def aas_register(registry: Registry) -> None:
    """Register the adapter `spcl`, and the recipe that drives its official script."""
    registry.register("adapter", "spcl", _make, SpclOptions, paper=PAPER)
    registry.register("codebase", "spcl", lambda: CODEBASE)
