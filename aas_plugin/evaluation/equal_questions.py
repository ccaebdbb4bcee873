"""Samplers at equal questions: quality read off curves where each has asked as many."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

SHARES = (0.25, 0.5, 0.75, 1.0)
"""Shares of the questions at which curves are compared."""

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class AtEqualQuestions:
    """One curve, beside others.

    Attributes:
        questions: the most that any of the curves asked.
        at: quality at each of `SHARES` of them.
        area: mean quality over 0 to all of them, that is, the area under the curve divided by its width.
    """

    questions: int
    at: tuple[float, ...]
    area: float


def quality_at(asked: ArrayLike, quality: ArrayLike, questions: ArrayLike) -> NDArray[np.float64]:
    """Quality after so many questions, on straight lines between what was measured.

    Who asks no more keeps the last quality: it is what the sampler leads to, for fewer questions.

    Args:
        asked: (C,), questions so far, never falling; where several are equal the last one counts.
        quality: (C,).
        questions: (Q,), at least `asked[0]`.

    Returns:
        float64 (Q,).
    """
    x, y = np.asarray(asked, dtype=np.float64), np.asarray(quality, dtype=np.float64)
    last = np.append(x[1:] != x[:-1], True)
    return np.interp(np.asarray(questions, dtype=np.float64), x[last], y[last])


def at_equal_questions(curves: Mapping[Key, tuple[Sequence[float], Sequence[float]]]) -> dict[Key, AtEqualQuestions]:
    """Compare curves that begin alike, such as those of several samplers with one seed.

    Args:
        curves: of each sampler the questions so far and the quality, both (C,), from no question on.

    Returns:
        For each sampler its quality at shares of the questions of the one that asked most.
    """
    most = max((int(asked[-1]) for asked, _ in curves.values()), default=0)
    found = {}
    for name, (asked, quality) in curves.items():
        inner = [one for one in asked if 0 < one < most]
        knots = np.array([0, *inner, most], dtype=np.float64)
        values = quality_at(asked, quality, knots)
        area = float(np.trapezoid(values, knots) / most) if most else float(values[-1])
        at = quality_at(asked, quality, [share * most for share in SHARES])
        found[name] = AtEqualQuestions(most, tuple(at.tolist()), area)
    return found
