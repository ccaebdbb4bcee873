"""What `aas label` sets: batches of questions about a backbone as it is, on all photos, until somebody ends it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from aas_plugin.errors import AasError
from aas_plugin.individuals.targets import parse_targets

LABEL = "label"
"""Name of the adapter."""

BATCH = 20
"""Questions a batch: about a minute of a person."""

AUDIT = 0.15
"""Share of the questions that are drawn at random: what is said of wrong names and of numbers rests on these."""

MOST = 2000
"""Batches at most."""

LABELLING: dict[str, Any] = {
    "sampler": {"name": "cal", "audit": AUDIT},
    "refiner": "cal",
    "oracle": "people",
    # Light enough for one core, and its weights are installed with this package.
    "backbone": "efficientnet_lite0",
    "active": {"every": 1, "cycles": MOST, "rounds": 1, "budget": BATCH},
    "training": {"epochs": MOST},
    "evaluation": {"test_share": 0.0},
}
"""Settings of a run with the adapter `label`."""


class LabellingOptions(BaseModel):
    """Options of the adapter `label`."""

    model_config = ConfigDict(extra="forbid")
    until: str | None = Field(
        None, description='when it is done, such as "wrong merges <= 1"; without, when people say so or all is asked'
    )

    @field_validator("until")
    @classmethod
    def _readable(cls, until: str | None) -> str | None:
        try:
            return None if until is None else " and ".join(map(str, parse_targets(until)))
        except AasError as error:
            raise ValueError(str(error)) from None
