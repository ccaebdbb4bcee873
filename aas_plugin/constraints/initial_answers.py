"""A new run that begins with the answers of a constraint set."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.constraints.consistency import refuse_contradictions
from aas_plugin.constraints.sets import locate, read_set, set_hash
from aas_plugin.errors import AasError
from aas_plugin.files import read_json


@dataclass(frozen=True)
class InitialAnswers:
    """What a run begins with.

    Attributes:
        answers: to be written into its log now, by the paths of the set, asked in cycle 0; none when they lie there
            already.
        constraints_hash: hash of the set they come from (see `set_hash`), None without one.
    """

    answers: list[Answer]
    constraints_hash: str | None


def initial_answers(path: Path | None, folder: Path, content: Mapping[str, str], resume: bool) -> InitialAnswers:
    """Read the set that a run begins with, and check it.

    A resumed run has the answers in its log, and does not need the file any more.

    Args:
        path: the set, if there is one.
        folder: the run's folder.
        content: content hash of each image of the run's catalogue, by path.
        resume: whether the run goes on.

    Raises:
        AasError: the set cannot be read or contradicts itself, it changed since a resumed run began, or the log
            of a new run has answers already.
    """
    if path is None:
        return InitialAnswers([], None)
    state = folder / "run.json"
    known = read_json(state, "remove it, and the set is not compared") if resume and state.exists() else {}
    saved = known.get("constraints_hash")
    begun = bool(AnswerLog(folder / "answers.jsonl").ids())
    if begun and not resume:
        command = f"aas constraints import {shlex.quote(str(path))} --run-name {shlex.quote(folder.name)}"
        raise AasError(
            f"{folder} has answers already and cannot begin with those of {path}; use another --run-name, or add "
            f"them by `{command}`"
        )
    if begun and not path.exists():
        return InitialAnswers([], saved)
    given = read_set(path)
    digest = set_hash(given)
    if saved not in (None, digest):
        raise AasError(
            f"{path} changed since {folder} began with it; put it back to resume the run, or begin a new one under "
            "another --run-name"
        )
    if begun:
        return InitialAnswers([], digest)
    refuse_contradictions(locate(given, content), str(path))
    return InitialAnswers([replace(answer, cycle=0) for answer in given], digest)
