"""Settings with their origin: which file and line, or which flag, says what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Path = tuple[str, ...]
"""Keys from the top to a setting."""

PYTHON = "settings given in Python"


class Layer(dict[str, Any]):
    """Settings of one origin.

    Args:
        tree: nested settings.
        origin: what errors call it: a file, or a flag as it stands on the command line.
        lines: for a file, the line that each setting is on, from 1, by its keys.
    """

    def __init__(self, tree: Mapping[str, Any], origin: str, lines: Mapping[Path, int] | None = None) -> None:
        super().__init__(tree)
        self.origin = origin
        self.lines = dict(lines or {})

    def place(self, path: Path) -> str:
        """Where a setting stands; of one that is missing, where its section begins."""
        known = (self.lines.get(path[:length]) for length in range(len(path), 0, -1))
        line = next((number for number in known if number is not None), None)
        return self.origin if line is None else f"{self.origin}, line {line}"


def origin(layers: Sequence[Mapping[str, Any]], path: Sequence[str], message: str = "") -> str:
    """Who says what is wrong at a path, "settings" where nobody does.

    Args:
        layers: of the user, weakest first.
        path: keys to what is wrong; of what several settings make together, those that they share.
        message: what is wrong; among settings below `path` those count that it names.
    """
    keys = tuple(path)
    named = {
        leaf: _place(layer, leaf)
        for layer in layers
        for leaf in _leaves(layer)
        if leaf[: len(keys)] == keys and len(leaf) > len(keys) and re.search(rf"\b{re.escape(leaf[-1])}\b", message)
    }
    if named:
        return " and ".join(dict.fromkeys(named.values()))
    depths = [_depth(layer, keys) for layer in layers]
    deepest = max(depths, default=0)
    if not deepest:
        return "settings"
    strongest = max(number for number, depth in enumerate(depths) if depth == deepest)
    return _place(layers[strongest], keys)


def _place(layer: Mapping[str, Any], path: Path) -> str:
    return layer.place(path) if isinstance(layer, Layer) else PYTHON


def _leaves(tree: Mapping[str, Any], above: Path = ()) -> Iterator[Path]:
    for key, value in tree.items():
        path = (*above, str(key))
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, path)
        else:
            yield path


def _depth(tree: object, path: Path) -> int:
    """How many keys of a path there are; a choice that is a bare name has its name."""
    for depth, key in enumerate(path):
        if isinstance(tree, Mapping) and key in tree:
            tree = tree[key]
        else:
            return depth + (depth > 0 and key == "name" and isinstance(tree, str))
    return len(path)
