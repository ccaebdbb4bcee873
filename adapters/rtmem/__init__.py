"""RTMem (Yin et al., TIP 2023): real-time memory updating; its official script only."""

from __future__ import annotations

from aas_plugin.codebases.recipe import Recipe
from aas_plugin.hookspecs import hookimpl
from aas_plugin.plugins.registry import Registry

CODEBASE = Recipe(
    title="RTMem",
    repository="PRIS-CV/RTMem",
    script="examples/RTMem_train_usl.py",
    trainer="ClusterContrastTrainer",
    commits=("c0220e1",),
)


@hookimpl
def aas_register(registry: Registry) -> None:
    """Register the recipe that drives its official script."""
    registry.register("codebase", "rtmem", lambda: CODEBASE)
