"""The paper's Table 1: which runs it is made of, on whatever data is there, and its own figures."""

from __future__ import annotations

from pathlib import Path

from aas_plugin.comparing.plan import Dataset, Way
from aas_plugin.data.wildlife import WildlifeOptions
from aas_plugin.errors import AasError

SEEDS = (0, 1, 2, 3)
"""The paper reports the mean of four runs."""

WAYS = tuple(
    Way(adapter, sampler, "np3")
    for adapter, sampler in (
        ("supervised", "none"),
        ("pplr", "none"),
        ("cluster-contrast", "none"),
        ("spcl", "none"),
        ("spcl", "random"),
        ("spcl", "gbas"),
        ("spcl", "lbas"),
        ("spcl", "nis"),
        ("spcl", "aas"),
    )
)
"""Rows that are trained here; the untrained ResNet-50 is cycle 0 of each of them."""

PERSONS = ("market1501", "personx")


def datasets_there(folder: Path) -> list[Dataset]:
    """The paper's data sets that lie in a folder, each under its own name; `coats` where none does.

    Args:
        folder: in which `wildlife10k`, `market1501` and `personx` are looked for.
    """
    found = []
    wild = folder / "wildlife10k"
    if wild.is_dir():
        try:
            present = WildlifeOptions(path=wild, subset="paper13").members().present
        except AasError:
            present = ()
        place = ("--dataset", "wildlife10k", "--set", f"dataset.path={wild}", "--set")
        found += [Dataset(name, (*place, f"dataset.subset={name}")) for name in present]
    for name in PERSONS:
        if (folder / name).is_dir():
            found.append(Dataset(name, ("--dataset", name, "--set", f"dataset.path={folder / name}")))
    return found or [Dataset("coats", ("--dataset", "coats"))]
