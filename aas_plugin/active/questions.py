"""Questions about two images, and calling whoever chooses or answers them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Answerer = Callable[["Question"], str | None]
"""Answers a question with a decision, or None for "not yet"."""


@dataclass(frozen=True)
class Question:
    """One pair of images to ask about.

    Attributes:
        u: position of an image in the training set.
        v: position of the other one, u < v.
        paths: paths of both, relative to the catalogue.
        kind: which error the answer can resolve, "over" or "under" (segmentation), or a sampler's own word.
        cycle: the cycle that asks, from 1.
        repeats: id of the first answer to the question that this pair asks again; blank for a new question.
        linkage: mean similarity, in [0, 1], of the two clusters that the pair stands for; None where for none.
        crossing: how many pairs of images lie between these two; None where nobody says.
    """

    u: int
    v: int
    paths: tuple[str, str]
    kind: str
    cycle: int
    repeats: str = ""
    linkage: float | None = None
    crossing: int | None = None


def hook_or_function(given: Any, hook: str) -> Callable[..., Any]:
    """What is called: the hook of a plugin object, or the function itself."""
    found: Callable[..., Any] = getattr(given, hook, given)
    return found


def call_with_needed(function: Callable[..., Any], **offered: Any) -> Any:
    """Call a function with those of the offered arguments that it names, as pluggy calls a hook.

    Args:
        function: takes some of the arguments, by name.
        offered: all that there is to give.
    """
    plain = getattr(function, "__func__", function)
    names = _known_parameters(plain) if inspect.isfunction(plain) else _parameters(function)
    if names is None:
        return function(**offered)
    return function(**{name: value for name, value in offered.items() if name in names})


def _parameters(function: Callable[..., Any]) -> frozenset[str] | None:
    """The names that a function takes; None if it takes any."""
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return frozenset(parameter.name for parameter in parameters)


_known_parameters = lru_cache(maxsize=256)(_parameters)
