"""Must-links and cannot-links with their transitive closure."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import networkx as nx
import numpy as np
from networkx.utils import UnionFind
from numpy.typing import ArrayLike, NDArray

from aas_plugin.constraints.kernels import connected
from aas_plugin.errors import AasError

Link = tuple[int, int, bool, str]
"""A constraint: two images (u < v), whether they show the same animal, and the tag it was given."""


class Contradiction(AasError):
    """A constraint that denies what others entail.

    Attributes:
        chain: the accepted constraints that together entail the opposite, along the path between the two
            images; at most one of them is a cannot-link. Empty if an image was said to differ from itself.
    """

    def __init__(self, message: str, chain: Sequence[Link] = ()) -> None:
        super().__init__(message)
        self.chain = list(chain)


def describe(chain: Sequence[Link], name: Callable[[int], str] = str) -> str:
    """A chain that entails something in words, with the tags of its links; `name` names an image."""
    if not chain:
        return "an image is always the same as itself"
    relation = {True: "is the same as", False: "differs from"}
    return ", ".join(
        f"{name(u)} {relation[same]} {name(v)}" + (f" ({tag})" if tag else "") for u, v, same, tag in chain
    )


class Constraints:
    """Must-links and cannot-links over images 0..n-1, never contradictory.

    Must-links are transitive, and ML(a, b) with CL(b, c) entails CL(a, c).

    Args:
        n: number of images.
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self._given: dict[tuple[int, int], tuple[bool, str]] = {}
        self._groups = UnionFind()
        self._apart: dict[int, set[int]] = {}  # root of a must-link group -> roots that differ from it
        self._links: dict[bool, NDArray[np.int64]] = {}  # both kinds as arrays, made when they are asked for

    def add(self, u: int, v: int, same: bool, tag: str = "") -> None:
        """Accept a must-link (`same`) or a cannot-link between images u and v.

        A pair that was given before and an image that is the same as itself add nothing. A pair that is
        merely entailed is kept as given.

        Args:
            u: an image, 0 <= u < n.
            v: an image, 0 <= v < n.
            same: True for a must-link, False for a cannot-link.
            tag: a name to find the constraint by, such as the id of an answer.

        Raises:
            Contradiction: the constraints so far entail the opposite; they stay as they were.
            ValueError: u or v is no image.
        """
        u, v, same = int(u), int(v), bool(same)
        if self.entails(u, v) is (not same):
            chain = self.chain(u, v)
            claim = f"{'the same' if same else 'different'}{f' ({tag})' if tag else ''}"
            raise Contradiction(
                f"Images {u} and {v} cannot be {claim}: {describe(chain)}; take one of them back.",
                chain,
            )
        pair = (min(u, v), max(u, v))
        if u == v or pair in self._given:
            return
        self._given[pair] = (same, tag)
        self._links.pop(same, None)
        roots = {self._groups[u], self._groups[v]}
        if not same:
            for root in roots:
                self._apart.setdefault(root, set()).update(roots - {root})
        elif len(roots) == 2:
            self._groups.union(u, v)
            kept = self._groups[u]
            (gone,) = roots - {kept}
            for other in self._apart.pop(gone, set()):
                self._apart[other].remove(gone)
                self._apart[other].add(kept)
                self._apart.setdefault(kept, set()).add(other)

    def entails(self, u: int, v: int) -> bool | None:
        """True if u and v are known to be the same, False if known to differ, None if unknown.

        Raises:
            ValueError: u or v is no image.
        """
        for image in (u, v):
            if not 0 <= image < self.n:
                raise ValueError(f"image {image} is none of the {self.n} images, which count from 0")
        root_u, root_v = self._groups[int(u)], self._groups[int(v)]
        if root_u == root_v:
            return True
        return False if root_v in self._apart.get(root_u, ()) else None

    def entailed_mask(self, pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the pairs, int64 (P, 2) in any order, have an answer that already follows: bool (P,)."""
        group = components(self.n, self.must_links)
        ends = group[as_links(pairs)]
        low, high = np.sort(ends, axis=1).T
        low_apart, high_apart = np.sort(group[self.cannot_links], axis=1).T
        known: NDArray[np.bool_] = np.isin(low * self.n + high, low_apart * self.n + high_apart) | (low == high)
        return known

    @property
    def must_links(self) -> NDArray[np.int64]:
        """The given must-links, not closed: int64 (M, 2), u < v, in the order given."""
        return self._array(True)

    @property
    def cannot_links(self) -> NDArray[np.int64]:
        """The given cannot-links, not closed: int64 (C, 2), u < v, in the order given."""
        return self._array(False)

    def violations(self, labels: NDArray[np.int64]) -> tuple[int, int]:
        """How many given must-links and cannot-links the labels, int64 (n,), break."""
        return count_violations(labels, self.must_links, self.cannot_links)

    def _array(self, wanted: bool) -> NDArray[np.int64]:
        if wanted not in self._links:
            links = as_links([pair for pair, (same, _) in self._given.items() if same == wanted])
            links.flags.writeable = False
            self._links[wanted] = links
        return self._links[wanted]

    def chain(self, u: int, v: int) -> list[Link]:
        """The fewest given links that entail how u and v relate, which is known.

        A path from u to v over must-links proves "same". One that crosses a single cannot-link proves
        "different": there is a second layer of nodes, and a cannot-link leads into it but not back.
        """
        graph = nx.DiGraph()
        graph.add_nodes_from([(u, 0), (v, 0)])
        for (a, b), (same, _) in self._given.items():
            for layers in ((0, 0), (1, 1)) if same else ((0, 1),):
                graph.add_edge((a, layers[0]), (b, layers[1]))
                graph.add_edge((b, layers[0]), (a, layers[1]))
        path = nx.shortest_path(graph, (u, 0), (v, 0 if self.entails(u, v) else 1))
        pairs = [(min(a, b), max(a, b)) for (a, _), (b, _) in pairwise(path)]
        return [(*pair, *self._given[pair]) for pair in pairs]


def as_links(pairs: ArrayLike) -> NDArray[np.int64]:
    """Pairs of images as int64 (P, 2); none at all is (0, 2)."""
    return np.asarray(pairs, dtype=np.int64).reshape(-1, 2)


def components(n: int, links: NDArray[np.int64]) -> NDArray[np.int64]:
    """The transitive closure of links, int64 (M, 2), between 0..n-1: a group number for each, int64 (n,)."""
    return connected(n, np.ascontiguousarray(links, dtype=np.int64))


def count_violations(
    labels: NDArray[np.int64], must_links: NDArray[np.int64], cannot_links: NDArray[np.int64]
) -> tuple[int, int]:
    """How many must-links and cannot-links the labels break.

    A must-link with an end in noise is broken; a cannot-link between two noise images is not.

    Args:
        labels: int64 (N,), -1 = noise.
        must_links: int64 (M, 2).
        cannot_links: int64 (C, 2).

    Returns:
        The number of broken must-links and of broken cannot-links.
    """
    must, cannot = labels[must_links], labels[cannot_links]
    broken = (must[:, 0] != must[:, 1]) | (must[:, 0] < 0)
    joined = (cannot[:, 0] == cannot[:, 1]) & (cannot[:, 0] >= 0)
    return int(broken.sum()), int(joined.sum())
