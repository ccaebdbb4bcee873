"""How a labelling run stands and what is still to come, in its folder: for the page, the terminal and the stop rule.

`outlook.json` holds `groups`, how many groups of two photos or more there are; `individuals`, `wrong_merges`,
`wrong_splits` and `remaining` questions, each with `value`, `low` and `high`, or null where nothing can be said;
`answers` to questions of the run; `reason`, why there is no promise, or ""; `target`, "" without one, and whether it is
`reached`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aas_plugin.files import json_if_readable

if TYPE_CHECKING:
    from aas_plugin.clustering.graph import Graph
    from aas_plugin.runs.run import Run

FILE = "outlook.json"


def outlook_of(run: Run, features: np.ndarray, graph: Graph, labels: np.ndarray) -> dict[str, Any]:
    """How a run stands.

    Args:
        run: the run.
        features: float32 (N, D), L2-normalised rows, of its training images.
        graph: distances between them.
        labels: int64 (N,), in which every answer holds; -1 for a photo in no group.

    Returns:
        What `outlook.json` holds, without `target` and `reached`.
    """
    return {
        "groups": count_groups(labels)[0],
        "individuals": None,
        "wrong_merges": None,
        "wrong_splits": None,
        "remaining": None,
        "answers": sum(answer.cycle > 0 for answer in run.active.answers()),
        "reason": "it is not estimated yet",
    }


def count_groups(labels: np.ndarray) -> tuple[int, int]:
    """Groups of two photos or more, and photos in none.

    Args:
        labels: int64 (N,), -1 for a photo in no group.
    """
    sizes = np.bincount(labels[labels >= 0])
    groups = int((sizes > 1).sum())
    return groups, len(labels) - int(sizes[sizes > 1].sum())


def read_outlook(folder: Path) -> dict[str, Any]:
    """The outlook in a run's folder, empty where there is none that can be read."""
    found = json_if_readable(folder / FILE)
    return found if isinstance(found.get("groups"), int) else {}


def outlook_in_words(outlook: Mapping[str, Any]) -> str:
    """What an outlook says, in one or two plain sentences."""
    groups = _count(outlook["groups"], "group")
    merges, splits = outlook.get("wrong_merges"), outlook.get("wrong_splits")
    if merges is None or splits is None:
        reason = outlook.get("reason") or "too little is known"
        return f"{groups} so far; how many are wrong cannot be said: {reason}."
    wrong = (
        f"of {groups} about {_number(merges)} {_verb(merges, 'joins', 'join')} two animals {_interval(merges)}, and "
        f"about {_number(splits)} {_verb(splits, 'animal is', 'animals are')} split {_interval(splits)}"
    )
    if outlook.get("reached") and outlook.get("target"):
        return f"Reached: {outlook['target']}. {wrong[0].upper()}{wrong[1:]}."
    remaining = outlook.get("remaining")
    if remaining is not None:
        wrong = f"{_about(remaining)}; {wrong}"
    reason = outlook.get("reason")
    return f"{wrong[0].upper()}{wrong[1:]}." + (f" No promise: {reason}." if reason else "")


def _about(remaining: Mapping[str, Any]) -> str:
    return f"about {_count(round(float(remaining['value'])), 'more question')}"


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _number(estimate: Mapping[str, Any]) -> int:
    return round(float(estimate["value"]))


def _verb(estimate: Mapping[str, Any], one: str, many: str) -> str:
    return one if _number(estimate) == 1 else many


def _interval(estimate: Mapping[str, Any]) -> str:
    return f"({round(float(estimate['low']))} to {round(float(estimate['high']))})"
