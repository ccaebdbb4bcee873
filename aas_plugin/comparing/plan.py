"""Which runs a comparison is made of, and how far each of them is."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aas_plugin.errors import AasError
from aas_plugin.runs.folder import differences, saved_settings
from aas_plugin.settings.models import RunSettings

State = Literal["new", "begun", "done"]


@dataclass(frozen=True)
class Way:
    """A base method, a sampler and a refiner."""

    adapter: str
    sampler: str
    refiner: str


@dataclass(frozen=True)
class Dataset:
    """A data set, and the flags of `aas run` that choose it."""

    name: str
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Planned:
    """One run.

    Attributes:
        name: of its folder.
        flags: of `aas run`, without its name.
        words: what is told of it.
    """

    name: str
    flags: tuple[str, ...]
    words: str


def ways(adapters: Sequence[str], samplers: Sequence[str], refiners: Sequence[str]) -> list[Way]:
    """Every combination; where nothing is asked the refiner does nothing, so `none` stands with the first one alone."""
    every = itertools.product(adapters, samplers, refiners)
    return [Way(*one) for one in every if one[1] != "none" or one[2] == refiners[0]]


def plan(name: str, datasets: Iterable[Dataset], of: Sequence[Way], seeds: Sequence[int]) -> list[Planned]:
    """The runs of a comparison, seed by seed, so that what is paired is there early.

    Args:
        name: of the comparison, with which the names of its runs begin.
        datasets: what they are on.
        of: methods, samplers and refiners.
        seeds: of training and questions.
    """
    found = []
    for seed, dataset, way in itertools.product(seeds, datasets, of):
        words = (dataset.name, way.adapter, way.sampler, way.refiner, str(seed))
        flags = (*dataset.flags, "--adapter", way.adapter, "--sampler", way.sampler, "--refiner", way.refiner)
        folder = re.sub(r"[^\w.-]+", "_", "-".join((name, *words)))
        found.append(Planned(folder, (*flags, "--set", f"seed={seed}"), f"{', '.join(words[:4])}, seed {seed}"))
    return found


def state_of(folder: Path, settings: RunSettings) -> State:
    """How far a run is.

    Args:
        folder: of the run; it need not exist.
        settings: that it should have.

    Raises:
        AasError: the folder holds a run of other settings.
    """
    if not (folder / "config.yaml").exists():
        return "new"
    changed = differences(saved_settings(folder), settings.model_dump(mode="json"))
    if changed:
        raise AasError(
            f"{folder} is a run of another configuration ({'; '.join(changed)}); give this comparison another --name, "
            "or move that run away"
        )
    return "done" if (folder / "metrics.json").exists() else "begun"
