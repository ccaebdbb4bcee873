"""What there is to set: every setting of a run, with its default, range and meaning."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from aas_plugin.plugins.registry import Kind
from aas_plugin.settings.presets import Preset

EPS_MARGIN = 0.1
"""How far beyond `clustering.eps` distances are kept, and so how much looser an adapter may cluster."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Choice(BaseModel):
    """Something chosen by name among what plugins register, with options of its own beside the name."""

    model_config = ConfigDict(extra="allow", frozen=True)
    name: str

    @property
    def options(self) -> dict[str, Any]:
        """All but the name; validated by whoever is chosen."""
        return dict(self.model_extra or {})


def named(value: Any) -> Any:
    """A bare name as a `Choice` is written, {"name": value}; `timm:MODEL` and `hf-hub:MODEL` are models of timm."""
    choice = {"name": value} if isinstance(value, str) else value
    if isinstance(choice, dict) and isinstance(name := choice.get("name"), str):
        source, colon, model = name.partition(":")
        if colon and source in ("timm", "hf-hub"):
            return {**choice, "name": "timm", "model": model if source == "timm" else name}
    return choice


Named = Annotated[Choice, BeforeValidator(named)]


class ClusteringSettings(_Section):
    """k-reciprocal Jaccard distance and DBSCAN, for the method and for view A alike."""

    k1: int = Field(30, ge=1, description="neighbours in the k-reciprocal sets")
    k2: int = Field(6, ge=1, description="neighbours in the query expansion")
    eps: float = Field(0.6, gt=0, lt=1, description="DBSCAN radius on the Jaccard distance")
    min_samples: int = Field(4, ge=1, description="DBSCAN core size")


Auto = Literal["auto"]


class FittingClustering(_Section):
    """`ClusteringSettings` of which some, or all, are chosen from the untrained features when a run begins."""

    k1: Annotated[int, Field(ge=1)] | Auto = Field("auto", description="neighbours in the k-reciprocal sets")
    k2: Annotated[int, Field(ge=1)] | Auto = Field("auto", description="neighbours in the query expansion")
    eps: Annotated[float, Field(gt=0, lt=1)] | Auto = Field("auto", description="DBSCAN radius on the Jaccard distance")
    min_samples: Annotated[int, Field(ge=1)] | Auto = Field("auto", description="DBSCAN core size")

    @property
    def given(self) -> dict[str, Any]:
        """The values that are numbers, by name."""
        return {name: value for name, value in self.model_dump().items() if value != "auto"}

    @property
    def is_fixed(self) -> bool:
        """Whether nothing is left to choose."""
        return len(self.given) == len(type(self).model_fields)


class ActiveSettings(_Section):
    """When, and how much, to ask."""

    every: int = Field(10, ge=1, description="epochs between two askings")
    cycles: int = Field(5, ge=0, description="number of askings")
    budget: float = Field(
        0.0002, ge=0, description="questions a cycle: below 1 a share of all pairs, from 1 on a number"
    )
    rounds: int = Field(
        5, ge=1, description="parts in which a cycle's budget is asked, each chosen after the answers to those before"
    )
    finch_partition: int = Field(0, ge=0, description="which FINCH partition is view B; 0 is the finest")
    # As given: a project that moved, or a scratch copy of it, finds its set by the same settings.
    constraints: Path | None = Field(None, description="constraint set whose answers a new `aas run` begins with")

    @model_validator(mode="after")
    def _whole_budget(self) -> ActiveSettings:
        if self.budget >= 1 and self.budget != int(self.budget):
            raise ValueError("budget must be a share below 1 or a whole number of questions")
        return self


class TrainingSettings(_Section):
    """The training loop that native methods share."""

    epochs: int = Field(50, ge=1)
    iterations: int | None = Field(None, ge=1, description="batches an epoch; without, what `passes` takes")
    passes: float = Field(2.0, gt=0, description="times that an epoch shows each training image, on average")
    batch_size: int = Field(64, ge=2)
    instances: int = Field(4, ge=1, description="images of one individual in a batch")
    learning_rate: float = Field(3.5e-4, gt=0)
    weight_decay: float = Field(5e-4, ge=0)
    decay_every: int | None = Field(
        None,
        ge=1,
        description="epochs after which the learning rate falls to a tenth; without, 2 of 5, officially 20 of 50",
    )
    height: int = Field(224, ge=32, le=4096, description="pixels")
    width: int = Field(224, ge=32, le=4096, description="pixels")
    flip: float = Field(0.5, ge=0, le=1, description="probability of mirroring")
    padding: int = Field(10, ge=0, description="pixels around, before a random crop")
    erasing: float = Field(0.0, ge=0, le=1, description="probability of erasing a rectangle")
    freeze: Literal["nothing", "batch_norm", "backbone"] = Field(
        "nothing",
        description="what training leaves as it is: batch_norm its statistics, backbone all but a linear head; that "
        "is trained on features of photos and their mirror images, so padding and erasing do not apply",
    )
    pair_loss: float = Field(0.5, ge=0, description="weight of a loss on answered pairs beside the method's; 0 is none")
    pairs: int = Field(4, ge=0, description="answered pairs that each batch carries for it")
    pair_temperature: float = Field(0.1, gt=0, description="divides differences of similarity in it")
    amp: bool = Field(True, description="mixed precision on a GPU; without effect on a CPU")

    @property
    def decays_after(self) -> int:
        """Epochs after which the learning rate falls to a tenth."""
        return self.decay_every or max(1, round(0.4 * self.epochs))

    def batches(self, images: int) -> int:
        """Batches an epoch of a number of training images."""
        return self.iterations or max(1, math.ceil(self.passes * images / self.batch_size))


class EvaluationSettings(_Section):
    """The open-set protocol."""

    exemplars: int = Field(5, ge=1, description="gallery images of an individual at most")
    held_out: float = Field(0.2, ge=0, lt=1, description="share of training individuals not in the gallery")
    seed: int = Field(
        0, ge=0, description="of split and protocol; another one than the run's, so that all its seeds are judged alike"
    )
    test_share: float = Field(
        0.3,
        ge=0,
        lt=1,
        description="test share of an individual's images, if not split; 0 trains on all, whatever their split",
    )
    ignore_same_camera: bool = Field(
        False, description="a query ignores gallery images of its individual from its camera (person Re-ID)"
    )
    protocol: Path | None = Field(
        None, description="file of `aas data split`; its split, queries and gallery are taken instead of chosen"
    )
    reference: Named | None = Field(
        None, description="backbone whose features choose the exemplars; without, the run's own before training"
    )


class TrackingSettings(_Section):
    """Where runs are logged."""

    mlflow: bool = True
    experiment: str | None = Field(
        None, min_length=1, description="in MLflow; without, the one that MLflow's environment names, or aas"
    )
    system_metrics: bool = True


Device = Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")]


class SharedSettings(_Section):
    """What there is to set for every run, whoever trains in it."""

    preset: Preset = Field(
        "default",
        description="paper: what the paper and the methods' official codes set, where our defaults are others",
    )
    adapter: Named = Choice(name="spcl")
    sampler: Named = Choice(name="aas")
    refiner: Named = Choice(name="np3")
    oracle: Named = Choice(name="labels")
    evidence: Named = Choice(name="none")
    seed: int = Field(0, ge=0)
    device: Device = "auto"
    active: ActiveSettings = ActiveSettings()
    tracking: TrackingSettings = TrackingSettings()


class RunSettings(SharedSettings):
    """All settings of a native run."""

    dataset: Named = Choice(name="coats")
    unreadable: Literal["stop", "leave_out"] = Field(
        "stop", description="what photos that cannot be read do: stop the run, or be left out of it, with a list"
    )
    backbone: Named = Choice(name="resnet50")
    clustering: FittingClustering = FittingClustering()
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()

    @model_validator(mode="after")
    def _batches(self) -> RunSettings:
        training = self.training
        if training.batch_size % training.instances:
            raise ValueError(
                f"training.batch_size ({training.batch_size}) must be a multiple of "
                f"training.instances ({training.instances})"
            )
        return self


class CodebaseSettings(_Section):
    """An existing checkout that trains instead of a native method."""

    path: Path = Field(description="the checkout's folder")
    arguments: tuple[str, ...] = Field((), description="the script's own flags")
    flags: dict[str, Any] = Field({}, description="what the script made of them; filled in at its start")
    commit: str | None = Field(None, description="filled in at its start")
    fast_jaccard: bool = Field(False, description="our sparse distance in place of the script's dense one")


class DrivenSettings(SharedSettings):
    """All settings of a run that drives a checkout; data, model and training are set by the script's own flags."""

    codebase: CodebaseSettings
    seed: int = Field(0, ge=0, description="of the questions; the script has its own")
    device: Device = Field("auto", description="where neighbours are searched")


CHOICES: tuple[Kind, ...] = ("adapter", "dataset", "backbone", "sampler", "refiner", "evidence", "oracle")

CHOSEN = (*CHOICES, "reference")
"""Keys whose value is a `Choice`."""
