"""From layers of settings to one: packaged defaults, those of what is chosen, files and flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import ValidationError

from aas_plugin.errors import AasError
from aas_plugin.settings.explain import explain
from aas_plugin.settings.models import CHOICES, CHOSEN, Choice, DrivenSettings, RunSettings, named
from aas_plugin.settings.presets import PRESETS

if TYPE_CHECKING:
    from aas_plugin.plugins.manager import Plugins
    from aas_plugin.plugins.registry import Component, Kind

Settings = TypeVar("Settings", RunSettings, DrivenSettings)


def resolve(plugins: Plugins, layers: Sequence[Mapping[str, Any]]) -> RunSettings:
    """Merge layers, weakest first, over the packaged defaults and those of what is chosen.

    Defaults that a component brings are weaker than every layer of the user; a data set's are stronger than an
    adapter's and those of the preset, since they know the size of the task, and a backbone's are stronger still,
    since it may take images of one size only.

    Args:
        plugins: who registered what can be chosen.
        layers: of the user, weakest first.

    Raises:
        AasError: a key or value is wrong; it names the path of each.
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
        component = plugins.component(kind, name)
        tree = merge(tree, _with_names(component.defaults))
        if kind == "adapter":
            tree = merge(tree, _preset(user, component))
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
    return _validated(plugins, DrivenSettings, merge({"active": _preset(user).get("active", {})}, user))


def _preset(user: Mapping[str, Any], adapter: Component | None = None) -> dict[str, Any]:
    """The layer of the preset that the user's settings name, with the adapter's own part of it."""
    name = user.get("preset", "default")
    if not isinstance(name, str) or name not in PRESETS:
        raise AasError(f"settings: preset: {name!r} is none of {', '.join(PRESETS)}")
    layer = dict(PRESETS[name])
    return merge(layer, _with_names(adapter.paper)) if adapter is not None and name == "paper" else layer


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
    options = plugins.component(kind, choice.name).options
    try:
        validated = options.model_validate(choice.options)
    except ValidationError as error:
        raise AasError(explain(error, options, prefix=path)) from None
    return {"name": choice.name, **validated.model_dump(mode="json")}


def read_params(path: Path) -> dict[str, Any]:
    """Read a YAML mapping of settings.

    Raises:
        AasError: the file is none; it names it.
    """
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
    """Merge two nested mappings; a choice of another name, or of another model, drops the weaker choice's options."""
    merged = dict(weak)
    for key, value in strong.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            renamed = key in CHOSEN and "name" in value and _is_other(old, value)
            merged[key] = dict(value) if renamed else merge(old, value)
        else:
            merged[key] = value
    return merged


def _is_other(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return any(name in old and name in new and old[name] != new[name] for name in ("name", "model"))


def _with_names(layer: Mapping[str, Any]) -> dict[str, Any]:
    tree = {key: named(value) if key in CHOICES else value for key, value in layer.items()}
    evaluation = tree.get("evaluation")
    if isinstance(evaluation, Mapping) and "reference" in evaluation:
        tree["evaluation"] = {**evaluation, "reference": named(evaluation["reference"])}
    return tree
