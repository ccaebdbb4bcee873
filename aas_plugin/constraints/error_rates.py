"""How often people err, from pairs that were looked at more than once and of which nobody knows the truth.

The model is that of Dawid & Skene (1979), "Maximum likelihood estimation of observer error-rates using the EM
algorithm", with one coin a person: the two images of a pair are the same with probability p, and each look of person j
is wrong with probability e_j <= 1/2, whatever the truth, independently of all other looks.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LARGEST = 0.5
"""Who errs more often than this would say the opposite of the truth; looks alone cannot tell that from the truth."""

SHRUNK = 10.0
"""Looks at the common rate that each person's estimate counts beside their own.

Two people who check each other only tell how often both err together: without these looks chance would put all errors
on one of them. Intervals do without.
"""

TWO_SIDED, ONE_SIDED = 1.9207, math.log(20)
"""Logarithms of likelihood by which the ends of a 95 % interval lie below the best.

The first is half the quantile of chi-squared; the second is for the upper end where a rate of 0 is in the interval: n
looks without an error give 3 / n, the rule of three, where the first would give 1.92 / n, which is too low in 15 %.
"""

GRID = LARGEST * np.linspace(0, 1, 101) ** 2
TINY = 1e-12
STEPS, GAIN = 200, 1e-5
"""Most steps of the maximisation, and the gain in logarithm of likelihood below which it ends."""


@dataclass(frozen=True)
class ErrorRate:
    """A person's error rate, in [0, 1/2].

    Attributes:
        rate: estimate.
        low: lower end of the 95 % interval, which contains the estimate.
        high: upper end.
    """

    rate: float
    low: float
    high: float


def error_rates(pairs: Sequence[Sequence[tuple[str, bool]]]) -> dict[str, ErrorRate]:
    """Each person's error rate.

    Estimates are those of greatest likelihood, drawn towards the rate that is common to all by `SHRUNK` looks.
    Intervals are those of the profile likelihood: all other rates and the share of "same" are chosen as they fit best.

    Args:
        pairs: the looks at each pair, at least two: who looked, and whether they say "same". Two looks of one person
            are two throws of the same coin.

    Returns:
        The rate of each person who looked at a pair of two looks and more.
    """
    checked = [looks for looks in pairs if len(looks) > 1]
    people = sorted({person for looks in checked for person, _ in looks})
    if not people:
        return {}
    patterns = _Patterns.of(checked, people)
    common, share = patterns.common()
    start = np.full((1, len(people)), common), np.array([share])
    free = np.zeros(start[0].shape, dtype=bool)
    estimate, _, _ = patterns.climb(*start, free, prior=common)
    best = patterns.climb(*start, free)[2].max()
    found = {}
    for place, person in enumerate(people):
        profile = patterns.profile(place, common, share)
        below = max(best, profile.max()) - profile
        rate = round(float(estimate[0, place]), 9)
        low, high = _ends(below)
        found[person] = ErrorRate(rate, min(low, rate), max(high, rate))
    return found


@dataclass(frozen=True)
class _Patterns:
    """Distinct ways in which U pairs were judged by P people.

    Attributes:
        same: float64 (U, P), how many looks of each person say "same".
        different: float64 (U, P), how many say "different".
        weight: float64 (U,), how many pairs were judged in this way.
    """

    same: Floats
    different: Floats
    weight: Floats

    @classmethod
    def of(cls, pairs: Sequence[Sequence[tuple[str, bool]]], people: Sequence[str]) -> _Patterns:
        place = {person: number for number, person in enumerate(people)}
        counts: Counter[tuple[tuple[int, bool], ...]] = Counter(
            tuple(sorted((place[person], said) for person, said in looks)) for looks in pairs
        )
        said = np.zeros((2, len(counts), len(people)))
        for row, pattern in enumerate(sorted(counts)):
            for person, same in pattern:
                said[int(same), row, person] += 1
        return cls(said[1], said[0], np.array([counts[pattern] for pattern in sorted(counts)], dtype=np.float64))

    @property
    def looks(self) -> Floats:
        """Looks of each person: float64 (P,)."""
        return self.weight @ (self.same + self.different)

    def common(self) -> tuple[float, float]:
        """The error rate that fits best if all people have the same one, and the share of "same"."""
        together = _Patterns(
            self.same.sum(axis=1, keepdims=True), self.different.sum(axis=1, keepdims=True), self.weight
        )
        rates = np.array([[0.02], [0.1], [0.3]])
        error, share, likelihood = together.climb(rates, np.full(3, 0.5), np.zeros((3, 1), dtype=bool))
        best = int(likelihood.argmax())
        return float(error[best, 0]), float(share[best])

    def profile(self, person: int, common: float, share: float) -> Floats:
        """Greatest logarithm of likelihood at each rate of `GRID` of one person: float64 (G,)."""
        size = len(GRID)
        rates = np.repeat([common, 0.02, 0.3], size)
        error = np.tile(rates[:, None], (1, self.same.shape[1]))
        error[:, person] = np.tile(GRID, 3)
        held = np.zeros(error.shape, dtype=bool)
        held[:, person] = True
        shares = np.repeat([share, share, 0.5], size)
        return self.climb(error, shares, held)[2].reshape(3, size).max(axis=0)

    def climb(
        self, error: Floats, share: Floats, held: NDArray[np.bool_], prior: float | None = None
    ) -> tuple[Floats, Floats, Floats]:
        """Expectation maximisation from B starts at once.

        Args:
            error: (B, P), rates to start from.
            share: (B,), shares of "same" to start from.
            held: (B, P), rates that stay as they are.
            prior: rate of the looks that each person is given beside their own, None for none.

        Returns:
            Rates and shares of the greatest likelihood, and its logarithm, (B,).
        """
        extra, at = (0.0, 0.0) if prior is None else (SHRUNK, prior)
        error, share, likelihood = error.copy(), share.copy(), np.full(len(share), -np.inf)
        rising = np.arange(len(share))
        for _ in range(STEPS):
            log_same, log_different = self._joint(error[rising], share[rising])
            either = np.logaddexp(log_same, log_different)
            found = either @ self.weight
            # With a prior this is not what rises, so that only the number of steps ends it.
            more = (found > likelihood[rising] + GAIN) | (prior is not None)
            likelihood[rising] = found
            rising = rising[more]
            if not len(rising):
                break
            is_same = np.exp(log_same - either)[more] * self.weight
            wrong = is_same @ self.different + (self.weight - is_same) @ self.same
            fitting = np.minimum((wrong + extra * at) / (self.looks + extra), LARGEST)
            error[rising] = np.where(held[rising], error[rising], fitting)
            share[rising] = is_same.sum(axis=1) / self.weight.sum()
        return error, share, likelihood

    def _joint(self, error: Floats, share: Floats) -> tuple[Floats, Floats]:
        """Logarithm of P(looks, truth) of each way, the truth being "same" and "different": float64 (B, U) each."""
        right, wrong = np.log(np.clip(1 - error, TINY, 1)), np.log(np.clip(error, TINY, 1))
        yes, no = (np.log(np.clip(one, TINY, 1))[:, None] for one in (share, 1 - share))
        return (
            yes + right @ self.same.T + wrong @ self.different.T,
            no + wrong @ self.same.T + right @ self.different.T,
        )


def _ends(below: Floats) -> tuple[float, float]:
    """The interval of rates whose profile lies little below the best one.

    Args:
        below: (G,), how far the logarithm of the profile likelihood lies below the best, by `GRID`.
    """
    best = int(below.argmin())
    low = 0.0
    if below[0] > TWO_SIDED:
        low = float(np.interp(-TWO_SIDED, -below[: best + 1], GRID[: best + 1]))
    limit = TWO_SIDED if low > 0 else ONE_SIDED
    outside = np.flatnonzero(below[best:] > limit)
    if not len(outside):
        return low, LARGEST
    after = best + int(outside[0])
    high = float(np.interp(limit, below[after - 1 : after + 1], GRID[after - 1 : after + 1]))
    return low, high
