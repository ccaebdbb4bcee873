"""Closed-set retrieval: mAP, mINP, CMC and balanced accuracy."""

import numpy as np
import numpy.typing as npt
import pandas as pd

RANKS = (1, 3, 5, 10)
_CHUNK_CELLS = 2**20


def retrieval_metrics(
    similarity: npt.NDArray[np.float32],
    query_identity: npt.ArrayLike,
    gallery_identity: npt.ArrayLike,
    query_camera: npt.ArrayLike | None = None,
    gallery_camera: npt.ArrayLike | None = None,
) -> dict[str, float]:
    """Measure how high each query ranks the gallery images of its own individual.

    Means are over the queries with at least one match in the gallery, except for BAKS (balanced accuracy on
    known samples, from WildlifeReID-10k), which is the mean over their individuals of the individual's top-1
    accuracy. INP of a query is its number of matches divided by the rank of the last one. Average precision
    is the mean precision at the ranks of the matches, without interpolation. Among equal similarities the
    lower gallery index comes first.

    Args:
        similarity: float32 (Q, G), finite, higher is more alike.
        query_identity: (Q,) labels; NA matches nothing.
        gallery_identity: (G,) labels; NA matches nothing.
        query_camera: (Q,) labels. If given, a query ignores gallery images of its own individual from its own
            camera, as in Market-1501; NA is no camera's image.
        gallery_camera: (G,) labels, given together with `query_camera`.

    Returns:
        mAP, mINP, top1, top3, top5, top10 and BAKS in [0, 1]; all nan if no query has a match.

    Raises:
        ValueError: shapes disagree, or the cameras of only one side are given.
    """
    queries, galleries = similarity.shape
    query, gallery = _codes(query_identity, gallery_identity, similarity.shape)
    if (query_camera is None) != (gallery_camera is None):
        raise ValueError("give the cameras of both the queries and the gallery, or of neither")
    cameras = None
    if query_camera is not None and gallery_camera is not None:
        cameras = _codes(query_camera, gallery_camera, similarity.shape)

    precision, penalty = np.full(queries, np.nan), np.full(queries, np.nan)
    first = np.full(queries, np.nan)
    step = max(1, _CHUNK_CELLS // max(1, galleries))
    for start in range(0, queries if galleries else 0, step):
        rows = slice(start, start + step)
        scores, match = similarity[rows], query[rows, None] == gallery
        if cameras is not None:
            ignored = match & (cameras[0][rows, None] == cameras[1])
            scores, match = np.where(ignored, -np.inf, scores), match & ~ignored
        order = np.argsort(-scores, axis=1, kind="stable")
        precision[rows], penalty[rows], first[rows] = _per_query(np.take_along_axis(match, order, axis=1))

    matched = ~np.isnan(first)
    if not matched.any():
        return dict.fromkeys(("mAP", "mINP", *(f"top{k}" for k in RANKS), "BAKS"), float("nan"))
    accuracy = pd.Series(first[matched] == 1).groupby(query[matched]).mean()
    return {
        "mAP": float(precision[matched].mean()),
        "mINP": float(penalty[matched].mean()),
        **{f"top{k}": float((first[matched] <= k).mean()) for k in RANKS},
        "BAKS": float(accuracy.mean()),
    }


def _per_query(
    match: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Average precision, INP and rank of the first match, each (B,), nan without a match.

    Args:
        match: bool (B, G), whether the gallery image at each rank is a match.
    """
    rank = np.arange(1, match.shape[1] + 1)
    matches = np.where(match.any(axis=1), match.sum(axis=1), np.nan)
    precision = (np.cumsum(match, axis=1) / rank * match).sum(axis=1) / matches
    first = np.where(np.isnan(matches), np.nan, match.argmax(axis=1) + 1)
    last = np.maximum((rank * match).max(axis=1), 1)
    return precision, matches / last, first


def _codes(
    query: npt.ArrayLike, gallery: npt.ArrayLike, shape: tuple[int, ...]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Number equal labels equally; NA is -2 in the query and -1 in the gallery, so it matches nothing."""
    query_labels, gallery_labels = np.asarray(query, dtype=object), np.asarray(gallery, dtype=object)
    if (len(query_labels), len(gallery_labels)) != shape:
        raise ValueError(f"{len(query_labels)} and {len(gallery_labels)} labels for similarities of {shape}")
    codes = pd.factorize(np.concatenate([query_labels, gallery_labels]))[0]
    query_codes, gallery_codes = codes[: len(query_labels)], codes[len(query_labels) :]
    return np.where(query_codes < 0, -2, query_codes), gallery_codes
