"""Options of the built-in backbones, apart from them so that reading settings does not load torch."""

from pydantic import BaseModel, ConfigDict


class BackboneOptions(BaseModel):
    """Options of the built-in backbones."""

    model_config = ConfigDict(extra="forbid")
    pretrained: bool = True
    bn_neck: bool = True
