"""SpCL (Ge et al., NeurIPS 2020): self-paced contrastive learning with a hybrid memory."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from aas_plugin.codebases.row import Codebase
from aas_plugin.config import EPS_MARGIN
from aas_plugin.hookspecs import hookimpl
from aas_plugin.registry import Registry

CODEBASE = Codebase(
    title="SpCL",
    repository="yxgeee/SpCL",
    script="examples/spcl_train_usl.py",
    trainer="SpCLTrainer_USL",
    clusterings=("main", "tight", "loose"),
    # Its filter lets unreliable images go after they are clustered, which breaks must-links.
    labels="memory.labels",
    commits=("01a486e",),
)


class SpclOptions(BaseModel):
    """Options of SpCL, with the official defaults."""

    model_config = ConfigDict(extra="forbid")
    temperature: float = Field(0.05, gt=0)
    momentum: float = Field(0.2, ge=0, le=1, description="share of the old memory kept in an update")
    eps_gap: float = Field(
        0.02, ge=0, le=EPS_MARGIN, description="how much tighter and looser the other two clusterings are"
    )


def _make(options: SpclOptions) -> object:
    from .adapter import Spcl

    return Spcl(options)


@hookimpl
def aas_register(registry: Registry) -> None:
    """Offer the adapter `spcl`, and the row that drives its official script."""
    registry.offer("adapter", "spcl", _make, SpclOptions)
    registry.offer("codebase", "spcl", lambda: CODEBASE)
