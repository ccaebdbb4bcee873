"""ICE (Chen et al., ICCV 2021): inter-instance contrastive encoding; its official script only."""

from __future__ import annotations

from aas_plugin.codebases.recipe import Recipe
from aas_plugin.hookspecs import hookimpl
from aas_plugin.plugins.registry import Registry

CODEBASE = Recipe(
    title="ICE",
    repository="chenhao2345/ICE",
    script="examples/unsupervised_train.py",
    trainer="ImageTrainer",
    order="native",
    commits=("a206eb9",),
)


@hookimpl
def aas_register(registry: Registry) -> None:
    """Register the recipe that drives its official script."""
    registry.register("codebase", "ice", lambda: CODEBASE)
