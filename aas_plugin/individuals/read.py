"""The individuals of a run as its last labels and the answers have them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from aas_plugin.constraints.answers import AnswerLog
from aas_plugin.constraints.evidence import by_votes, evidence_of
from aas_plugin.data.tables import read_cells
from aas_plugin.errors import AasError
from aas_plugin.files import read_table
from aas_plugin.plugins.manager import Plugins, load_plugins
from aas_plugin.runs.catalogue import catalogue_of
from aas_plugin.runs.folder import UNREADABLE, saved_settings


def individuals_of(folder: Path, plugins: Plugins | None = None) -> pd.DataFrame:
    """Name the individual of every photo that a run used.

    A photo whose individual the data set knows has that name. Of the others each cluster of the last cycle is an
    individual, `a001` the largest, and each photo in no cluster one of its own.

    Args:
        folder: of the run.
        plugins: who registered its data set; without, those that are installed.

    Returns:
        One row per photo, in the data set's order: `path`, `individual` (text), `confidence` (float64 in [0, 1], NaN
        where nothing can be said), `answers` (int64, those in force that are about the photo), `nearest` (another
        individual, NA without) and `nearest_probability` (float64, NaN without).

    Raises:
        AasError: the folder holds no run, or one without labels.
    """
    saved_settings(folder)
    labels = _last_labels(folder)
    try:
        table = catalogue_of(folder, plugins or load_plugins()).table
        table = table[~table["path"].isin(_left_out(folder))]
        paths, known = table["path"].to_list(), dict(zip(table["path"], table["identity"], strict=True))
    except AasError:
        paths, known = list(labels), {}
    cluster = np.array([labels.get(path, -1) for path in paths], dtype=np.int64)
    # Each photo in no cluster is a group of its own.
    group = np.where(cluster >= 0, cluster, cluster.max(initial=-1) + 1 + np.arange(len(paths)))
    unknown = np.array([pd.isna(known.get(path, pd.NA)) for path in paths], dtype=bool)
    sizes = pd.Series(group[unknown]).value_counts(sort=False).sort_values(ascending=False, kind="stable")
    names = {found: f"a{number:03d}" for number, found in enumerate(sizes.index, start=1)}
    individual = [names[one] if new else known[path] for path, one, new in zip(paths, group, unknown, strict=True)]
    return pd.DataFrame(
        {
            "path": pd.array(paths, dtype="string"),
            "individual": pd.array(individual, dtype="string"),
            "confidence": np.nan,
            "answers": _answers(folder, paths),
            "nearest": pd.array([pd.NA] * len(paths), dtype="string"),
            "nearest_probability": np.nan,
        }
    )


def _last_labels(folder: Path) -> dict[str, int]:
    """The last cycle's label by path."""
    files = sorted(folder.glob("cycles/*/labels.parquet"))
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
