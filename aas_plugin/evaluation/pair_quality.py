"""How well evidence about pairs finds photos of the same individual, beside features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from aas_plugin.evaluation.retrieval import retrieval_metrics
from aas_plugin.fusion.fitting import prior_fusion
from aas_plugin.fusion.graph import Candidates
from aas_plugin.fusion.sources import Source

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

QUERIES = 1000
"""Photos at most that are searched for; of more, so many are drawn."""

FEATURES, TOGETHER = "features", "together"


def pair_quality(
    features: NDArray[np.float32], sources: Sequence[Source], near: Ints, identity: NDArray[np.object_], seed: int = 0
) -> dict[str, dict[str, float]]:
    """Search for each photo among all others, by features, by each source that is a similarity, and by all together.

    Together they are added up on a common scale, as before any answer: `prior_fusion`.

    Args:
        features: float32 (N, D), L2-normalised rows.
        sources: evidence about pairs.
        near: int64 (N, k), the nearest images of each image by features, itself first.
        identity: object (N,), None where unknown; such photos are left out.
        seed: of the draw of the queries.

    Returns:
        By ranking: `mAP` and `top1`, in [0, 1], over photos whose individual has another one; empty without any.
    """
    named = np.array([one is not None for one in identity], dtype=bool)
    counts = {name: int((identity[named] == name).sum()) for name in set(identity[named].tolist())}
    queries = np.array([place for place in np.flatnonzero(named) if counts[identity[place]] > 1], dtype=np.int64)
    if not len(queries):
        return {}
    if len(queries) > QUERIES:
        queries = np.sort(np.random.default_rng(seed).permutation(queries)[:QUERIES])
    own = Source(FEATURES, lambda pairs: np.einsum("ij,ij->i", features[pairs[:, 0]], features[pairs[:, 1]]))
    candidates = Candidates([own, *sources], near)
    weights = prior_fusion(candidates.z, candidates.similar, len(features)).weights
    shown = [place for place, source in enumerate(candidates.sources) if source.is_similarity]
    names = [candidates.sources[place].name for place in shown] + [TOGETHER] * (len(shown) > 1)
    gallery = np.flatnonzero(named)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for query in queries.tolist():
        others = gallery[gallery != query]
        z = candidates.z_of(np.stack([np.full(len(others), query), others], axis=1))
        for name, score in zip(names, [*z.T[shown], z @ weights], strict=False):
            told = retrieval_metrics(score[None], identity[[query]], identity[others])
            found[name].append((told["mAP"], told["top1"]))
    return {
        name: {"mAP": float(np.mean([one for one, _ in told])), "top1": float(np.mean([first for _, first in told]))}
        for name, told in found.items()
    }


def evidence_in_words(quality: Mapping[str, Mapping[str, float]], name: str) -> str:
    """Say that evidence finds individuals better than features do; "" where it does not, or nothing is known.

    Args:
        quality: of each ranking, see `pair_quality`.
        name: what the evidence is chosen by.
    """
    if FEATURES not in quality:
        return ""
    best = max(quality, key=lambda ranking: quality[ranking]["mAP"])
    before, after = quality[FEATURES]["mAP"], quality[best]["mAP"]
    if after <= before:
        return ""
    return (
        f" That is of features alone: with evidence={name} individuals are found with a mean average precision of "
        f"{after:.3f} in the place of {before:.3f}, so keep it in the run: `aas run --dataset DATA --set "
        f"evidence={name}`."
    )
