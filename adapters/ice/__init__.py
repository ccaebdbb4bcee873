"""ICE (Chen et al., ICCV 2021): inter-instance contrastive encoding; its official script only."""

from __future__ import annotations

from aas_plugin.codebases.row import Codebase
from aas_plugin.hookspecs import hookimpl
from aas_plugin.registry import Registry

CODEBASE = Codebase(
    title="ICE",
    repository="chenhao2345/ICE",
    script="examples/unsupervised_train.py",
    trainer="ImageTrainer",
    order="native",
    commits=("a206eb9",),
)


@hookimpl
def aas_register(registry: Registry) -> None:
    """Offer the row that drives its official script."""
    registry.offer("codebase", "ice", lambda: CODEBASE)
