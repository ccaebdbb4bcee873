"""What CAL asks: merges that may be wrong, clusters that may be one, and answers in doubt."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from aas_plugin.cal.clusters import Clusters
from aas_plugin.cal.similarity import linkage_between
from aas_plugin.cal.weighing import Weighed
from aas_plugin.clustering.knn import nearest
from aas_plugin.constraints.closure import components
from aas_plugin.constraints.conflict_splitting import alike
from aas_plugin.constraints.evidence import Evidence
from aas_plugin.sampling.proposal import KnownPairs

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LEAST_DOUBT = 0.01
LEAST_LINKAGE = 0.01
MOST_ANSWERS = 5
"""Answers of an item from which on it is not asked again."""

COLUMNS = ["u", "v", "again", "kind", "linkage", "crossing", "p_same", "score"]

NEAR_CLUSTERS = 5
"""Clusters of the most similar mean features that each one is compared with."""


def _nothing_known(pairs: Ints) -> NDArray[np.bool_]:
    return np.zeros(len(pairs), dtype=bool)


def questions(
    clusters: Clusters,
    weighed: Weighed,
    evidence: Evidence,
    wanted: int,
    features: NDArray[np.float32] | None = None,
    *,
    again: bool = True,
    known: KnownPairs = _nothing_known,
) -> pd.DataFrame:
    """The questions that are worth most, by doubt times the square root of the pairs of images they decide.

    Where fewer are in doubt than are wanted, clusters are compared that no stored similarity connects, those of the
    most similar mean features first: two flanks of an individual may have none. The more of these turned out the same,
    the more are asked. In place of a pair that needs no question stands the next one of the same two clusters.

    Args:
        clusters: of N images, with the answers in force.
        weighed: the answers.
        evidence: the answers.
        wanted: most questions.
        features: float32 (N, D), L2-normalised rows; without, unconnected clusters are not compared.
        again: whether answers in doubt are asked again.
        known: from pairs, int64 (P, 2), to whether each needs no question, bool (P,); of answers that are asked again
            it is not asked.

    Returns:
        One row a question, the best first: int64 `u < v` and `again`, the position of an answer that is asked again or
        -1, text `kind`, `linkage`, NaN for unconnected clusters, `crossing`, pairs of images between the two sides,
        `p_same`, P(same), and `score`.
    """
    parts = [*_of_merges(clusters, weighed), _of_clusters(clusters, weighed)]
    if again:
        parts.append(_of_items(weighed, evidence, clusters))
    found = pd.concat(parts, ignore_index=True)
    found = found[found["doubt"] >= LEAST_DOUBT]
    found = found.assign(score=found["doubt"] * np.sqrt(found["one"] * found["other"]))
    ranked = found.sort_values(["score", "linkage"], ascending=False, kind="stable")
    asker = _Asker(clusters, evidence, weighed, known)
    rows: list[tuple[object, ...]] = []
    for row in ranked.itertuples(index=False):
        if len(rows) >= wanted:
            break
        pair = asker.pair(str(row.kind), int(row.place))
        if pair is not None:
            told = min(float(row.linkage), 1.0), int(row.one * row.other)
            rows.append((*pair, row.kind, *told, row.probability, row.score))
    if features is not None and features.shape[1] and len(rows) < wanted:
        most, sizes = exploring(evidence, wanted - len(rows)), np.bincount(clusters.labels)
        for place, similarity in _unconnected(clusters, features):
            if most <= 0:
                break
            pair = asker.pair("clusters", place)
            if pair is not None:
                crossing = int(sizes[place // len(sizes)] * sizes[place % len(sizes)])
                rows.append((*pair, "explore", np.nan, crossing, np.nan, similarity))
                most -= 1
    return pd.DataFrame(rows, columns=COLUMNS)


def exploring(evidence: Evidence, left: int) -> int:
    """How many unconnected clusters are asked about: all that is left while every second of them is the same.

    Args:
        evidence: the answers; those without a linkage count.
        left: questions that are left.
    """
    before = evidence.same[np.isnan(evidence.linkage)]
    share = (before.sum() + 1) / (len(before) + 2)
    return int(np.ceil(left * min(1.0, 2 * share)))


def _unconnected(clusters: Clusters, features: NDArray[np.float32]) -> Iterator[tuple[int, float]]:
    """Pairs of clusters without a linkage worth asking about, numbered u * K + v, of the most similar means first."""
    labels = clusters.labels
    count = int(labels.max(initial=-1)) + 1
    sums = csr_array((np.ones(len(labels)), (labels, np.arange(len(labels)))), shape=(count, len(labels))) @ features
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    near = min(NEAR_CLUSTERS, count - 1)
    # Opposite features have no mean.
    if near < 1 or not lengths.min() > 1e-6:
        return
    means = (sums / lengths).astype(np.float32)
    ranks = nearest(means, near + 1).ranks
    one, other = np.repeat(np.arange(count), ranks.shape[1]), ranks.ravel()
    ends = np.unique(np.sort(np.stack([one, other], axis=1)[one != other], axis=1), axis=0)
    linkage = linkage_between(clusters.matrix, labels)[ends[:, 0], ends[:, 1]]
    ends = ends[np.asarray(linkage).ravel() <= LEAST_LINKAGE]
    similarity = np.einsum("ij,ij->i", means[ends[:, 0]], means[ends[:, 1]])
    for place in np.argsort(-similarity, kind="stable"):
        yield int(ends[place, 0]) * count + int(ends[place, 1]), float(similarity[place])


def _frame(
    kind: str, place: Ints, linkage: Floats, probability: Floats, doubt: Floats, one: Ints, other: Ints
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "kind": pd.Series([kind] * len(place), dtype="str"),
            "place": place,
            "linkage": linkage,
            "probability": probability,
            "doubt": doubt,
            "one": one,
            "other": other,
        }
    )


def _of_merges(clusters: Clusters, weighed: Weighed) -> Iterator[pd.DataFrame]:
    """The merges of images and of nodes."""
    sizes = np.bincount(clusters.node)
    for kind, merges, own in (
        ("atom", clusters.images, np.ones(len(clusters.atom), np.int64)),
        ("merge", clusters.nodes, sizes),
    ):
        count = len(own)
        size = np.concatenate([own, np.zeros(len(merges.linkage), dtype=np.int64)])
        for number, (left, right) in enumerate(zip(merges.left.tolist(), merges.right.tolist(), strict=True)):
            size[count + number] = size[left] + size[right]
        probability = weighed.calibration.probability(merges.linkage)
        doubt = np.minimum(probability, 1 - probability)
        yield _frame(
            kind, np.arange(len(doubt)), merges.linkage, probability, doubt, size[merges.left], size[merges.right]
        )


def _of_clusters(clusters: Clusters, weighed: Weighed) -> pd.DataFrame:
    """The pairs of final clusters, numbered u * K + v; those that answers keep apart are sorted out later."""
    labels = clusters.labels
    count = int(labels.max(initial=-1)) + 1
    sizes = np.bincount(labels, minlength=count)
    near = linkage_between(clusters.matrix, labels).tocoo()
    kept = (near.row < near.col) & (near.data > LEAST_LINKAGE)
    one, other, linkage = near.row[kept].astype(np.int64), near.col[kept].astype(np.int64), near.data[kept]
    probability = weighed.calibration.probability(linkage)
    doubt = np.minimum(probability, 1 - probability)
    return _frame("clusters", one * count + other, linkage, probability, doubt, sizes[one], sizes[other])


def _of_items(weighed: Weighed, evidence: Evidence, clusters: Clusters) -> pd.DataFrame:
    """The items in doubt: those whose answers are set aside, tied, or weakly believed."""
    active = np.bincount(evidence.item, weighed.in_force, minlength=len(weighed.strength)) > 0
    doubt = np.where(active, weighed.doubt, 0.5)
    open_ones = np.flatnonzero((evidence.counts < MOST_ANSWERS) & (doubt >= LEAST_DOUBT))
    first = np.unique(evidence.item, return_index=True)[1][open_ones]
    pairs = evidence.pairs[first]
    # What hangs on an answer: the clusters that it keeps apart, or the parts of one that it may hold together.
    one, other = (np.ones(len(pairs), dtype=np.int64) for _ in range(2))
    settled = np.zeros(len(pairs), dtype=bool)
    for level in (clusters.labels, clusters.node, clusters.atom, clusters.group):
        sizes, ends = np.bincount(level), level[pairs]
        here = ~settled & (ends[:, 0] != ends[:, 1])
        one[here], other[here] = sizes[ends[here, 0]], sizes[ends[here, 1]]
        settled |= here
    probability = weighed.calibration.probability(weighed.linkage[open_ones])
    return _frame("again", open_ones, weighed.linkage[open_ones], probability, doubt[open_ones], one, other)


class _Asker:
    """Finds the two photographs of a question, each pair once."""

    def __init__(self, clusters: Clusters, evidence: Evidence, weighed: Weighed, known: KnownPairs) -> None:
        self.clusters = clusters
        self.evidence = evidence
        self.weighed = weighed
        self.known = known
        self.asked = evidence.asked
        self.apart = set(map(tuple, clusters.apart.tolist()))
        count = int(clusters.labels.max(initial=-1)) + 1
        self.count = max(count, 1)
        self.members = alike(clusters.labels)
        # Items that are set aside are asked again as such, not anew.
        self.aside = set(map(tuple, np.sort(clusters.group[evidence.pairs[~weighed.in_force]], axis=1).tolist()))

    def pair(self, kind: str, place: int) -> tuple[int, int, int] | None:
        """Both photographs, u < v, and the answer that they ask again, or -1; None where nothing is to be asked."""
        if kind == "again":
            return self._again(place)
        clusters = self.clusters
        if kind == "clusters":
            sides = [self.members[place // self.count], self.members[place % self.count]]
        else:
            merges = clusters.images if kind == "atom" else clusters.nodes
            ends = int(merges.left[place]), int(merges.right[place])
            sides = [merges.leaves(one) if kind == "atom" else clusters.images_of(one) for one in ends]
        groups = [set(clusters.group[side].tolist()) for side in sides]
        if groups[0] & groups[1]:
            return None
        if any((min(a, b), max(a, b)) in self.apart for a in groups[0] for b in groups[1]):
            return None
        if any((min(a, b), max(a, b)) in self.aside for a in groups[0] for b in groups[1]):
            return None
        return self._fresh(sides[0], sides[1], -1)

    def _again(self, item: int) -> tuple[int, int, int] | None:
        evidence, clusters = self.evidence, self.clusters
        mine = np.flatnonzero(evidence.item == item)
        links = np.flatnonzero(self.weighed.in_force & evidence.same & (evidence.item != item))
        group = components(len(clusters.group), evidence.pairs[links])
        u, v = evidence.pairs[mine[0]].tolist()
        if group[u] == group[v]:
            return None
        one, other = (np.flatnonzero(group == group[end]) for end in (u, v))
        # Other photographs of the same two individuals; if there are none, of the clusters that are sure.
        pair = self._fresh(one, other, int(mine[0]))
        if pair is not None or clusters.atom[u] == clusters.atom[v]:
            return pair
        one = np.union1d(one, np.flatnonzero(clusters.atom == clusters.atom[u]))
        other = np.union1d(other, np.flatnonzero(clusters.atom == clusters.atom[v]))
        both = np.intersect1d(one, other)
        return self._fresh(np.setdiff1d(one, both), np.setdiff1d(other, both), int(mine[0]))

    def _fresh(self, one: Ints, other: Ints, again: int) -> tuple[int, int, int] | None:
        """The two most central photographs of both sides that have no answer."""
        if not len(one) or not len(other):
            return None
        first, second = self._central(one), self._central(other)
        places = [
            (place, total - place)
            for total in range(min(len(first) + len(second) - 1, 8))
            for place in range(min(total + 1, len(first)))
            if total - place < len(second)
        ]
        ends = [(int(first[place]), int(second[after])) for place, after in places]
        open_ones = [(min(pair), max(pair)) for pair in ends if (min(pair), max(pair)) not in self.asked]
        if again < 0 and open_ones:
            needless = self.known(np.array(open_ones, dtype=np.int64))
            open_ones = [pair for pair, no in zip(open_ones, needless.tolist(), strict=True) if not no]
        if not open_ones:
            return None
        u, v = open_ones[0]
        self.asked.add((u, v))
        return u, v, again

    def _central(self, images: Ints) -> Ints:
        """Images by their similarity to all others of them, the most central first."""
        if len(images) < 3:
            return images
        near = self.clusters.matrix[images]
        inside = np.isin(near.indices, images)
        rows = np.repeat(np.arange(len(images)), np.diff(near.indptr))
        total = np.bincount(rows[inside], near.data[inside], minlength=len(images))
        return images[np.argsort(-total, kind="stable")]
