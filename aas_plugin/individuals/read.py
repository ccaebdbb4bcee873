"""The individuals of a run as its last labels and the answers have them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aas_plugin.active.begun import of_cycles
from aas_plugin.constraints.answers import AnswerLog
from aas_plugin.constraints.evidence import by_votes, evidence_of
from aas_plugin.data.tables import read_cells
from aas_plugin.errors import AasError
from aas_plugin.files import read_table
from aas_plugin.individuals.joins import groups_of
from aas_plugin.plugins.manager import Plugins, load_plugins
from aas_plugin.runs.catalogue import catalogue_of
from aas_plugin.runs.folder import UNREADABLE, saved_settings
from aas_plugin.runs.outlook import NAMES
from aas_plugin.settings.labelling import LABEL


def individuals_of(folder: Path, plugins: Plugins | None = None) -> pd.DataFrame:
    """Name the individual of every photo of a run.

    A photo whose individual the data set knows has that name, and so have the others of a group most of whose known
    photos have it; but not where the answers came from these names, as in a rehearsal. Of the other groups the largest
    is `a001`, and a photo in no group is one by itself. How sure names are is known of runs of `aas label`.

    Args:
        folder: of the run.
        plugins: who registered its data set; without, those that are installed.

    Returns:
        One row per photo that the run used, in the data set's order: `path`, `individual` (text, NA where a run has no
        label, as it was held out for testing), `confidence` (float64 in [0, 1], NaN where nothing can be said),
        `answers` (int64, those in force that are about the photo), `nearest` (another individual, NA without) and
        `nearest_probability` (float64, NaN without).

    Raises:
        AasError: the folder holds no run, or one without labels.
    """
    settings = saved_settings(folder)
    told = _names(folder)
    try:
        table = catalogue_of(folder, plugins or load_plugins()).table
        table = table[~table["path"].isin(_left_out(folder))]
        paths, known = table["path"].to_list(), dict(zip(table["path"], table["identity"], strict=True))
    except AasError:
        paths, known = told["path"].to_list(), {}
    if _name(settings, "adapter") == LABEL and _name(settings, "oracle") == "labels":
        known = {}
    rows = told.set_index("path").reindex(paths)
    group = rows["group"].to_numpy(dtype=np.float64)
    given = pd.Series([known.get(path, pd.NA) for path in paths], dtype="string")
    name = _names_of_groups(group, given)
    individual = given.fillna(pd.Series(group).map(name).astype("string"))
    nearest = rows["nearest"].map(name).astype("string")
    return pd.DataFrame(
        {
            "path": pd.array(paths, dtype="string"),
            "individual": individual.array,
            "confidence": rows["confidence"].to_numpy(dtype=np.float64),
            "answers": _answers(folder, paths),
            "nearest": nearest.array,
            "nearest_probability": rows["nearest_probability"].to_numpy(dtype=np.float64),
        }
    )


def _name(settings: Mapping[str, Any], section: str) -> str:
    chosen = settings.get(section)
    return str(chosen.get("name", "") if isinstance(chosen, dict) else chosen)


def _names_of_groups(group: np.ndarray, given: pd.Series) -> dict[float, str]:
    """The name of each group: that of most of its photos that have one, else a number, by size."""
    there = pd.DataFrame({"group": group, "given": given}).dropna(subset="group")
    named = there.dropna().groupby("group")["given"].agg(lambda names: names.mode()[0]).to_dict()
    sizes = there["group"].value_counts(sort=False).sort_values(ascending=False, kind="stable")
    new = [one for one in sizes.index if one not in named]
    width = max(3, len(str(len(new))))
    taken = set(given.dropna())
    numbers = (f"a{number:0{width}d}" for number in itertools.count(1))
    return named | dict(zip(new, (name for name in numbers if name not in taken), strict=False))


def _names(folder: Path) -> pd.DataFrame:
    """The group of each photo, and what is known of it, as in `NAMES`; of a run without that file from its labels."""
    path = folder / NAMES
    if path.exists():
        try:
            return read_table(path)
        except (OSError, ValueError) as error:
            raise AasError(f"{path} cannot be read ({error}); go on with the run, which writes it anew") from error
    labels = _last_labels(folder)
    group = groups_of(np.array(list(labels.values()), dtype=np.int64))
    nothing = {"nearest": -1, "confidence": np.nan, "nearest_probability": np.nan}
    return pd.DataFrame({"path": list(labels), "group": group, **nothing})


def _last_labels(folder: Path) -> dict[str, int]:
    """The last cycle's label by path."""
    files = list(of_cycles(folder, "labels.parquet").values())
    if not files:
        raise AasError(f"{folder} has no labels yet (cycles/00/labels.parquet); let the run finish its first cycle")
    try:
        table = read_table(files[-1])
    except (OSError, ValueError) as error:
        raise AasError(f"{files[-1]} cannot be read ({error}); restore it, or begin the run anew") from error
    return dict(zip(table["path"], table["label"], strict=True))


def _left_out(folder: Path) -> list[str]:
    """Photos that the run did without, as they could not be read."""
    file = folder / UNREADABLE
    return read_cells(file)["path"].to_list() if file.exists() else []


def _answers(folder: Path, paths: list[str]) -> np.ndarray:
    """How many answers in force are about each photo: int64 (n,)."""
    evidence = evidence_of(AnswerLog(folder / "answers.jsonl").answers(), {path: row for row, path in enumerate(paths)})
    pairs = evidence.pairs[by_votes(evidence, len(paths))]
    return np.bincount(pairs.ravel(), minlength=len(paths)).astype(np.int64)
