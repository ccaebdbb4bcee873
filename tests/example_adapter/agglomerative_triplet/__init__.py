"""A base method of one's own: agglomerative clustering and batch-hard triplets."""

from pydantic import BaseModel, ConfigDict, Field

from aas_plugin import hookimpl


class Options(BaseModel):
    """What `--set adapter.NAME=VALUE` and params.yaml can change."""

    model_config = ConfigDict(extra="forbid")
    threshold: float = Field(0.3, gt=0, lt=2, description="largest mean cosine distance between merged clusters")
    margin: float = Field(0.3, ge=0)


def make(options):
    """Make the method; torch is imported here, not when `aas` starts."""
    from .method import AgglomerativeTriplet

    return AgglomerativeTriplet(options)


@hookimpl
def aas_register(registry):
    """Register the method, with the run settings that suit it."""
    defaults = {"training": {"batch_size": 128, "instances": 8}}
    registry.register("adapter", "agglomerative-triplet", make, Options, defaults)
