"""`wildlife10k`: WildlifeReID-10k, 37 data sets of animals in one folder (Adam et al., arXiv 2406.09211)."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict

from aas_plugin.data.catalogue import Catalogue, make_catalogue
from aas_plugin.data.tables import read_cells
from aas_plugin.data.unidentified import UNKNOWN, identified
from aas_plugin.errors import AasError

NAME = "wildlife10k"
COLUMNS = ("path", "identity", "split", "dataset")
SUBSETS = (
    "AAUZebraFish",
    "AerialCattle2017",
    "AmvrakikosTurtles",
    "ATRW",
    "BelugaID",
    "BirdIndividualID",
    "CatIndividualImages",
    "Chicks4FreeID",
    "CowDataset",
    "Cows2021",
    "CTai",
    "CZoo",
    "DogFaceNet",
    "FriesianCattle2015",
    "FriesianCattle2017",
    "Giraffes",
    "GiraffeZebraID",
    "HyenaID2022",
    "IPanda50",
    "LeopardID2022",
    "MPDD",
    "MultiCamCows2024",
    "NDD20",
    "NyalaData",
    "OpenCows2020",
    "PolarBearVidID",
    "PrimFace",
    "ReunionTurtles",
    "SealID",
    "SeaStarReID2023",
    "SeaTurtleID2022",
    "SMALST",
    "SouthernProvinceTurtles",
    "StripeSpotter",
    "WhaleSharkID",
    "ZakynthosTurtles",
    "ZindiTurtleRecall",
)
PAPER13 = (
    "AmvrakikosTurtles",
    "CatIndividualImages",
    "Chicks4FreeID",
    "CowDataset",
    "DogFaceNet",
    "MPDD",
    "MultiCamCows2024",
    "PolarBearVidID",
    "PrimFace",
    "ReunionTurtles",
    "SeaStarReID2023",
    "SouthernProvinceTurtles",
    "ZakynthosTurtles",
)
"""The subsets of the paper: no foundation model was trained on them."""
GROUPS = {"paper13": PAPER13, "all": SUBSETS}


@dataclass(frozen=True)
class Members:
    """Subsets by name: those whose images are in the folder, and those that are not."""

    present: tuple[str, ...]
    missing: tuple[str, ...]


class WildlifeOptions(BaseModel):
    """Options of `wildlife10k`: its folder, a subset, "paper13" or "all" (the default), and names of nobody."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path
    subset: str | None = None
    unknown: tuple[str, ...] = UNKNOWN

    def members(self) -> Members:
        """See `members`."""
        return members(self)


def wildlife(options: WildlifeOptions) -> Catalogue:
    """Read a subset, or the subsets of a group that are in the folder, with the split of the data set itself.

    Identities begin with the name of their subset, as in the data set, so that no two subsets share one. A
    warning names what a group lacks.

    Raises:
        AasError: the folder is not that of WildlifeReID-10k, the subset is none or is not in the folder, or
            `make_catalogue` rejects it.
    """
    root, table = _read(options)
    found = _choose(options, root, _subsets_in(root, table))
    if found.missing:
        warnings.warn(
            f"{root} lacks {len(found.missing)} of the {len(found.present) + len(found.missing)} subsets of "
            f"{options.subset or 'all'!r}: {', '.join(found.missing)}",
            stacklevel=2,
        )
    table = table[table["dataset"].isin(found.present)]
    table = table.assign(identity=_unique_identities(table, options.unknown))
    grouped = options.subset is None or options.subset in GROUPS
    name = "-".join([NAME, *([options.subset] if options.subset else [])]) if grouped else str(options.subset)
    return make_catalogue(name, root, table, unknown=())


def members(options: WildlifeOptions) -> Members:
    """Subsets of the options' group, or the one subset, that are in the folder, and those that are missing.

    Raises:
        AasError: the folder is not that of WildlifeReID-10k, or has none of them.
    """
    root, table = _read(options)
    return _choose(options, root, _subsets_in(root, table))


def _read(options: WildlifeOptions) -> tuple[Path, pd.DataFrame]:
    root = options.path.expanduser().resolve()
    metadata = root / "metadata.csv"
    if not metadata.is_file():
        raise AasError(f"{root} has no metadata.csv; give the folder into which WildlifeReID-10k was unpacked.")
    table = read_cells(metadata)
    absent = [column for column in COLUMNS if column not in table]
    if absent:
        raise AasError(
            f"{metadata} has no column {', '.join(map(repr, absent))} but {', '.join(map(repr, table.columns))}; "
            "give the folder of WildlifeReID-10k, or read other tables as the data set 'csv'."
        )
    return root, table


def _subsets_in(root: Path, table: pd.DataFrame) -> tuple[str, ...]:
    """Subsets with at least one image in the folder, whose table lists those too that were not unpacked."""
    groups = table.groupby("dataset")["path"]
    found = (name for name, paths in groups if any((root / path).is_file() for path in paths))
    return tuple(sorted(map(str, found), key=str.casefold))


def _choose(options: WildlifeOptions, root: Path, found: Sequence[str]) -> Members:
    name = options.subset or "all"
    there = f"{root} has {', '.join(found) or 'no subset'}"
    if name in GROUPS:
        wanted = (*GROUPS[name], *(other for other in found if name == "all" and other not in SUBSETS))
    elif name in SUBSETS or name in found:
        wanted = (name,)
    else:
        near = difflib.get_close_matches(name, [*SUBSETS, *GROUPS], n=2, cutoff=0.5)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"{there}; choose one, 'paper13' or 'all'."
        raise AasError(f"dataset.subset {name!r} is no subset of WildlifeReID-10k; {hint}")
    present = tuple(subset for subset in wanted if subset in found)
    if not present:
        raise AasError(f"WildlifeReID-10k's {name!r} is not there: {there}; unpack it, or choose what is there.")
    return Members(present, tuple(subset for subset in wanted if subset not in found))


def _unique_identities(table: pd.DataFrame, unknown: Collection[str]) -> pd.Series:
    """Put the subset before the identities of every subset that does not have it there; those of nobody are blank."""
    prefix = table["dataset"] + "_"
    identity = table["identity"].str.strip()
    bare = [name.removeprefix(start) for name, start in zip(identity, prefix, strict=True)]
    named = identified(pd.Series(bare, index=table.index, dtype="string"), unknown, f"{NAME}'s metadata.csv")
    identity = identity.mask(named.isna(), "")
    has_it = pd.Series(
        [name == "" or name.startswith(start) for name, start in zip(identity, prefix, strict=True)],
        index=table.index,
    )
    bare = (identity != "") & ~has_it.groupby(table["dataset"]).transform("all")
    return identity.where(~bare, prefix + identity)
