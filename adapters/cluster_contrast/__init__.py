"""ClusterContrast (Dai et al., ACCV 2022): one memory row a cluster."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from aas_plugin.codebases.row import Codebase
from aas_plugin.hookspecs import hookimpl
from aas_plugin.registry import Registry

DEFAULTS = {"training": {"batch_size": 256, "instances": 16, "iterations": 200}}

CODEBASE = Codebase(
    title="ClusterContrast",
    repository="alibaba/cluster-contrast-reid",
    script="examples/cluster_contrast_train_usl.py",
    trainer="ClusterContrastTrainer",
    commits=("57b62e9",),
)


class ClusterContrastOptions(BaseModel):
    """Options of ClusterContrast, with the official defaults."""

    model_config = ConfigDict(extra="forbid")
    temperature: float = Field(0.05, gt=0)
    momentum: float = Field(0.1, ge=0, le=1, description="share of the old centroid kept in an update")
    hardest: bool = Field(False, description="update a centroid with the least similar image of a batch only")


def _make(options: ClusterContrastOptions) -> object:
    from .adapter import ClusterContrast

    return ClusterContrast(options)


@hookimpl
def aas_register(registry: Registry) -> None:
    """Offer the adapter `cluster-contrast`, and the row that drives its official script."""
    registry.offer("adapter", "cluster-contrast", _make, ClusterContrastOptions, DEFAULTS)
    registry.offer("codebase", "cluster-contrast", lambda: CODEBASE)
