"""Samplers to compare ambiguity-aware sampling with."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aas_plugin.clustering.pairs import numbered_pairs
from aas_plugin.sampling.proposal import KnownPairs, proposal

_REJECTION_ROUNDS = 8
_PAIRS_AT_ONCE = 1 << 20


def random_pairs(n: int, budget: int, rng: np.random.Generator, known: KnownPairs) -> pd.DataFrame:
    """Draw pairs uniformly among those that are not known, without replacement.

    Memory grows with `budget`, not with `n` squared. Where nearly all pairs are known, every pair is looked
    at once.

    Args:
        n: number of images, up to 40 million.
        budget: most pairs to ask, at least 0; fewer are drawn where fewer are left.
        rng: decides the draw.
        known: from pairs, int64 (P, 2), to whether each needs no question, bool (P,).

    Returns:
        One row a pair in the order drawn: u < v, kind "random". Probability and similarity are NaN, and type,
        region_u and region_v are -1, as none of them is computed.
    """
    total = n * (n - 1) // 2
    budget = min(budget, total)
    chosen = np.empty(0, dtype=np.int64)
    for _ in range(_REJECTION_ROUNDS):
        missing = budget - len(chosen)
        if missing == 0:
            break
        numbers = np.concatenate([chosen, rng.integers(total, size=2 * missing)])
        _, first = np.unique(numbers, return_index=True)
        fresh = numbers[np.sort(first)][len(chosen) :]
        chosen = np.concatenate([chosen, fresh[~known(numbered_pairs(fresh))]])[:budget]
    if len(chosen) < budget:
        chosen = np.concatenate([chosen, _exhaust(total, budget - len(chosen), chosen, rng, known)])
    size = len(chosen)
    return proposal(
        pairs=numbered_pairs(chosen),
        kind=np.full(size, "random"),
        probability=np.full(size, np.nan),
        similarity=np.full(size, np.nan, dtype=np.float32),
        types=np.full(size, -1, dtype=np.int64),
        regions=np.full((size, 2), -1, dtype=np.int64),
    )


def _exhaust(
    total: int, size: int, chosen: NDArray[np.int64], rng: np.random.Generator, known: KnownPairs
) -> NDArray[np.int64]:
    """Draw up to `size` unknown pair numbers other than `chosen`: those with the smallest random keys."""
    best, best_keys = np.empty(0, dtype=np.int64), np.empty(0)
    for start in range(0, total, _PAIRS_AT_ONCE):
        numbers = np.arange(start, min(start + _PAIRS_AT_ONCE, total))
        numbers = numbers[~known(numbered_pairs(numbers)) & ~np.isin(numbers, chosen)]
        best = np.concatenate([best, numbers])
        best_keys = np.concatenate([best_keys, rng.random(len(numbers))])
        order = np.argsort(best_keys)[:size]
        best, best_keys = best[order], best_keys[order]
    return best
