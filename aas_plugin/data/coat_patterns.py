"""Coat patterns: spots, stripes and nets that grow by reaction and diffusion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]

# Cells that are simulated together: few enough that all fields stay in the processor's cache.
_CHUNK_CELLS = 30_000


def gray_scott(
    feed: Floats, kill: Floats, stretch: Floats, shape: tuple[int, int], steps: int, rng: np.random.Generator
) -> Floats:
    """Grow one periodic pattern per individual with the Gray-Scott model.

    Source: Pearson 1993, "Complex patterns in a simple system"; unequal diffusion and ranking are ours.

    Args:
        feed: float32 (N,), the model's rate; together with `kill` it chooses spots, stripes or nets.
        kill: float32 (N,), the model's other rate.
        stretch: float32 (N,) within (-1, 1), makes diffusion stronger along the rows' axis (positive, upright
            stripes) or across it.
        shape: height and width, in cells.
        steps: of unit time.
        rng: of the patterns.

    Returns:
        float32 (N, height, width) in [0, 1], the share of all cells with a lower or equal concentration: a threshold
        at q colours the share 1 - q of the coat.
    """
    height, width = shape
    start = ndimage.gaussian_filter(
        rng.standard_normal((len(feed), height, width), dtype=np.float32), (0, 1.5, 1.5), mode="wrap"
    )
    spots = start > start.std()
    # The kill rate drifts over the coat, so that no part of it looks like another.
    drift = ndimage.gaussian_filter(rng.standard_normal(start.shape, dtype=np.float32), (0, 10, 10), mode="wrap")
    local_kill = kill[:, None, None] + np.float32(0.0012) * drift / drift.std()
    chunk = max(1, _CHUNK_CELLS // (height * width))
    grown = np.empty_like(start)
    for first in range(0, len(feed), chunk):
        part = slice(first, first + chunk)
        grown[part] = react(feed[part], local_kill[part], stretch[part], spots[part], steps)
    flat = grown.reshape(len(feed), -1)
    ranks = flat.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    shares: Floats = (ranks.reshape(grown.shape) / (height * width - 1)).astype(np.float32)
    return shares


def react(feed: Floats, kill: Floats, stretch: Floats, spots: NDArray[np.bool_], steps: int) -> Floats:
    """Run the Gray-Scott model from seeds, with diffusion rates of 0.12 and 0.06.

    Args:
        feed: float32 (N,), as in `gray_scott`.
        kill: float32 (N, height, width), the same rate cell by cell.
        stretch: float32 (N,), as in `gray_scott`.
        spots: bool (N, height, width), the seeds.
        steps: of unit time.

    Returns:
        float32 (N, height, width), the second substance's concentration.
    """
    feed, stretch = feed[:, None, None], stretch[:, None, None]
    along, across = 1 + stretch, 1 - stretch
    loss = feed + kill
    food = np.where(spots, np.float32(0.5), np.float32(1))
    eater = np.where(spots, np.float32(0.25), np.float32(0))
    padded = np.empty((len(spots), spots.shape[1] + 2, spots.shape[2] + 2), np.float32)
    flow, meal, beside = np.empty_like(food), np.empty_like(food), np.empty_like(food)

    def diffuse(field: Floats, rate: float) -> Floats:
        padded[:, 1:-1, 1:-1] = field
        padded[:, 0, 1:-1], padded[:, -1, 1:-1] = field[:, -1], field[:, 0]
        padded[:, 1:-1, 0], padded[:, 1:-1, -1] = field[:, :, -1], field[:, :, 0]
        np.add(padded[:, :-2, 1:-1], padded[:, 2:, 1:-1], out=flow)
        np.multiply(flow, along * np.float32(rate), out=flow)
        np.add(padded[:, 1:-1, :-2], padded[:, 1:-1, 2:], out=beside)
        np.multiply(beside, across * np.float32(rate), out=beside)
        np.add(flow, beside, out=flow)
        np.multiply(field, np.float32(4 * rate), out=beside)
        return np.subtract(flow, beside, out=flow)

    for _ in range(steps):
        np.multiply(eater, eater, out=meal)
        np.multiply(meal, food, out=meal)
        change = diffuse(eater, 0.06)
        change += meal
        change -= loss * eater
        eater += change
        change = diffuse(food, 0.12)
        change -= meal
        change += feed * (1 - food)
        food += change
    return eater
