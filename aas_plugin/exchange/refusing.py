"""What cannot be exported, and what has to be told of what can."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from aas_plugin.data.catalogue import some_of
from aas_plugin.errors import AasError
from aas_plugin.exchange.descriptor import DESIGNS, METHODS, Said
from aas_plugin.exchange.gathering import Named
from aas_plugin.exchange.words import count


def check_said(said: Said) -> Said:
    """What somebody said, checked against the words of Camtrap DP.

    Raises:
        AasError: a word is none of its.
    """
    if said.design is not None and said.design not in DESIGNS:
        raise AasError(f"--sampling-design {said.design!r}: choose one of {', '.join(DESIGNS)}")
    wrong = [method for method in said.methods if method not in METHODS]
    if wrong:
        raise AasError(f"--capture-method {wrong[0]!r}: choose {' or '.join(METHODS)}, or give both")
    return said


def refuse_inside(output: Path, named: Named) -> None:
    """Refuse a folder that would make photos of a data set of what is written into it.

    Raises:
        AasError: it lies in a folder that is searched for photos.
    """
    root = named.root.resolve()
    if named.searched and (output.absolute().parent.resolve() / output.name).is_relative_to(root):
        raise AasError(
            f"{output} lies in {named.root}, the folder of the photos, which would take it for more photos; choose "
            "another place"
        )


def with_times(named: Named, leave_out: bool, without: pd.Series, what: str) -> tuple[Named, list[str]]:
    """The photos that have a time, and a sentence about those that are left out.

    Args:
        named: n photos.
        leave_out: whether those without one are left out.
        without: bool (n,), which have none.
        what: they have not, in words.

    Raises:
        AasError: some have none and were not to be left out, or all have none.
    """
    lacks = without.to_numpy(dtype=bool)
    if not lacks.any():
        return named, []
    lost = named.photos["photo"][lacks].unique()
    if not leave_out or lacks.all():
        way_out = "" if lacks.all() else ", or leave them out by --leave-out-undated"
        raise AasError(
            f"{int(lacks.sum())} of {len(lacks)} photos have no date with {what} ({some_of(lost)}), which the format "
            f"needs; give it in a column 'date' of the data set's table, such as 2024-05-31 17:04:00{way_out}"
        )
    kept = replace(named, photos=named.photos[~lacks].reset_index(drop=True))
    return kept, [f"left out: {count(int(lacks.sum()), 'photo')} without {what} ({some_of(lost)})"]


def unclear_names(named: Named, files: dict[str, str]) -> list[str]:
    """Warn of names of files that Wildbook changes, or takes for each other."""
    names = pd.Series(list(files.values()), dtype="string")
    once = named.photos.drop_duplicates("photo")["photo"].map(os.path.basename)
    odd = names[~names.str.fullmatch(r"[A-Za-z0-9. ]+")].unique()
    double = once[once.duplicated()].unique()
    told = []
    if len(odd):
        told.append(f"Wildbook removes characters from names of files such as {some_of(odd[:2])}")
    if len(double):
        told.append(f"several photos are called {some_of(double[:2])}, which Wildbook takes for each other")
    if named.photos["bbox"].notna().any():
        told.append("parts of photos are listed as whole ones, so that a photo may be in several encounters")
    if told:
        told.append("give a folder as -o, which gets the photos under names that will do, parts cut out")
    return told


def refuse_missing(files: Sequence[Path]) -> None:
    """Refuse photos that are not there.

    Raises:
        AasError: some are not.
    """
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        raise AasError(
            f"not there: {count(len(missing), 'photo')}, {some_of(missing)}; restore them, or say where they lie by "
            "--photos FOLDER"
        )
