"""Options of PPLR, with the official defaults."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class PplrOptions(BaseModel):
    """Options of PPLR, with the official defaults."""

    model_config = ConfigDict(extra="forbid")
    parts: int = Field(3, ge=1, description="horizontal stripes of an image")
    agreement_k: int = Field(20, ge=1, description="neighbours whose lists are compared for the cross agreement")
    beta: float = Field(0.5, ge=0, le=1, description="weight of the pseudo-label beside what the parts predict")
    smooth_from: int = Field(5, ge=0, description="first epoch with agreement-aware smoothing of the parts' labels")
    smoothing: float = Field(0.1, ge=0, lt=1, description="label smoothing of the parts before that epoch")
