"""What a data set promises before any question: photos, copies, neighbours, sides, clusters, and a verdict."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aas_plugin.clustering.choosing import EPS, fit_clustering, neighbouring
from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.jaccard import jaccard_graph
from aas_plugin.evaluation.feature_quality import flanks, near_duplicates, purity, stability

NEAR_DUPLICATE = 0.95
"""Cosine similarity from which two photos are near duplicates (ours).

On efficientnet_lite0 no two different photos of `coats` come nearer than .923; a photo that is saved anew with JPEG
quality 95 stays at .98 to 1, one that is cropped by 3 % at a median of .95. On real photos of nyala nothing lies
between .95 and .97, and 1.3 % of the photos have another one above.
"""

HOPELESS, WEAK = 0.25, 0.34
"""Purity at k below which features are hopeless, or weak (ours).

Of untrained efficientnet_lite0: nyala .05 and `coats` hard .16 to .22, where training ends below the untrained model
whatever is asked; `coats` of few photos .30 and .41; default .36 to .43, easy .44 to .50, where asking helps. On
twelve drawings that no limit was read off: hard .16 to .20, default .39 to .40, easy .44 to .51.
"""
GIANT = 0.35
"""Share of the photos in one cluster of the fitting clustering from which features are hopeless (ours).

Where no individual is known, this told sets best apart: .49 to .62 on five draws of `coats` hard, at most .18 on all of
easy and default and on drawn features of 150 individuals at any noise. The score told the former apart and not the
latter, and agreement with the next radii is highest where nearly all is one cluster. On twelve drawings that it was
not read off: .47 to .61 on hard, at most .20 on easy and default.
"""


def check_data(
    features: NDArray[np.float32],
    hashes: list[str],
    identity: NDArray[np.object_],
    orientation: NDArray[np.object_],
    given: dict[str, Any],
    train: NDArray[np.int64],
    seed: int = 0,
) -> dict[str, Any]:
    """Measure a data set on the features of an untrained model.

    Copies of a file count once wherever neighbours are looked at: a copy would be the nearest neighbour of its
    original and of the same individual.

    Args:
        features: float32 (N, D), L2-normalised rows.
        hashes: N content hashes.
        identity: object (N,), None where unknown.
        orientation: object (N,), None where unknown.
        given: settings of clustering that are numbers.
        train: int64, images that a run would train on, from which it chooses how to cluster.
        seed: of the run.

    Returns:
        Numbers by name, without NaN; None for what cannot be measured.
    """
    n = len(features)
    first = np.unique(np.array(hashes, dtype=str), return_index=True)[1]
    once = np.sort(first)
    names, individual = _numbered(identity)
    photos = np.bincount(individual[individual >= 0], minlength=len(names))
    result: dict[str, Any] = {
        "images": n,
        "identified": int((individual >= 0).sum()),
        "individuals": len(names),
        "photos_median": float(np.median(photos)) if len(photos) else None,
        "photos_largest": int(photos.max(initial=0)) or None,
        "singletons": int((photos == 1).sum()),
        "exact_duplicates": n - len(once),
        "near_duplicates": near_duplicates(features[once], NEAR_DUPLICATE) if n else 0,
        "purity": None,
        "flanks": None,
        "clustering": None,
    }
    if len(once) > 1:
        pure = purity(features[once], individual[once])
        sides = flanks(features[once], orientation[once], individual[once])
        result["purity"] = None if pure is None else pure._asdict()
        if sides is not None:
            alone = None if sides.alone is None else sides.alone._asdict()
            result["flanks"] = {**sides._asdict(), "alone": alone}
    if len(train) > 1:
        result["clustering"] = _clustering(features[train], given, seed)
    result["verdict"], result["advice"] = verdict(result)
    return result


def _clustering(features: NDArray[np.float32], given: dict[str, Any], seed: int) -> dict[str, Any]:
    fitted = fit_clustering(features, **given, seed=seed)
    k1, k2, eps, min_samples, score = fitted
    beside = list(neighbouring(EPS, eps))
    graph = jaccard_graph(features, k1, k2, radius=max(eps, *beside))
    labels = dbscan(graph, eps, min_samples)
    clusters = np.bincount(labels[labels >= 0]) if (labels >= 0).any() else np.zeros(0, dtype=np.int64)
    return {
        **fitted._asdict(),
        "score": round(score, 4),
        "clusters": len(clusters),
        "clustered": float((labels >= 0).mean()),
        "largest": float(clusters.max(initial=0) / len(labels)),
        "stability": stability(graph, labels, beside, min_samples),
    }


def verdict(result: dict[str, Any]) -> tuple[str, str]:
    """Judge what `check_data` measured.

    Args:
        result: numbers by name.

    Returns:
        "good", "weak", "hopeless" or "unknown", and one paragraph: why, and what to do.
    """
    pure, sides, clustering = result["purity"], result["flanks"], result["clustering"]
    remedies = ["another backbone (--set backbone=...)", "crops to the animal", "more photos of each individual"]
    if sides is not None and sides["neighbours"] - sides["neighbours_chance"] > 0.2:
        remedies.insert(2, "one flank at a time, as near photos rather share the flank than the individual")
    advice = f"Try {', '.join(remedies[:-1])} or {remedies[-1]}, and run this check again."
    if pure is not None and pure["images"] >= 20:
        near = pure["at_k"]
        seen = f"Of the photos that are nearest to one, {near:.0%} are of its individual"
        if near < max(HOPELESS, 2 * pure["at_k_chance"]):
            return "hopeless", f"{seen}: neither questions nor training will help much. {advice}"
        if near < WEAK:
            return "weak", (
                f"{seen}: questions help the pseudo-labels, but training may not beat the untrained model; "
                f"look at the first row of a run's table. {advice}"
            )
        return "good", f"{seen}: asking and training should help. Start with `aas run --dataset DATA`."
    if result["images"] - result["exact_duplicates"] < 20 or clustering is None:
        return (
            "unknown",
            "There are too few different photos for a verdict; 20 are the least, some hundreds are better.",
        )
    seen = (
        f"Without known individuals this is a guess: {clustering['clusters']} clusters hold "
        f"{clustering['clustered']:.0%} of the photos"
    )
    if clustering["clusters"] < 2 or clustering["largest"] > GIANT:
        return "hopeless", f"{seen}, and the largest holds {clustering['largest']:.0%}: no group stands out. {advice}"
    # Noise, too, can fall into many small clusters, so this is never called good.
    return "unknown", (
        f"{seen}, and none is too large, so nothing speaks against the features. Name the individuals of a few dozen "
        "photos (a CSV with path and identity) for a sharper check, or start with `aas run --dataset DATA`; after the "
        "first answers it says whether the features are good enough."
    )


def _numbered(identity: NDArray[np.object_]) -> tuple[list[str], NDArray[np.int64]]:
    names = sorted({str(name) for name in identity if name is not None})
    position = {name: number for number, name in enumerate(names)}
    return names, np.array([-1 if name is None else position[str(name)] for name in identity], dtype=np.int64)
