"""Features and individuals from files of several kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aas_plugin.data.tables import read_cells
from aas_plugin.data.unidentified import is_unknown
from aas_plugin.errors import AasError
from aas_plugin.files import read_table

FEATURES, LABELS = ("features", "embedding", "embeddings"), ("labels", "identity", "individual")
"""Names of the arrays of an .npz file and of the columns of a table, in the order they are looked for."""


def read_features(path: Path) -> tuple[NDArray[np.float32], NDArray[Any] | None]:
    """Read features, and the individuals beside them where the file has some.

    Args:
        path: .npy with (N, D); .npz with `features` and perhaps `labels`; .parquet as `aas embed` writes it.

    Returns:
        float32 (N, D), rows scaled to unit length, and (N,) individuals or None.

    Raises:
        AasError: the file cannot be read, holds no features, or they are not finite numbers, or zero.
    """
    held = _arrays(path)
    if path.suffix.lower() == ".npy":  # whatever its shape
        held = dict.fromkeys(FEATURES[:1], *held.values())
    values = next((held[name] for name in FEATURES if name in held), None)
    if values is None:
        raise AasError(f"{path} holds {', '.join(held) or 'nothing'}; features are looked for under {FEATURES[0]!r}")
    try:
        features = np.asarray(np.stack(list(values)) if values.dtype == object else values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise AasError(f"the features in {path} are no matrix of numbers: {error}") from None
    if features.ndim != 2 or not features.size:
        raise AasError(
            f"the features in {path} have the shape {features.shape}; (images, dimensions) is needed, at least one of "
            "each"
        )
    lengths = np.sqrt((features**2).sum(axis=1))
    wrong = np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)))
    if len(wrong):
        raise AasError(
            f"{len(wrong)} of {len(features)} rows of features in {path} are NaN, infinite or zero, the first is row "
            f"{wrong[0]}; embed these images anew or leave them out"
        )
    labels = next((held[name] for name in LABELS if name in held), None)
    return (features / lengths[:, None]).astype(np.float32), labels


def read_labels(path: Path) -> NDArray[Any]:
    """Read individuals, as they are: see `check_labels`.

    Args:
        path: .npy; .npz with `labels`; .parquet or .csv with a column `identity` or `labels`.

    Raises:
        AasError: the file cannot be read, or holds none.
    """
    held = _arrays(path)
    labels = next((held[name] for name in LABELS if name in held), None)
    if labels is None:
        raise AasError(f"{path} holds {', '.join(held) or 'nothing'}; individuals are looked for under {LABELS[0]!r}")
    return labels


def check_labels(labels: NDArray[Any], images: int) -> None:
    """Refuse individuals that do not fit the features, or that nothing can be measured with.

    Args:
        labels: of any shape.
        images: rows of features.

    Raises:
        AasError: they are no list, their number differs, one is missing, or all are alike.
    """
    if labels.ndim != 1:
        raise AasError(f"the individuals have the shape {labels.shape}; one for each image is needed")
    if len(labels) != images:
        raise AasError(f"there are {len(labels)} individuals for {images} rows of features; each row needs one")
    missing = np.flatnonzero(pd.isna(labels))
    if len(missing):
        raise AasError(
            f"{len(missing)} images have no individual, the first is row {missing[0]}; leave these images out"
        )
    if len(set(labels.tolist())) < 2:
        raise AasError(f"all {images} images are of one individual, so there is nothing to find out by asking")


def _numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Columns of numbers as such; of the others, names of nobody are missing."""
    found = {}
    for name, cells in table.items():
        numbers = pd.to_numeric(cells, errors="coerce")
        found[name] = numbers if numbers.notna().all() else cells.mask(is_unknown(cells))
    return pd.DataFrame(found)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """What a file holds, by name; a bare array of one axis is called `labels`, another one `features`."""
    kind = path.suffix.lower()
    try:
        if kind == ".npy":
            array = np.load(path, allow_pickle=False)
            return {"labels" if array.ndim == 1 else "features": array}
        if kind == ".npz":
            with np.load(path, allow_pickle=False) as held:
                return {name: held[name] for name in held.files}
        if kind in (".parquet", ".csv"):
            table = read_table(path) if kind == ".parquet" else _numbers(read_cells(path))
            return {str(name): table[name].to_numpy() for name in table.columns}
    except FileNotFoundError:
        raise AasError(f"{path}: no such file") from None
    except Exception as error:  # Anything can be in a damaged file, and each reader raises errors of its own.
        raise AasError(f"{path} cannot be read ({error}); write or embed it anew") from None
    raise AasError(f"{path}: features come as .npy, .npz or .parquet, individuals also as .csv")
