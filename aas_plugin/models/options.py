"""Options of the built-in backbones, apart from them so that reading settings does not load torch."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class BackboneOptions(BaseModel):
    """Options of the built-in backbones."""

    model_config = ConfigDict(extra="forbid")
    pretrained: bool = True
    bn_neck: bool = True


class TimmOptions(BackboneOptions):
    """Options of a model of timm."""

    model: str = Field(description="timm's name, such as resnet50.a1_in1k, hf-hub:OWNER/NAME or local-dir:FOLDER")
    weights: Path | None = Field(None, description="checkpoint on disk; without, the model's own weights")
    image_size: int | None = Field(
        None, ge=16, description="height and width in pixels of a model that takes one size; without, its own"
    )


class FoundationOptions(BaseModel):
    """Options of the frozen backbones: a file of weights in the place of the hub's, and the normalisation."""

    model_config = ConfigDict(extra="forbid")
    weights: Path | None = Field(None, description="checkpoint on disk; without, the Hugging Face hub's")
    normalisation: Literal["imagenet", "half"] = Field(
        "imagenet", description="mean and deviation of ImageNet, or 0.5 and 0.5 for all colours"
    )
