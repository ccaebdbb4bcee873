"""Options of ClusterContrast, with the official defaults."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ClusterContrastOptions(BaseModel):
    """Options of ClusterContrast, with the official defaults."""

    model_config = ConfigDict(extra="forbid")
    temperature: float = Field(0.05, gt=0)
    momentum: float = Field(0.1, ge=0, le=1, description="share of the old centroid kept in an update")
    hardest: bool = Field(False, description="update a centroid with the least similar image of a batch only")
