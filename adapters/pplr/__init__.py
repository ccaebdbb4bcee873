"""PPLR (Cho et al., CVPR 2022): pseudo-labels refined by the agreement of part features with the whole."""

from __future__ import annotations

from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field

from aas_plugin.codebases.row import Codebase
from aas_plugin.hookspecs import hookimpl
from aas_plugin.registry import Registry

# Animals are square: about the pixels of the official 384 x 128, on 15 rows of features, so three stripes of five.
DEFAULTS = {"training": {"height": 240, "width": 240}, "clustering": {"eps": 0.5}}

CODEBASE = Codebase(
    title="PPLR",
    repository="yoonkicho/PPLR",
    script="examples/train_pplr.py",
    trainer="PPLRTrainer",
    checkpoint="best.pth",
    commits=("5337193",),
)
WITH_CAMERAS = replace(
    CODEBASE, title="PPLR with cameras", script="examples/train_pplr_cam.py", trainer="PPLRTrainerCAM"
)


class PplrOptions(BaseModel):
    """Options of PPLR, with the official defaults."""

    model_config = ConfigDict(extra="forbid")
    parts: int = Field(3, ge=1, description="horizontal stripes of an image")
    agreement_k: int = Field(20, ge=1, description="neighbours whose lists are compared for the cross agreement")
    beta: float = Field(0.5, ge=0, le=1, description="weight of the pseudo-label beside what the parts predict")
    smooth_from: int = Field(5, ge=0, description="first epoch with agreement-aware smoothing of the parts' labels")
    smoothing: float = Field(0.1, ge=0, lt=1, description="label smoothing of the parts before that epoch")


def _make(options: PplrOptions) -> object:
    from .adapter import Pplr

    return Pplr(options)


@hookimpl
def aas_register(registry: Registry) -> None:
    """Offer the adapter `pplr`, and the rows that drive its official scripts."""
    registry.offer("adapter", "pplr", _make, PplrOptions, DEFAULTS)
    registry.offer("codebase", "pplr", lambda: CODEBASE)
    registry.offer("codebase", "pplr-cam", lambda: WITH_CAMERAS)
