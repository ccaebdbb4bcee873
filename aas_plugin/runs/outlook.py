"""How a labelling run stands and what is still to come, in its folder: for the page, the terminal and the stop rule.

`outlook.json` holds `groups`, how many groups of two photos or more there are, and `single` photos; `individuals`,
`wrong_merges`, `wrong_splits` and `remaining` questions, each with `value`, `low` and `high`, or null where nothing can
be said, or, of questions, where more are left than there are photos; `answers` to questions of the run; `calibrating`,
`audits` and `error`, see `aas_plugin.individuals.outlook`; `reason`, why there is no promise, or ""; `target`, ""
without one, and what of it is `reached`, "" for nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aas_plugin.constraints.evidence import evidence_of
from aas_plugin.files import json_if_readable, read_table, write_table
from aas_plugin.individuals.outlook import outlook
from aas_plugin.individuals.standing import standing_of
from aas_plugin.individuals.targets import Target
from aas_plugin.training.seeds import seeded_rng

if TYPE_CHECKING:
    from aas_plugin.clustering.graph import Graph
    from aas_plugin.runs.run import Run

FILE = "outlook.json"

NAMES = "names.parquet"
"""File in the run's folder, a row a photo: `path`, `group`, int64 from 0, `confidence`, how likely it is of the
individual that most of its group are, or, by itself, of none of another group, `nearest`, the most likely other group
or -1, and `nearest_probability`, how likely that is the same individual; NaN where nothing can be said."""


def outlook_of(
    run: Run, features: np.ndarray, graph: Graph, labels: np.ndarray, targets: Sequence[Target] = ()
) -> dict[str, Any]:
    """How a run stands; what of it concerns single photos is written into its folder, see `NAMES`.

    Args:
        run: the run.
        features: float32 (N, D), L2-normalised rows, of its training images.
        graph: distances between them.
        labels: int64 (N,), in which every answer holds; -1 for a photo in no group.
        targets: what is wanted.

    Returns:
        What `outlook.json` holds, without `target` and `reached`.
    """
    paths = run.catalogue.table["path"].iloc[run.train].to_list()
    answers = run.active.answers()
    evidence = evidence_of(answers, {path: place for place, path in enumerate(paths)})
    rng = seeded_rng(run.settings.seed, len(answers), "outlook")
    standing = standing_of(labels, run.active.judged_by(graph), features, evidence, rng)
    drawn = standing.partitions(rng)
    nearest, likely = standing.nearest()
    group = standing.joins.group
    unsure = not len(standing.calibrating)
    table = pd.DataFrame({"path": paths, "group": group, "nearest": nearest[group]})
    # Nobody is mixed up with a photo by itself, but it may be of an individual that has a group.
    single = np.bincount(group)[group] == 1
    table["confidence"] = np.nan if unsure else np.where(single, standing.alone()[group], drawn.right)
    table["nearest_probability"] = np.where(unsure | (nearest < 0), np.nan, likely)[group]
    write_table(run.folder / NAMES, table)
    wanted = {str(one.quantity): one.most for one in targets}
    asked = sum(answer.cycle > 0 for answer in answers)
    told = outlook(standing, drawn, wanted)
    if told["remaining"] is not None and told["remaining"]["value"] > len(paths):
        # What answers teach on such a long way would make any number wrong.
        told["remaining"] = None
    groups, single = count_groups(labels)
    return {"groups": groups, "single": single, "answers": asked, **told}


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


def names_are_whole(folder: Path) -> bool:
    """Whether what is known of single photos is in a run's folder, and can be read."""
    try:
        read_table(folder / NAMES)
    except (OSError, ValueError):
        return False
    return True


def outlook_in_words(outlook: Mapping[str, Any]) -> str:
    """What an outlook says, in one or two plain sentences; blank where there is none."""
    if not outlook:
        return ""
    groups = _count(outlook["groups"], "group")
    done = f"Reached: {outlook['reached']}. " if outlook.get("reached") else ""
    merges, splits = outlook.get("wrong_merges"), outlook.get("wrong_splits")
    if merges is None or splits is None:
        reason = outlook.get("reason") or "too little is known"
        return f"{done}{groups} so far; how many are wrong cannot be said: {reason}."
    wrong = (
        f"in {groups} about {_count(_number(merges), 'wrong merge')} {_interval(merges)} and about "
        f"{_count(_number(splits), 'wrong split')} {_interval(splits)}"
    )
    if "audits" in outlook:
        wrong += f", by {_answers(outlook)}"
    if done:
        return f"{done}{wrong[0].upper()}{wrong[1:]}."
    remaining = outlook.get("remaining")
    wrong = f"{'more questions are left than there are photos' if remaining is None else _about(remaining)}; {wrong}"
    reason = outlook.get("reason")
    return f"{wrong[0].upper()}{wrong[1:]}." + (f" No promise: {reason}." if reason else "")


def count_in_words(outlook: Mapping[str, Any]) -> list[str]:
    """How many individuals there are, and on what that rests, in sentences."""
    told = outlook.get("individuals")
    groups, single = outlook["groups"], outlook.get("single", 0)
    found = f"{_count(groups + single, 'individual')} by the groups as they are ({single:,} of them single photos)"
    if told is None:
        return [f"{found}; how many there are cannot be said: {outlook.get('reason') or 'too little is known'}."]
    low, high = math.floor(told["low"]), math.ceil(told["high"])
    sentences = [
        f"About {_count(round(told['value']), 'individual')}, between {low:,} and {high:,} (95 %).",
        f"{found}.",
        f"This rests on {_answers(outlook)}; about {100 * outlook['error']:.1f} % are taken to be wrong.",
    ]
    if outlook.get("reason"):
        sentences.append(f"Take it with care: {outlook['reason']}.")
    return sentences


def _answers(outlook: Mapping[str, Any]) -> str:
    checks = _count(outlook["audits"], "of them a random check", "of them random checks")
    return f"{_count(outlook['answers'], 'answer')}, {checks}"


def _about(remaining: Mapping[str, Any]) -> str:
    return f"about {_count(round(float(remaining['value'])), 'more question')}"


def _count(count: int, what: str, many: str = "") -> str:
    return f"{count:,} {what if count == 1 else many or what + 's'}"


def _number(estimate: Mapping[str, Any]) -> int:
    return round(float(estimate["value"]))


def _interval(estimate: Mapping[str, Any]) -> str:
    return f"({round(float(estimate['low']))} to {round(float(estimate['high']))})"
