"""Draws of who is who, as answers leave it open: from these, counts and how sure each name is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_MOST_NODES = 2_000_000
"""Photos times draws that are looked at in one piece."""


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
    ends = np.empty((0, 2), dtype=np.int64) if watched is None else watched
    n, groups, rounds = len(group), int(group.max(initial=-1)) + 1, len(keep)
    merges, individuals = np.zeros(rounds), np.zeros(rounds)
    right, together = np.zeros(n), np.zeros(len(ends))
    at_once = max(1, _MOST_NODES // max(n, 1))
    for first in range(0, rounds if n else 0, at_once):
        chosen = slice(first, min(first + at_once, rounds))
        held = (rng.random(keep[chosen].shape) < keep[chosen])[:, inside[1]]
        made = (rng.random(join[chosen].shape) < join[chosen])[:, between[1]]
        cell = _cells(n, inside[0], held)
        count = len(held)
        cells = int(cell.max()) + 1
        place_of = np.empty(cells, dtype=np.int64)
        place_of[cell] = np.repeat(np.arange(count), n)
        main = _main_cells(cell, np.tile(group, count) + np.repeat(np.arange(count) * groups, n))
        is_main = np.zeros(cells, dtype=bool)
        is_main[main] = True
        draw, link = np.nonzero(made)
        pairs = np.sort(cell[between[0][link] + (draw * n)[:, None]], axis=1)
        pairs = np.unique(pairs[:, 0] * cells + pairs[:, 1])
        others = np.bincount(np.concatenate([pairs // cells, pairs % cells]), minlength=cells)
        of_main = others[main].reshape(count, groups)
        cut = np.flatnonzero(~is_main)
        others[cut] = of_main[place_of[cut], rng.integers(0, groups, len(cut))]
        merges[chosen] = np.bincount(place_of, minlength=count) - groups
        individuals[chosen] = np.bincount(place_of, 1 / (1 + others), minlength=count)
        by_photo = cell.reshape(count, n)
        right += is_main[by_photo].sum(axis=0)
        together += (by_photo[:, ends[:, 0]] == by_photo[:, ends[:, 1]]).sum(axis=0)
    share = max(rounds, 1)
    return Partitions(merges, groups + merges - individuals, individuals, right / share, together / share)


def _cells(n: int, pairs: Ints, held: NDArray[np.bool_]) -> Ints:
    """The connected parts of n photos in each of r draws, numbered over all of them: int64 (r * n,)."""
    draw, link = np.nonzero(held)
    one, other = (pairs[link, end] + draw * n for end in (0, 1))
    size = len(held) * n
    graph = coo_array((np.ones(len(link), dtype=np.int8), (one, other)), shape=(size, size))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _main_cells(cell: Ints, group: Ints) -> Ints:
    """The largest part of each group, int64 (groups,), that of the first photo where several are as large."""
    sizes = np.bincount(cell)
    order = np.lexsort((-sizes[cell], group))
    return cell[order[np.unique(group[order], return_index=True)[1]]]
