"""Mean and deviation over seeds, and the signed-rank test between two samplers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aas_plugin.report.compare import Group
from aas_plugin.report.read import FinishedRun
from aas_plugin.report.settings import agree

METRICS = {"mAP": "mAP", "mINP": "mINP", "top1": "top-1", "BAKS": "BAKS", "AUC_ROC": "AUC-ROC"}
LEVEL = 0.05

Value = Callable[[FinishedRun], Any]


@dataclass(frozen=True)
class Stat:
    """Mean and sample standard deviation (n - 1) of the n values that are known; NaN where n is too small."""

    mean: float
    deviation: float
    n: int


def stat(values: Iterable[Any]) -> Stat:
    """Summarise values; None and NaN are unknown."""
    known = [value for value in map(number, values) if not math.isnan(value)]
    mean = float(np.mean(known)) if known else math.nan
    return Stat(mean, float(np.std(known, ddof=1)) if len(known) > 1 else math.nan, len(known))


def number(value: Any) -> float:
    """A value of a report, in which unknown is None, as a float, in which it is NaN."""
    return math.nan if value is None else float(value)


@dataclass(frozen=True)
class SignedRank:
    """Wilcoxon's signed-rank test between two samplers.

    Attributes:
        one: a sampler.
        other: another one.
        n: pairs of runs, equal but for the sampler.
        equal: pairs without a difference, which the test leaves out.
        wins: pairs in which `one` is better.
        difference: mean of one minus other, NaN without pairs.
        statistic: the smaller sum of ranks; None where no p below `LEVEL` is possible.
        p: two-sided; None as well.
    """

    one: str
    other: str
    n: int
    equal: int
    wins: int
    difference: float
    statistic: float | None
    p: float | None

    @property
    def smallest_p(self) -> float:
        """The smallest two-sided p that so many pairs can give."""
        return min(1.0, 2.0 ** (1 - (self.n - self.equal)))


def final_mAP(run: FinishedRun) -> Any:
    """The mAP after the last cycle, None where it was not measured."""
    return run.final.get("mAP")


def paired(one: Sequence[Group], other: Sequence[Group], value: Value = final_mAP) -> list[tuple[float, float]]:
    """Values of runs that share method, data set, seed and settings, as (of one, of other).

    A run stands in one pair: where several match it, as those of all refiners match one that asked nothing, with their
    mean.
    """
    import networkx as nx

    matches = nx.Graph()
    values: dict[FinishedRun, float] = {}
    for a in one:
        for b in other:
            if (a.dataset, a.method) == (b.dataset, b.method) and agree(a.settings, b.settings):
                of_seed = {run.seed: run for run in b.runs}
                for run, beside in ((run, of_seed[run.seed]) for run in a.runs if run.seed in of_seed):
                    u, v = value(run), value(beside)
                    if u is not None and v is not None:
                        values |= {run: float(u), beside: float(v)}
                        matches.add_edge(run, beside)
    first = {run for group in one for run in group.runs}

    def mean(runs: set[FinishedRun]) -> float:
        return float(np.mean(sorted(values[run] for run in runs)))

    return [(mean(runs & first), mean(runs - first)) for runs in nx.connected_components(matches)]


def signed_rank(one: str, other: str, pairs: Sequence[tuple[float, float]]) -> SignedRank:
    """Test whether the differences of pairs are symmetric around zero, two-sided (scipy's)."""
    from scipy.stats import wilcoxon

    differences = np.array([u - v for u, v in pairs], dtype=np.float64)
    equal = int((differences == 0).sum())
    mean = float(differences.mean()) if len(pairs) else math.nan
    told = SignedRank(one, other, len(pairs), equal, int((differences > 0).sum()), mean, None, None)
    if told.smallest_p > LEVEL:
        return told
    result = wilcoxon(differences)
    return SignedRank(one, other, told.n, equal, told.wins, mean, float(result.statistic), float(result.pvalue))


def signed_ranks(groups: Sequence[Group], value: Value = final_mAP) -> list[SignedRank]:
    """The test for every two samplers, the last listed first; a run whose value is None has no part in it."""
    samplers = list(dict.fromkeys(group.sampler for group in groups))[::-1]
    of = {name: [group for group in groups if group.sampler == name] for name in samplers}
    return [
        signed_rank(one, other, paired(of[one], of[other], value))
        for place, one in enumerate(samplers)
        for other in samplers[place + 1 :]
    ]
