"""The table of pairs that a sampler chose: checked before it is kept, and whole when it is read again."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aas_plugin.active import rounds
from aas_plugin.active.questions import Question
from aas_plugin.constraints.evidence import Evidence
from aas_plugin.constraints.matching_images import Images, match_pairs
from aas_plugin.errors import AasError
from aas_plugin.files import read_table, write_table
from aas_plugin.sampling.proposal import KnownPairs

REQUIRED = ("u", "v", "kind")
OURS = ("path_u", "path_v")
HASHES = ("hash_u", "hash_v")
REPEATS = "repeats"
LINKAGE = "linkage"
CROSSING = "crossing"
FILLED_IN = (*OURS, *HASHES, REPEATS, rounds.COLUMN)


def checked(table: Any, n: int, budget: int, known: KnownPairs, evidence: Evidence | None = None) -> pd.DataFrame:
    """A sampler's table as it may be asked; it is refused before anything of it is kept.

    Args:
        table: what the sampler gave.
        n: number of images.
        budget: pairs allowed.
        known: tells of pairs, int64 (P, 2), which need no question, bool (P,).
        evidence: the answers that may be asked again.

    Returns:
        The table with int64 `u` and `v`, text `kind`, a fresh index and the `attrs` it came with; with `repeats`, the
        id of an answer, in place of `again`, its position, where the sampler gave one.

    Raises:
        AasError: it is no table, lacks a column, has another type in it or one of the names that are kept for
            paths, has too many pairs, a pair that is none, is known or stands twice, or `attrs` that are no numbers;
            it says of a pair that it is less alike than 0 or more than 1, or that no pairs lie between its clusters;
            or it asks an answer again that is not
            there, or by a pair that has an answer of its own.
    """
    if not isinstance(table, pd.DataFrame):
        raise AasError(f"the sampler gave {type(table).__name__}; it must give a table (pandas.DataFrame) of pairs")
    missing = [name for name in REQUIRED if name not in table]
    if missing:
        raise AasError(f"the sampler's table lacks the column {', '.join(map(repr, missing))}; it needs u, v and kind")
    taken = [name for name in FILLED_IN if name in table]
    if taken:
        raise AasError(f"the sampler's table has a column {taken[0]!r}, which is filled in later; name it otherwise")
    found = table.reset_index(drop=True)
    for name in ("u", "v"):
        found[name] = _whole(found[name], name)
    if LINKAGE in found:
        _check_linkage(found[LINKAGE])
    if CROSSING in found:
        _check_crossing(found[CROSSING])
    if found["kind"].isna().any():
        raise AasError("the sampler's table has a pair without a kind; say of each why it is asked")
    found["kind"] = found["kind"].astype(str)
    pairs = found[["u", "v"]].to_numpy(dtype=np.int64).reshape(-1, 2)
    if len(pairs) > budget:
        raise AasError(f"the sampler chose {len(pairs)} pairs, {budget} are allowed a cycle")
    if len(pairs) and (pairs.min() < 0 or pairs.max() >= n or (pairs[:, 0] >= pairs[:, 1]).any()):
        raise AasError(f"the sampler must give pairs u < v below {n}")
    again = np.zeros(len(found), dtype=bool)
    if "again" in found:
        again = _asked_again(found, pairs, evidence)
    if found.duplicated(["u", "v"]).any() or (known(pairs) & ~again).any():
        raise AasError("the sampler chose a pair twice, or one whose answer is known")
    found.attrs = {str(name): _number(name, value) for name, value in table.attrs.items()}
    return found


def _asked_again(found: pd.DataFrame, pairs: np.ndarray, evidence: Evidence | None) -> np.ndarray:
    """Which rows ask an answer again, bool (rows,); their answers are put into the table by id, not by position."""
    position = _whole(found["again"], "again").to_numpy()
    ids = evidence.ids if evidence is not None else ()
    if len(position) and (position.min() < -1 or position.max() >= len(ids)):
        raise AasError(f"the sampler asks an answer again that is none of the {len(ids)}; -1 is a new question")
    again: np.ndarray = position >= 0
    if evidence is not None and again.any():
        own = evidence.asked
        twice = [tuple(pair) for pair in pairs[again].tolist() if tuple(pair) in own]
        if twice:
            raise AasError(f"the sampler asks images {twice[0]} again, who have an answer; take other photographs")
    found.insert(found.columns.get_loc("again"), REPEATS, [ids[place] if place >= 0 else "" for place in position])  # type: ignore[arg-type]
    del found["again"]
    return again


def numbers_of(table: pd.DataFrame) -> dict[str, float]:
    """What a sampler tells in the `attrs` of its table, by names that no number of a report has."""
    return {f"sampler.{name}": value for name, value in table.attrs.items() if name != rounds.COMPLETE}


def name_images(table: pd.DataFrame, images: Images) -> pd.DataFrame:
    """A checked table by what tells its images apart also elsewhere: their paths and, where known, content hashes.

    Args:
        table: with the positions `u` and `v`.
        images: the list.
    """
    named = table.copy()
    for place, (path, position) in enumerate(zip(OURS, ("u", "v"), strict=True)):
        named.insert(place, path, [images.paths[image] for image in table[position]])
    if any(images.hashes):
        for digest, position in zip(HASHES, ("u", "v"), strict=True):
            named[digest] = [images.hashes[image] for image in table[position]]
    return named


def keep(path: Path, table: pd.DataFrame) -> None:
    """Write a proposal down.

    Raises:
        AasError: it cannot be written, or a column of the sampler's own holds what a file cannot.
    """
    import pyarrow as pa

    try:
        write_table(path, table)
    except pa.ArrowException as error:
        raise AasError(f"the sampler's table cannot be kept ({error}); give columns of numbers or of text") from error


def read_again(path: Path, images: Images) -> pd.DataFrame | None:
    """Read the questions that a process which was killed, or is waiting, drew: they must not change.

    Args:
        path: the file.
        images: the list.

    Returns:
        The table, by the paths that its images have in the list; None where there is none, and, with a warning, where
        it cannot be asked.
    """

    if not path.exists():
        return None
    try:
        table = read_table(path)
        located = _located(table, images) if all(name in table for name in (*OURS, "kind")) else None
    except Exception:  # A damaged file gives whatever it gives.
        located = None
    if located is None:
        warnings.warn(f"{path} cannot be asked: it is damaged, or of other images; it is drawn anew", stacklevel=4)
    return located


def _located(table: pd.DataFrame, images: Images) -> pd.DataFrame | None:
    """A proposal by the paths of a list; None where its images are not in it, each another one."""
    blank = [""] * len(table)
    named = [
        list(zip(table[path], table[digest].fillna("") if digest in table else blank, strict=True))
        for path, digest in zip(OURS, HASHES, strict=True)
    ]
    matches = match_pairs(list(zip(*named, strict=True)), images)
    places = [[match[end].place for match in matches] for end in (0, 1)]
    if any(not 0 <= place < len(images) for place in (*places[0], *places[1])):
        return None
    if len({*places[0], *places[1]}) < len({path for one in named for path, _ in one}):
        return None
    paths = {name: [images.paths[place] for place in own] for name, own in zip(OURS, places, strict=True)}
    if all(paths[name] == table[name].tolist() for name in OURS):
        return table
    return table.assign(**paths)


def questions_of(table: pd.DataFrame, cycle: int, index: Mapping[str, int]) -> list[Question]:
    """The pairs of a proposal, by the positions that their images have now.

    Args:
        table: the proposal, with both paths.
        cycle: the cycle that asks, from 1.
        index: position of each image by its path.
    """
    found = []
    repeats = table[REPEATS] if REPEATS in table else [""] * len(table)
    told, between = (table[name].tolist() if name in table else [math.nan] * len(table) for name in (LINKAGE, CROSSING))
    rows = zip(table["path_u"], table["path_v"], table["kind"], repeats, told, between, strict=True)
    for a, b, kind, again, alike, count in rows:
        first, second = sorted((a, b), key=index.__getitem__)
        # A table whose later rounds alone ask again, or say how alike two are, has nothing in the others.
        earlier = again if isinstance(again, str) else ""
        linkage = None if pd.isna(alike) else float(alike)
        crossing = None if pd.isna(count) else int(count)
        places = index[first], index[second]
        found.append(Question(*places, (first, second), str(kind), cycle, earlier, linkage, crossing))
    return found


def _check_linkage(column: pd.Series[Any]) -> None:
    """Refuse what is no number in [0, 1]; NaN says nothing of a pair."""
    if len(column) and column.dtype.kind not in "fiu":
        raise AasError(f"the sampler's column {LINKAGE!r} holds {column.dtype}; it needs numbers from 0 to 1")
    told = column.dropna()
    if len(told) and not (told.min() >= 0 and told.max() <= 1):
        raise AasError(f"the sampler's column {LINKAGE!r} goes from {told.min():g} to {told.max():g}, not 0 to 1")


def _check_crossing(column: pd.Series[Any]) -> None:
    """Refuse what is no whole number above 0; NaN says nothing of a pair."""
    told = column.dropna()
    if len(told) and (column.dtype.kind not in "fiu" or not (told >= 1).all() or (told % 1).any()):
        raise AasError(f"the sampler's column {CROSSING!r} must hold whole numbers above 0, or NaN")


def _number(name: object, value: Any) -> float:
    if not isinstance(value, Real) or value != value:
        raise AasError(f"the sampler's table has attrs[{name!r}] = {value!r}; attrs must be numbers")
    return int(value) if isinstance(value, Integral) else float(value)


def _whole(column: pd.Series[Any], name: str) -> pd.Series[Any]:
    if not len(column):
        return column.astype("int64")
    if column.dtype.kind not in "iu":
        raise AasError(f"the sampler's column {name!r} holds {column.dtype}; it needs whole numbers (int64)")
    return column.astype("int64")
