"""The table of pairs that a sampler proposes to ask."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

KnownPairs = Callable[[NDArray[np.int64]], NDArray[np.bool_]]
"""Tells of pairs, int64 (P, 2), which need no question, bool (P,)."""


def proposal(
    pairs: NDArray[np.int64],
    kind: NDArray[np.str_],
    probability: NDArray[np.float64],
    similarity: NDArray[np.float32],
    types: NDArray[np.int64],
    regions: NDArray[np.int64],
) -> pd.DataFrame:
    """Make the table, one row a pair, in the order of asking.

    Args:
        pairs: int64 (P, 2), u < v.
        kind: str (P,), the sampler's name for what a pair is to resolve.
        probability: float64 (P,), in the whole pool; NaN where it is not known.
        similarity: float32 (P,), in [0, 1]; NaN where it is not known.
        types: int64 (P,), 0 inlier-inlier, 1 inlier-outlier, 2 outlier-outlier; -1 where it is not known.
        regions: int64 (P, 2), regions of both images, -1 for none.

    Returns:
        Columns u, v, kind, probability, similarity, type, region_u, region_v.
    """
    return pd.DataFrame(
        {
            "u": pairs[:, 0],
            "v": pairs[:, 1],
            "kind": pd.Series(kind, dtype="str"),
            "probability": probability,
            "similarity": similarity.astype(np.float64),
            "type": types,
            "region_u": regions[:, 0],
            "region_v": regions[:, 1],
        }
    )
