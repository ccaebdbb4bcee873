"""ClusterContrast (Dai et al., ACCV 2022): one memory row a cluster."""

from __future__ import annotations

from aas_plugin.codebases.recipe import Recipe
from aas_plugin.hookspecs import hookimpl
from aas_plugin.plugins.registry import Registry

from .options import ClusterContrastOptions

# On small sets the statistics of a batch are far from those that features are clustered with.
DEFAULTS = {"training": {"batch_size": 256, "instances": 16, "passes": 4, "freeze": "batch_norm"}}
PAPER = {"training": {"iterations": 200}}

CODEBASE = Recipe(
    title="ClusterContrast",
    repository="alibaba/cluster-contrast-reid",
    script="examples/cluster_contrast_train_usl.py",
    trainer="ClusterContrastTrainer",
    commits=("57b62e9",),
)


def _make(options: ClusterContrastOptions) -> object:
    from .adapter import ClusterContrast

    return ClusterContrast(options)


@hookimpl
def aas_register(registry: Registry) -> None:
    """Register the adapter `cluster-contrast`, and the recipe that drives its official script."""
    registry.register("adapter", "cluster-contrast", _make, ClusterContrastOptions, DEFAULTS, paper=PAPER)
    registry.register("codebase", "cluster-contrast", lambda: CODEBASE)
