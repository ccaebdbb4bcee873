"""A new run that begins with the answers of a constraint set."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.constraints.consistency import check, refuse_contradictions
from aas_plugin.constraints.sets import images_of, locate, read_set, set_hash
from aas_plugin.data.catalogue import some_of
from aas_plugin.errors import AasError
from aas_plugin.files import read_json


@dataclass(frozen=True)
class InitialAnswers:
    """What a run begins with.

    Attributes:
        answers: to be written into its log now, by the paths of its catalogue, asked in cycle 0; none when they
            lie there already.
        constraints_hash: hash of the set they come from (see `set_hash`), None without one.
    """

    answers: list[Answer]
    constraints_hash: str | None


def initial_answers(
    path: Path | None, folder: Path, content: Mapping[str, str], trained_on: Collection[str], resume: bool
) -> InitialAnswers:
    """Read the set that a run begins with, check it, and warn of answers that have no effect.

    A resumed run has the answers in its log, and does not need the file any more.

    Args:
        path: the set, if there is one.
        folder: the run's folder.
        content: content hash of each image of the run's catalogue, by path.
        trained_on: the paths of those it is trained on.
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
        raise AasError(
            f"{folder} has answers already and cannot begin with those of {path}; use another --run-name, or add "
            f"them by `aas constraints import {path} --run-name {folder.name}`"
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
    answers = [replace(answer, cycle=0) for answer in locate(given, content)]
    refuse_contradictions(answers, str(path))
    _warn(path, answers, content, trained_on)
    return InitialAnswers(answers, digest)


def _warn(path: Path, answers: list[Answer], content: Mapping[str, str], trained_on: Collection[str]) -> None:
    found = check(answers, content)
    if found.missing:
        warnings.warn(
            f"{path}: {found.about_missing} of {found.answers} answers are about images that are not in this data "
            f"set, {len(found.missing)} in all ({some_of(found.missing)}); they are kept and have no effect here",
            stacklevel=4,
        )
    untrained = set(images_of(answers)) - set(trained_on) - set(found.missing)
    if untrained:
        count = sum(answer.a in untrained or answer.b in untrained for answer in answers)
        warnings.warn(
            f"{path}: {count} of {found.answers} answers are about images that are not trained on, "
            f"{len(untrained)} in all ({some_of(sorted(untrained))}); they are kept and have no effect here",
            stacklevel=4,
        )
    if found.changed:
        warnings.warn(
            f"{path}: of the images asked about, {len(found.changed)} changed since ({some_of(found.changed)}); the "
            "answers about them are used all the same",
            stacklevel=4,
        )
