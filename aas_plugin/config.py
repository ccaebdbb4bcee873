"""Run settings: what there is to set, packaged defaults, and how files, flags and defaults are merged."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from aas_plugin.errors import AasError

if TYPE_CHECKING:
    from aas_plugin.plugins import Plugins
    from aas_plugin.registry import Kind


EPS_MARGIN = 0.1
"""How far beyond `clustering.eps` distances are kept, and so how much looser an adapter may cluster."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Choice(BaseModel):
    """Something chosen by name among what plugins offer, with options of its own beside the name."""

    model_config = ConfigDict(extra="allow", frozen=True)
    name: str

    @property
    def options(self) -> dict[str, Any]:
        """All but the name; validated by whoever is chosen."""
        return dict(self.model_extra or {})


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


Named = Annotated[Choice, BeforeValidator(_named)]


class ClusteringSettings(_Section):
    """k-reciprocal Jaccard distance and DBSCAN, for the method and for view A alike."""

    k1: int = Field(30, ge=1, description="neighbours in the k-reciprocal sets")
    k2: int = Field(6, ge=1, description="neighbours in the query expansion")
    eps: float = Field(0.6, gt=0, lt=1, description="DBSCAN radius on the Jaccard distance")
    min_samples: int = Field(4, ge=1, description="DBSCAN core size")


class ActiveSettings(_Section):
    """When, and how much, to ask."""

    every: int = Field(10, ge=1, description="epochs between two askings")
    cycles: int = Field(5, ge=0, description="number of askings")
    budget: float = Field(
        0.0002, ge=0, description="questions a cycle: below 1 a share of all pairs, from 1 on a number"
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
    iterations: int = Field(400, ge=1, description="batches an epoch")
    batch_size: int = Field(64, ge=2)
    instances: int = Field(4, ge=1, description="images of one individual in a batch")
    learning_rate: float = Field(3.5e-4, gt=0)
    weight_decay: float = Field(5e-4, ge=0)
    decay_every: int = Field(20, ge=1, description="epochs after which the learning rate falls to a tenth")
    height: int = Field(224, ge=32, le=4096, description="pixels")
    width: int = Field(224, ge=32, le=4096, description="pixels")
    flip: float = Field(0.5, ge=0, le=1, description="probability of mirroring")
    padding: int = Field(10, ge=0, description="pixels around, before a random crop")
    erasing: float = Field(0.5, ge=0, le=1, description="probability of erasing a rectangle")
    amp: bool = Field(True, description="mixed precision on a GPU; without effect on a CPU")


class EvaluationSettings(_Section):
    """The open-set protocol."""

    exemplars: int = Field(5, ge=1, description="gallery images of an individual at most")
    held_out: float = Field(0.2, ge=0, lt=1, description="share of training individuals not in the gallery")
    test_share: float = Field(0.3, gt=0, lt=1, description="test share of an individual's images, if not split")
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
    experiment: str = "aas"
    system_metrics: bool = True


class RunSettings(_Section):
    """All settings of a run."""

    adapter: Named = Choice(name="spcl")
    dataset: Named = Choice(name="coats")
    sampler: Named = Choice(name="aas")
    oracle: Named = Choice(name="labels")
    backbone: Named = Choice(name="resnet50")
    seed: int = Field(0, ge=0)
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    clustering: ClusteringSettings = ClusteringSettings()
    active: ActiveSettings = ActiveSettings()
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    tracking: TrackingSettings = TrackingSettings()

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


class DrivenSettings(_Section):
    """All settings of a run that drives a checkout; data, model and training are set by the script's own flags."""

    adapter: Named = Choice(name="spcl")
    codebase: CodebaseSettings
    sampler: Named = Choice(name="aas")
    oracle: Named = Choice(name="labels")
    seed: int = Field(0, ge=0, description="of the questions; the script has its own")
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="where neighbours are searched")
    active: ActiveSettings = ActiveSettings()
    tracking: TrackingSettings = TrackingSettings()


CHOICES: tuple[Kind, ...] = ("adapter", "dataset", "backbone", "sampler", "oracle")

CHOSEN = (*CHOICES, "reference")
"""Keys whose value is a `Choice`."""

Settings = TypeVar("Settings", RunSettings, DrivenSettings)


def resolve(plugins: Plugins, layers: Sequence[Mapping[str, Any]]) -> RunSettings:
    """Merge layers, weakest first, over the packaged defaults and those of what is chosen.

    Defaults that an offer brings are weaker than every layer of the user; a data set's are stronger than an
    adapter's, since they know the size of the task, and a backbone's are stronger still, since it may take images
    of one size only. Raises `AasError` that names the path of each wrong key.
    """
    user: dict[str, Any] = {}
    for layer in layers:
        user = merge(user, _with_names(layer))
    tree: dict[str, Any] = {kind: RunSettings.model_fields[kind].default.model_dump() for kind in CHOICES}
    for kind in ("adapter", "dataset", "backbone"):
        section = merge(tree, user)[kind]
        name = section.get("name") if isinstance(section, dict) else section
        if not isinstance(name, str):
            raise AasError(f"settings: {kind}: {name!r} is not a name")
        tree = merge(tree, _with_names(plugins.offer(kind, name).defaults))
    return _validated(plugins, RunSettings, merge(tree, user))


def resolve_driven(plugins: Plugins, layers: Sequence[Mapping[str, Any]]) -> DrivenSettings:
    """As `resolve`, for a run that drives a checkout.

    Sections that only a native run has, such as `training`, are left out of the first layer, which is that of
    params.yaml; they are wrong keys in the others.
    """
    first, *others = layers
    native = RunSettings.model_fields.keys() - DrivenSettings.model_fields.keys()
    user = _with_names({key: value for key, value in first.items() if key not in native})
    for layer in others:
        user = merge(user, _with_names(layer))
    return _validated(plugins, DrivenSettings, user)


def _validated(plugins: Plugins, model: type[Settings], tree: Mapping[str, Any]) -> Settings:
    """Validate settings, and complete what is chosen by name with the defaults of its options."""
    try:
        settings = model.model_validate(tree)
    except ValidationError as error:
        raise AasError(explain(error, model)) from None
    complete = settings.model_dump()
    for kind in CHOICES:
        choice = getattr(settings, kind, None)
        if choice is None or (kind == "adapter" and model is DrivenSettings):
            continue
        complete[kind] = _completed(plugins, kind, choice, kind)
    if isinstance(settings, RunSettings) and settings.evaluation.reference is not None:
        reference = _completed(plugins, "backbone", settings.evaluation.reference, "evaluation.reference")
        complete["evaluation"]["reference"] = reference
    return model.model_validate(complete)


def _completed(plugins: Plugins, kind: Kind, choice: Choice, path: str) -> dict[str, Any]:
    options = plugins.offer(kind, choice.name).options
    try:
        validated = options.model_validate(choice.options)
    except ValidationError as error:
        raise AasError(explain(error, options, prefix=path)) from None
    return {"name": choice.name, **validated.model_dump(mode="json")}


def read_params(path: Path) -> dict[str, Any]:
    """Read a YAML mapping of settings; raises `AasError` naming the file when it is none."""
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AasError(f"{path}: no such file; give --params a YAML file of settings") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise AasError(f"{path} cannot be read as YAML: {error}") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise AasError(f"{path} must hold settings by name, such as `seed: 1`, but holds a {type(tree).__name__}")
    return tree


def parse_set(assignment: str) -> dict[str, Any]:
    """Turn `key.path=value`, its value in YAML, into a nested mapping."""
    key, equals, text = assignment.partition("=")
    if not equals or not key.strip(".") or any(not part for part in key.split(".")):
        raise AasError(f"--set {assignment!r}: write key=value, such as training.epochs=20")
    try:
        value: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise AasError(f"--set {assignment!r}: the value is not YAML: {error}") from None
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)


def merge(weak: Mapping[str, Any], strong: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two nested mappings; a choice of another name drops the weaker choice's options."""
    merged = dict(weak)
    for key, value in strong.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            renamed = key in CHOSEN and "name" in value and value["name"] != old.get("name", value["name"])
            merged[key] = dict(value) if renamed else merge(old, value)
        else:
            merged[key] = value
    return merged


def explain(error: ValidationError, model: type[BaseModel], prefix: str = "") -> str:
    """Say in one sentence a wrong key what is wrong, with its path and the nearest key there is."""
    sentences = []
    for item in error.errors():
        parts = [str(part) for part in item["loc"]]
        path = ".".join([prefix, *parts] if prefix else parts)
        if item["type"] == "extra_forbidden":
            names = _fields(model, parts[:-1])
            near = difflib.get_close_matches(parts[-1], names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names) or 'none'}"
            sentences.append(f"settings: {path}: unknown key; {hint}")
        else:
            message = item["msg"].removeprefix("Value error, ")
            got = f" (got {item['input']!r})" if item["type"] != "value_error" else ""
            sentences.append(f"settings: {path + ': ' if path else ''}{message}{got}")
    return "\n".join(sentences)


def _fields(model: type[BaseModel], parts: Sequence[str]) -> list[str]:
    for part in parts:
        inner = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return sorted(model.model_fields)


def _with_names(layer: Mapping[str, Any]) -> dict[str, Any]:
    named = {key: _named(value) if key in CHOICES else value for key, value in layer.items()}
    evaluation = named.get("evaluation")
    if isinstance(evaluation, Mapping) and "reference" in evaluation:
        named["evaluation"] = {**evaluation, "reference": _named(evaluation["reference"])}
    return named
