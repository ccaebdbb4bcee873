"""Options of SpCL: its official ones, and ours, which the preset `paper` takes back."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from aas_plugin.settings.models import EPS_MARGIN


class SpclOptions(BaseModel):
    """Options of SpCL: its official ones, and ours, which the preset `paper` takes back."""

    model_config = ConfigDict(extra="forbid")
    temperature: float = Field(0.05, gt=0)
    momentum: float = Field(0.2, ge=0, le=1, description="share of the old memory kept in an update")
    eps_gap: float = Field(
        0.0,
        ge=0,
        le=EPS_MARGIN,
        description="how much tighter and looser the clusterings are that filter unreliable images; official: 0.02",
    )
    features: Literal["memory", "fresh"] = Field(
        "fresh",
        description="what is clustered: the training images embedded anew, which refill the memory; official: memory",
    )
    noise: Literal["single", "ignored"] = Field(
        "ignored", description="un-clustered images are classes of one (official: single), or left out"
    )
