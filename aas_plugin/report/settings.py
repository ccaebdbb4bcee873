"""What of a run's settings matters when runs are compared, and how differences are told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from aas_plugin.data.choosing import SOURCES
from aas_plugin.report.read import FinishedRun, flat

Settings = dict[str, str]

# What is at these places is compared by its content.
PLACES = frozenset({"dataset.path", "dataset.root", "dataset.title", "evaluation.protocol", "active.constraints"})
AXES = frozenset({"adapter.name", "dataset.name", "sampler.name", "seed"})
WITHOUT_EFFECT = ("device", "tracking.", "codebase.path", "codebase.arguments")
FLAGS_WITHOUT_EFFECT = ("seed", "workers", "print_freq", "gpu")


def title(run: FinishedRun) -> str:
    """What a data set is called: its name or title, its folder's, or its source and those options that are words."""
    if run.protocol.get("dataset"):
        return str(run.protocol["dataset"])
    if run.driven:
        flags = run.flags
        return str(flags.get("dataset") or flags.get("dataset_target") or Path(run.settings["codebase"]["path"]).name)
    dataset = run.settings["dataset"]
    if dataset.get("title"):
        return str(dataset["title"])
    if dataset["name"] in SOURCES:
        path = Path(dataset.get("root") or dataset["path"])
        return path.parent.name if path.suffix and not dataset.get("root") else path.name
    words = [v for key, v in dataset.items() if isinstance(v, str) and f"dataset.{key}" not in PLACES and key != "name"]
    return " ".join([dataset["name"], *words])


def agree(one: Settings, other: Settings) -> bool:
    """Whether the settings that both have are equal."""
    return all(other[key] == value for key, value in one.items() if key in other)


def differing(several: Sequence[Settings]) -> list[str]:
    """Keys whose values are not the same in all."""
    keys = dict.fromkeys(key for settings in several for key in settings)
    return [key for key in keys if len({settings.get(key) for settings in several}) > 1]


def facts_of(run: FinishedRun) -> Settings:
    """All settings that may change the numbers, as text; without those that a table has columns for."""
    facts = {}
    for key, value in flat(run.settings):
        last = key.removeprefix("codebase.flags.")
        path = last != key and ("dir" in last or str(run.folder.name) in Path(str(value)).parts)
        skipped = last != key and (path or last in FLAGS_WITHOUT_EFFECT)
        if not (skipped or key in PLACES or key in AXES or key.startswith(WITHOUT_EFFECT)):
            facts[key] = str(value)
    return {**facts, "answers it began with": run.state.get("constraints_hash") or "none"}


def sampler_labels(runs: Iterable[FinishedRun]) -> dict[FinishedRun, str]:
    """The sampler's name, with those of its options that differ between the runs."""
    by_name: dict[str, dict[FinishedRun, Settings]] = {}
    for run in runs:
        options = {key: str(value) for key, value in flat(run.settings["sampler"]) if key != "name"}
        by_name.setdefault(str(run.settings["sampler"]["name"]), {})[run] = options
    labels = {}
    for name, options_of in by_name.items():
        keys = differing(list(options_of.values()))
        for run, options in options_of.items():
            labels[run] = ", ".join([name, *(f"{key} {options.get(key, '-')}" for key in keys)])
    return labels


def spelled(keys: Sequence[str], several: Sequence[tuple[Settings, list[FinishedRun]]]) -> str:
    """Each key with its values and whose they are."""
    parts = []
    for key in keys:
        values: dict[str, list[str]] = {}
        for settings, members in several:
            values.setdefault(settings.get(key, "not set"), []).extend(run.name for run in members)
        parts.append(f"{key} is " + " and ".join(f"{value} in {some(names)}" for value, names in values.items()))
    return "; ".join(parts)


def some(names: Sequence[str], most: int = 3) -> str:
    """A few names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
