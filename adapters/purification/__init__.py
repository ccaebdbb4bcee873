"""PurificationReID (Lan et al., TIP 2023): feature and label purification; its official script only."""

from __future__ import annotations

from aas_plugin.codebases.recipe import Recipe
from aas_plugin.hookspecs import hookimpl
from aas_plugin.plugins.registry import Registry

CODEBASE = Recipe(
    title="PurificationReID",
    repository="tengxiao14/Purification_ReID",
    script="examples/Purification_train_usl.py",
    trainer="Trainer",
    distances=3,
    first_epoch=-1,
    commits=("de659b8",),
)


@hookimpl
def aas_register(registry: Registry) -> None:
    """Register the recipe that drives its official script."""
    registry.register("codebase", "purification", lambda: CODEBASE)
