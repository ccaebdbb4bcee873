"""What is known of each photo besides who is on it, in a run's folder: for whoever shows photos to people."""

from __future__ import annotations

from pathlib import Path

from aas_plugin.data.catalogue import Catalogue
from aas_plugin.files import json_if_readable, write_json

FILE = "facts.json"
SHOWN = ("date", "camera", "orientation")
"""Columns of a catalogue; never the identity, which would answer the question."""

Facts = dict[str, list[tuple[str, str]]]
"""By the path of an image, each fact as what it is and its value."""


def write_facts(folder: Path, catalogue: Catalogue) -> None:
    """Write the facts of a catalogue, where it has any."""
    known = {column: catalogue.table[column] for column in SHOWN if catalogue.table[column].notna().any()}
    if known:
        paths = catalogue.table["path"].to_list()
        facts = {
            path: {column: str(values.iat[row]) for column, values in known.items() if values.notna().iat[row]}
            for row, path in enumerate(paths)
        }
        write_json(folder / FILE, {path: told for path, told in facts.items() if told})


def read_facts(folder: Path) -> Facts:
    """The facts of a folder's photos; none where there is no file that can be read."""
    found = json_if_readable(folder / FILE)
    return {
        path: [(name, str(told[name])) for name in SHOWN if name in told]
        for path, told in found.items()
        if isinstance(told, dict)
    }
