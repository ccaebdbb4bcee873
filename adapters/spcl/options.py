"""Options of SpCL, with the official defaults."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from aas_plugin.settings.models import EPS_MARGIN


class SpclOptions(BaseModel):
    """Options of SpCL, with the official defaults."""

    model_config = ConfigDict(extra="forbid")
    temperature: float = Field(0.05, gt=0)
    momentum: float = Field(0.2, ge=0, le=1, description="share of the old memory kept in an update")
    eps_gap: float = Field(
        0.02, ge=0, le=EPS_MARGIN, description="how much tighter and looser the other two clusterings are"
    )
    features: Literal["memory", "fresh"] = Field(
        "memory", description="what is clustered: the memory, or the training images embedded anew, which refill it"
    )
    noise: Literal["single", "negative", "ignored"] = Field(
        "single", description="un-clustered images are classes of one, only negatives of others, or left out"
    )
