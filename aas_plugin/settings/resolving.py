"""From layers of settings to one: packaged defaults, those of what is chosen, files and flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import ValidationError

from aas_plugin.errors import AasError
from aas_plugin.settings.explain import explain
from aas_plugin.settings.layers import Layer, origin
from aas_plugin.settings.models import CHOICES, CHOSEN, Choice, DrivenSettings, RunSettings, named
from aas_plugin.settings.presets import PRESETS
from aas_plugin.settings.yaml_file import in_words

if TYPE_CHECKING:
    from aas_plugin.plugins.manager import Plugins
    from aas_plugin.plugins.registry import Component, Kind

Layers = Sequence[Mapping[str, Any]]
Settings = TypeVar("Settings", RunSettings, DrivenSettings)


def resolve(plugins: Plugins, layers: Layers) -> RunSettings:
    """Merge layers, weakest first, over the packaged defaults and those of what is chosen.

    Defaults that a component brings are weaker than every layer of the user; a data set's are stronger than an
    adapter's and those of the preset, since they know the size of the task, and a backbone's are stronger still,
    since it may take images of one size only.

    Args:
        plugins: who registered what can be chosen.
        layers: of the user, weakest first; each a `Layer`, which errors name, or a plain mapping.

    Raises:
        AasError: a key or value is wrong; it names the path of each, and who gave it.
    """
    user: dict[str, Any] = {}
    for layer in layers:
        user = merge(user, _with_names(layer))
    tree: dict[str, Any] = {kind: RunSettings.model_fields[kind].default.model_dump() for kind in CHOICES}
    for kind in ("adapter", "dataset", "backbone"):
        section = merge(tree, user)[kind]
        name = section.get("name") if isinstance(section, dict) else section
        if not isinstance(name, str):
            raise AasError(f"{origin(layers, [kind, 'name'])}: {kind}: {name!r} is not a name")
        component = _component(plugins, kind, name, [kind], layers)
        tree = merge(tree, _with_names(component.defaults))
        if kind == "adapter":
            tree = merge(tree, _preset(user, layers, component))
    return _validated(plugins, RunSettings, merge(tree, user), layers)


def resolve_driven(plugins: Plugins, layers: Layers) -> DrivenSettings:
    """As `resolve`, for a run that drives a checkout.

    Sections that only a native run has, such as `training`, are left out of the first layer, which is that of
    params.yaml; they are wrong keys in the others.
    """
    first, *others = layers
    native = RunSettings.model_fields.keys() - DrivenSettings.model_fields.keys()
    user = _with_names({key: value for key, value in first.items() if key not in native})
    for layer in others:
        user = merge(user, _with_names(layer))
    preset = {"active": _preset(user, layers).get("active", {})}
    return _validated(plugins, DrivenSettings, merge(preset, user), layers)


def _preset(user: Mapping[str, Any], layers: Layers, adapter: Component | None = None) -> dict[str, Any]:
    """The layer of the preset that the user's settings name, with the adapter's own part of it."""
    name = user.get("preset", "default")
    if not isinstance(name, str) or name not in PRESETS:
        raise AasError(f"{origin(layers, ['preset'])}: preset: {name!r} is none of {', '.join(PRESETS)}")
    layer = dict(PRESETS[name])
    return merge(layer, _with_names(adapter.paper)) if adapter is not None and name == "paper" else layer


def _validated(plugins: Plugins, model: type[Settings], tree: Mapping[str, Any], layers: Layers) -> Settings:
    """Validate settings, and complete what is chosen by name with the defaults of its options."""
    try:
        settings = model.model_validate(tree)
    except ValidationError as error:
        raise AasError(explain(error, model, where=partial(origin, layers))) from None
    complete = settings.model_dump()
    for kind in CHOICES:
        choice = getattr(settings, kind, None)
        if choice is None or (kind == "adapter" and model is DrivenSettings):
            continue
        complete[kind] = completed(plugins, kind, choice, kind, layers)
    if isinstance(settings, RunSettings) and settings.evaluation.reference is not None:
        reference = completed(plugins, "backbone", settings.evaluation.reference, "evaluation.reference", layers)
        complete["evaluation"]["reference"] = reference
    return model.model_validate(complete)


def completed(plugins: Plugins, kind: Kind, choice: Choice, path: str, layers: Layers) -> dict[str, Any]:
    """A choice with all its options, validated.

    Args:
        plugins: who registered what can be chosen.
        kind: of what is chosen.
        choice: its name, and some of its options.
        path: of the choice among the settings, dotted.
        layers: who gave it, for errors.

    Raises:
        AasError: there is none of that name, or an option is wrong.
    """
    options = _component(plugins, kind, choice.name, path.split("."), layers).options
    try:
        validated = options.model_validate(choice.options)
    except ValidationError as error:
        raise AasError(explain(error, options, prefix=path, where=partial(origin, layers))) from None
    return {"name": choice.name, **validated.model_dump(mode="json")}


def _component(plugins: Plugins, kind: Kind, name: str, path: Sequence[str], layers: Layers) -> Component:
    try:
        return plugins.component(kind, name)
    except AasError as error:
        giver = origin(layers, [*path, "name"])
        text = str(error) if giver == "settings" else f"{giver}: {error}"
        if kind == "dataset" and name not in plugins.broken:
            text += "; there is no folder or file of that name, either"
        raise AasError(text) from error.__cause__


def parse_set(assignment: str) -> Layer:
    """Turn `key.path=value`, its value in YAML, into a nested mapping."""
    key, equals, text = assignment.partition("=")
    if not equals or not key.strip(".") or any(not part for part in key.split(".")):
        raise AasError(f"--set {assignment!r}: write key=value, such as training.epochs=20")
    try:
        value: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise AasError(f"--set {assignment!r}: the value{in_words(error)}") from None
    if isinstance(value, str) and text.strip()[0] not in "'\"|>&*!":
        # Nobody comments on a command line; folders have a "#" in their name.
        value = text.strip()
    for part in reversed(key.split(".")):
        value = {part: value}
    return Layer(value, f"--set {assignment}")


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
