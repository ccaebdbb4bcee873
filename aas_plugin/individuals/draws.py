"""Draws of who is who, as answers leave it open: from these, counts and how sure each name is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Partitions:
    """R draws of who is on N photos in G groups.

    Attributes:
        merges: float64 (R,), wrong merges: how many individuals are in a group beyond its first, summed.
        splits: float64 (R,), wrong splits: in how many groups an individual is beyond its first, summed.
        individuals: float64 (R,), how many individuals are on the photos: groups + merges - splits.
        right: float64 (N,), share of the draws in which a photo is of the individual that most of its group are.
        together: float64 (P,), share of the draws in which the two of each watched pair are one individual by what
            links their group.
    """

    merges: Floats
    splits: Floats
    individuals: Floats
    right: Floats
    together: Floats


def draw_partitions(
    group: Ints, inside: tuple[Ints, Ints], keep: Floats, between: tuple[Ints, Ints], join: Floats,
    rng: np.random.Generator, watched: Ints | None = None,
) -> Partitions:  # fmt: skip
    """Draw which joins are right, each by itself, and count.

    A part that is cut off a group is taken to be in as many other groups as some group that is drawn. An individual of
    which d other parts are found counts 1/(d+1) at each of its d+1 parts, so that parts which are joined by mistake
    in a draw do not make one individual of all.

    Args:
        group: int64 (N,), 0..G-1.
        inside: int64 (E, 2), photos of one group, whose links connect each group, and int64 (E,), what decides each.
        keep: float64 (R, K), probability by what decides, in each draw, that links hold.
        between: int64 (B, 2), photos of two groups, and int64 (B,), what decides each.
        join: float64 (R, L), probability by what decides, in each draw, that both are the same individual.
        rng: draws.
        watched: int64 (P, 2), pairs of photos; none by default.
    """
    pairs_watched = np.empty((0, 2), dtype=np.int64) if watched is None else watched
    together = np.zeros(len(pairs_watched))
    n, groups = len(group), int(group.max(initial=-1)) + 1
    rounds = len(keep)
    merges, individuals, right = np.empty(rounds), np.empty(rounds), np.zeros(n)
    for place in range(rounds):
        held = (rng.random(keep.shape[1]) < keep[place])[inside[1]]
        cells, cell = _components(n, inside[0][held])
        sizes = np.bincount(cell, minlength=cells)
        order = np.lexsort((-sizes[cell], group))
        main = np.zeros(cells, dtype=bool)
        main[cell[order[np.unique(group[order], return_index=True)[1]]]] = True
        made = (rng.random(join.shape[1]) < join[place])[between[1]]
        pairs = np.unique(np.sort(cell[between[0][made]], axis=1), axis=0)
        others = np.bincount(pairs.ravel(), minlength=cells)
        if groups:
            others[~main] = rng.choice(others[main], int((~main).sum()))
        merges[place], individuals[place] = cells - groups, (1 / (1 + others)).sum()
        right += main[cell]
        together += cell[pairs_watched[:, 0]] == cell[pairs_watched[:, 1]]
    return Partitions(
        merges, groups + merges - individuals, individuals, right / max(rounds, 1), together / max(rounds, 1)
    )


def _components(n: int, pairs: Ints) -> tuple[int, Ints]:
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    count, found = connected_components(graph, directed=False)
    return int(count), found.astype(np.int64)
