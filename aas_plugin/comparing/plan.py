"""Which runs a comparison is made of, and how far each of them is."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from aas_plugin.errors import AasError
from aas_plugin.files import as_file_name
from aas_plugin.runs.folder import differences, saved_settings, saved_state
from aas_plugin.settings.models import RunSettings

State = Literal["new", "begun", "done"]

WORDS = {"data_hash": "data", "constraints_hash": "answers to begin with"}


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

    Raises:
        AasError: two runs would have one folder.
    """
    found: list[Planned] = []
    for seed, dataset, way in itertools.product(seeds, datasets, of):
        words = (dataset.name, way.adapter, way.sampler, way.refiner, str(seed))
        flags = (*dataset.flags, "--adapter", way.adapter, "--sampler", way.sampler, "--refiner", way.refiner)
        folder = as_file_name(re.sub(r"[^\w.-]+", "_", "-".join((name, *words))))
        found.append(Planned(folder, (*flags, "--set", f"seed={seed}"), f"{', '.join(words[:4])}, seed {seed}"))
    names = [run.name for run in found]
    twice = next((one for one in names if names.count(one) > 1), None)
    if twice is not None:
        raise AasError(f"two of these runs would lie in one folder, {twice}; give data sets of different names")
    return found


def named_apart(places: Sequence[str]) -> list[str]:
    """Short names of data sets that are given by name, folder or file; the whole path where two would be alike."""
    names = [Path(place).stem if Path(place).is_file() else Path(place).name for place in places]
    names = [name or Path(place).resolve().name for name, place in zip(names, places, strict=True)]
    return [place if names.count(name) > 1 else name for name, place in zip(names, places, strict=True)]


def state_of(folder: Path, settings: RunSettings, hashes: Callable[[], Mapping[str, Any]]) -> State:
    """How far a run is.

    Args:
        folder: of the run; it need not exist.
        settings: that it should have.
        hashes: makes the hashes of data and answers that it should have, by their names in `run.json`; called where
            there is such a run.

    Raises:
        AasError: the folder holds a run of other settings, other data or other answers to begin with.
    """
    if not (folder / "config.yaml").exists():
        return "new"
    changed = differences(saved_settings(folder), settings.model_dump(mode="json"))
    if changed:
        raise AasError(
            f"{folder} is a run of another configuration ({'; '.join(changed)}); give this comparison another --name, "
            "or move that run away"
        )
    if (folder / "run.json").exists():
        saved = saved_state(folder)
        other = [name for name, value in hashes().items() if saved.get(name) != value]
        if other:
            what = " and ".join(WORDS.get(name, name) for name in other)
            raise AasError(
                f"{folder} is a run on other {what} than there are now; give this comparison another --name, or move "
                "that run away"
            )
    return "done" if (folder / "metrics.json").exists() else "begun"
