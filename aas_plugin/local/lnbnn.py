"""How well photos match by all of their keypoints at once: local naive Bayes nearest neighbours."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from aas_plugin.data.pieces import Pieces

if TYPE_CHECKING:
    from collections.abc import Sequence

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

K = 3
"""Nearest descriptors that a descriptor votes for; the next one says how near a stranger is."""

SPARE = 8
"""Further neighbours that are looked up, as some are of the photo itself."""

EXACT = 20_000
"""Descriptors up to which every two are compared."""

BLOCK = 1 << 15
"""Descriptors that are looked up at once: so much matching is lost at most when a process is killed."""

_LISTS, _PROBES, _TRAINED_ON, _ROUNDS = 4.0, 8, 40, 8


def lnbnn_scores(
    descriptors: Sequence[NDArray[np.float16]],
    groups: Sequence[Ints],
    kept: Pieces | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> csr_array:
    """How well every two photos match, both ways added up.

    Each descriptor votes for the photos of its `K` nearest descriptors on other photos, by how much nearer these are
    than the next one: McCann and Lowe, CVPR 2012; so in HotSpotter (Crall et al., WACV 2013). A descriptor votes for a
    photo once, by its nearest there. Up to `EXACT` descriptors all are compared, beyond an inverted file of faiss finds
    the nearest ones approximately, so that time grows little faster than the number of photos.

    Args:
        descriptors: float16 (n_i, D) of each of N photos, of unit length.
        groups: places of photos that are compared with each other; a photo may be in several, and two photos have the
            best of their scores then.
        kept: where finished parts are kept, and taken from; None to keep nothing.
        progress: called with (descriptors looked up, all of them).

    Returns:
        float64 CSR (N, N), symmetric, without diagonal, above 0.
    """
    n = len(descriptors)
    total = sum(len(descriptors[place]) for group in groups for place in group.tolist())
    best = csr_array((n, n), dtype=np.float64)
    done = 0

    def so_far(more: int) -> None:
        nonlocal done
        done += more
        if progress is not None:
            progress(done, total)

    for number, group in enumerate(groups):
        votes = _votes([descriptors[place] for place in group.tolist()], kept, f"{number:02d}", so_far)
        if votes is None:
            continue
        photo, other, vote = votes
        one_way = csr_array((vote, (group[photo], group[other])), shape=(n, n))
        one_way.sum_duplicates()
        best = best.maximum(one_way + one_way.T)
    best.eliminate_zeros()
    best.sort_indices()
    return csr_array(best)


def votes_of(distance: Floats, photo: Ints, own: Ints, k: int = K) -> tuple[Ints, Ints, Floats]:
    """The votes of descriptors for photos.

    Args:
        distance: float64 (Q, M), of each descriptor's nearest ones, ascending.
        photo: int64 (Q, M), on which photo each of these is, -1 for none.
        own: int64 (Q,), on which photo the descriptor itself is; its own photo's descriptors do not count.
        k: how many count.

    Returns:
        int64 (V,) the descriptors, int64 (V,) the photos they vote for, and float64 (V,) by how much, above 0. A
        descriptor without k + 1 neighbours on other photos does not vote.
    """
    strange = (photo != own[:, None]) & (photo >= 0)
    place = np.argsort(~strange, axis=1, kind="stable")[:, : k + 1]
    enough = strange.sum(axis=1) > k
    if place.shape[1] <= k or not enough.any():
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    voter = np.flatnonzero(enough)
    near = np.take_along_axis(distance[voter], place[voter], axis=1)
    of = np.take_along_axis(photo[voter], place[voter], axis=1)
    gain = near[:, -1:] - near[:, :-1]
    # Ascending distances: the first vote for a photo is the largest.
    first = np.ones(gain.shape, dtype=bool)
    for later in range(1, k):
        first[:, later] = (of[:, later, None] != of[:, :later]).all(axis=1)
    row, column = np.nonzero(first & (gain > 0))
    return voter[row], of[row, column], gain[row, column]


def _votes(
    descriptors: Sequence[NDArray[np.float16]], kept: Pieces | None, name: str, so_far: Callable[[int], None]
) -> tuple[Ints, Ints, Floats] | None:
    """Votes of each photo for each other: int64 (V,) photos, int64 (V,) others, float64 (V,)."""
    counts = np.array([len(one) for one in descriptors], dtype=np.int64)
    if counts.sum() == 0 or (counts > 0).sum() < 2:
        so_far(int(counts.sum()))
        return None
    matrix = np.concatenate(descriptors).astype(np.float32)
    photo = np.repeat(np.arange(len(descriptors)), counts)
    index: Any = None
    parts = []
    for start in _blocks(len(matrix)):
        piece = f"{name}-{start:09d}"
        told = kept.read_one(piece, ("photo", "other", "vote")) if kept is not None else None
        if told is None:
            index = _index(matrix, kept, name) if index is None else index
            part = slice(start, start + BLOCK)
            distance, near = index.search(matrix[part], K + 1 + SPARE)
            reached = np.sqrt(np.maximum(distance.astype(np.float64), 0))
            owner = np.where(near >= 0, photo[near], -1)
            voter, other, vote = votes_of(reached, owner, photo[part])
            told = _summed(photo[part][voter], other, vote, len(descriptors))
            if kept is not None:
                kept.add(piece, **told)
        parts.append(told)
        so_far(len(matrix[start : start + BLOCK]))
    return (
        np.concatenate([part["photo"] for part in parts]).astype(np.int64),
        np.concatenate([part["other"] for part in parts]).astype(np.int64),
        np.concatenate([part["vote"] for part in parts]).astype(np.float64),
    )


def _blocks(total: int) -> Iterator[int]:
    yield from range(0, total, BLOCK)


def _summed(photo: Ints, other: Ints, vote: Floats, n: int) -> dict[str, NDArray[np.generic]]:
    """Votes for one photo from one photo added up."""
    key, place = np.unique(photo * n + other, return_inverse=True)
    return {"photo": key // n, "other": key % n, "vote": np.bincount(place, vote, minlength=len(key))}


def _index(matrix: NDArray[np.float32], kept: Pieces | None, name: str) -> Any:
    """What finds nearest descriptors, by squared distance; the same after a kill, as its centres are kept."""
    import faiss

    count, dimensions = matrix.shape
    index: Any
    if count <= EXACT:
        index = faiss.IndexFlatL2(dimensions)
        index.add(matrix)
        return index
    lists = int(_LISTS * np.sqrt(count))
    held = kept.read_one(f"{name}-centres", ("centres",)) if kept is not None else None
    if held is not None:
        centres = held["centres"].astype(np.float32)
    else:
        rng = np.random.default_rng(0)
        some = np.sort(rng.permutation(count)[: _TRAINED_ON * lists])
        means = faiss.Kmeans(dimensions, lists, niter=_ROUNDS, seed=1, max_points_per_centroid=_TRAINED_ON)
        means.train(matrix[some])
        centres = np.asarray(means.centroids)
        if kept is not None:
            kept.add(f"{name}-centres", centres=centres)
    coarse = faiss.IndexHNSWFlat(dimensions, 32)
    coarse.hnsw.efSearch = 32
    coarse.add(centres)
    index = faiss.IndexIVFScalarQuantizer(coarse, dimensions, lists, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_L2)
    index.by_residual = False
    index.train(matrix[:1])
    index.add(matrix)
    index.nprobe = _PROBES
    return index


def matching_key(names: Sequence[str], groups: Sequence[Ints]) -> str:
    """Digest of what decides scores: the keypoints, by name in their order, and who is compared with whom."""
    text = repr((K, SPARE, BLOCK, EXACT, _LISTS, _PROBES, list(names), [group.tolist() for group in groups]))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
