"""The probability with which each pair of the pools is asked."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def pair_distribution(
    over_sim: NDArray[np.float32],
    under_sim: NDArray[np.float32],
    under_type: NDArray[np.int64],
    under_region: NDArray[np.int64],
    inconsistent: NDArray[np.int64],
    epsilon: float = 0.6,
    pi: Sequence[float] | None = None,
    *,
    even_regions: bool = False,
    even_pairs: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distribute probability over both pools, which have no pair in common.

    Source: paper, equations 4 to 6: `epsilon` of the mass goes to the over-segmentation pool in proportion
    to similarity, the rest to the under-segmentation pool as π(type) ρ(region | type) ω(pair | both).

    Ours: π is the share of the type in the pool unless it is given. ρ is proportional to the inconsistent pairs
    of the region and type. ω is proportional to similarity. π and ρ are normalised over what the pool still
    holds. Where every similarity of a pool or cell is 0, similarity is replaced by a constant. Where the given
    weights of all types that the pool holds are 0, π is replaced by the shares. An empty pool leaves its mass to the
    other.

    Args:
        over_sim: float32 (P,), similarity in [0, 1] of the over-segmentation pool.
        under_sim: float32 (Q,), similarity in [0, 1] of the under-segmentation pool.
        under_type: int64 (Q,), 0 inlier-inlier, 1 inlier-outlier, 2 outlier-outlier.
        under_region: int64 (Q,), regions 0..M-1.
        inconsistent: int64 (M, 3), inconsistent pairs by region and type, before the closest are chosen.
        epsilon: mass of the over-segmentation pool, in [0, 1].
        pi: weight of each of the three types, not negative, not all 0; None for their shares.
        even_regions: whether ρ is the same for all regions of a type.
        even_pairs: whether ω is the same for all pairs of a region and type.

    Returns:
        float64 (P,) and float64 (Q,), which sum to 1 together, or to 0 where both are empty.

    Raises:
        ValueError: the result is no distribution, because a similarity, `epsilon` or `pi` is out of range.
    """
    if len(under_sim) == 0:
        epsilon = 1.0
    elif len(over_sim) == 0:
        epsilon = 0.0
    over = epsilon * _proportional(over_sim.astype(np.float64), np.zeros(len(over_sim), dtype=np.int64))
    under = (1 - epsilon) * _under(
        np.ones_like(under_sim) if even_pairs else under_sim,
        under_type,
        under_region,
        np.ones_like(inconsistent) if even_regions else inconsistent,
        pi,
    )
    both = np.concatenate([over, under])
    if len(both) and not ((both >= 0).all() and np.isclose(both.sum(), 1, rtol=0, atol=1e-9)):
        raise ValueError(
            f"the probabilities of the sampling pool start at {both.min()} and sum to {both.sum()}, not 1: "
            "keep the similarities and epsilon in [0, 1] and the weights pi at 0 or more."
        )
    return over, under


def _under(
    sim: NDArray[np.float32],
    kind: NDArray[np.int64],
    region: NDArray[np.int64],
    inconsistent: NDArray[np.int64],
    pi: Sequence[float] | None,
) -> NDArray[np.float64]:
    """π ρ ω of each pair, float64 (Q,)."""
    if len(sim) == 0:
        return np.empty(0)
    shares = np.bincount(kind, minlength=3).astype(np.float64)
    weights = shares if pi is None else np.where(shares > 0, pi, 0.0)
    if weights.sum() == 0:
        weights = shares
    cells, cell = np.unique(region * 3 + kind, return_inverse=True)
    cell_type = cells % 3
    rho = _proportional(inconsistent[cells // 3, cell_type].astype(np.float64), cell_type)
    omega = _proportional(sim.astype(np.float64), cell)
    return np.asarray((weights / weights.sum())[kind] * rho[cell] * omega)


def _proportional(values: NDArray[np.float64], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """Values divided by the sum of their group, equal shares in a group of zeros."""
    sums = np.bincount(groups, weights=values)[groups]
    sizes = np.bincount(groups)[groups]
    return np.where(sums > 0, values / np.where(sums > 0, sums, 1), 1 / sizes)
