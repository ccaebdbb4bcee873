"""Landscapes for drawn animals to stand in, and the grass and trunks that hide them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Floats = NDArray[np.floating]
Colour = tuple[float, float, float]


class Landscape(NamedTuple):
    """Colours of a kind of landscape, each red, green and blue in [0, 1]."""

    zenith: Colour
    horizon: Colour
    hills: Colour
    far: Colour
    near: Colour
    trees: Colour
    grass: Colour


SAVANNA = Landscape(
    (0.45, 0.66, 0.88), (0.88, 0.90, 0.86), (0.56, 0.58, 0.45), (0.82, 0.70, 0.42), (0.68, 0.54, 0.28),
    (0.32, 0.38, 0.20), (0.76, 0.64, 0.32),
)  # fmt: skip
DUSK = Landscape(
    (0.42, 0.38, 0.55), (0.97, 0.68, 0.42), (0.45, 0.33, 0.36), (0.62, 0.44, 0.30), (0.42, 0.30, 0.22),
    (0.22, 0.17, 0.17), (0.55, 0.40, 0.22),
)  # fmt: skip
FOREST = Landscape(
    (0.30, 0.42, 0.26), (0.60, 0.68, 0.46), (0.26, 0.36, 0.22), (0.38, 0.46, 0.24), (0.32, 0.32, 0.18),
    (0.20, 0.24, 0.14), (0.30, 0.44, 0.17),
)  # fmt: skip
MEADOW = Landscape(
    (0.50, 0.71, 0.92), (0.90, 0.94, 0.96), (0.42, 0.55, 0.48), (0.55, 0.68, 0.33), (0.38, 0.54, 0.22),
    (0.18, 0.32, 0.17), (0.46, 0.62, 0.22),
)  # fmt: skip
DRY_HILLS = Landscape(
    (0.62, 0.74, 0.84), (0.93, 0.89, 0.80), (0.68, 0.56, 0.46), (0.80, 0.66, 0.50), (0.66, 0.48, 0.34),
    (0.44, 0.42, 0.28), (0.66, 0.60, 0.38),
)  # fmt: skip
LANDSCAPES = (SAVANNA, DUSK, FOREST, MEADOW, DRY_HILLS)


def smooth_noise(shape: tuple[int, int], cells: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Noise (H, W) float32, about standard normal, smooth at the scale of `cells` rows and columns."""
    grid = Image.fromarray(rng.standard_normal(cells, dtype=np.float32))
    return np.asarray(grid.resize(shape[::-1], Image.Resampling.BICUBIC), dtype=np.float32)


def draw_backdrop(landscape: Landscape, size: int, rng: np.random.Generator) -> Floats:
    """Draw sky, hills, trees and ground, (size, size, 3) float32 in about [0, 1]."""
    colours = {
        name: np.asarray(value, np.float32) * rng.uniform(0.9, 1.1, 3).astype(np.float32)
        for name, value in landscape._asdict().items()
    }
    down = np.linspace(0, 1, size, dtype=np.float32)[:, None]
    horizon = float(rng.uniform(0.28, 0.5))
    sky = np.clip(down / horizon, 0, 1)[..., None]
    clouds = smooth_noise((size, size), (7, 3), rng)[..., None]
    image = colours["zenith"] * (1 - sky) + colours["horizon"] * sky + 0.05 * np.maximum(clouds, 0)
    ridge = horizon - 0.05 - 0.05 * smooth_noise((1, size), (1, 5), rng)
    image = np.where((down > ridge)[..., None], colours["hills"], image)
    image = _draw_trees(image, horizon, colours["trees"], rng)
    depth = np.clip((down - horizon) / (1 - horizon), 0, 1)
    rough = sum(
        smooth_noise((size, size), (rows, rows // 3), rng) * strength
        for rows, strength in ((9, 0.06), (24, 0.05), (60, 0.05))
    )
    ground = colours["far"] * (1 - depth[..., None]) + colours["near"] * depth[..., None]
    ground = ground * (1 + rough * (0.4 + depth))[..., None]
    edge = horizon + 0.012 * smooth_noise((1, size), (1, 9), rng)
    return np.where((down > edge)[..., None], ground, image).astype(np.float32)


def draw_grass(
    image: Floats, colour: Colour, blades: int, height: float, rng: np.random.Generator, near: bool = True
) -> Floats:
    """Draw `blades` of grass up to `height` (a share of the image's): at the lower edge or all over the ground."""
    canvas = _to_pil(image)
    pen = ImageDraw.Draw(canvas)
    size = canvas.width
    for _ in range(blades):
        x = rng.uniform(0, size)
        y = size * (rng.uniform(0.97, 1.08) if near else rng.uniform(0.62, 1.0))
        tall = size * height * rng.uniform(0.35, 1) * (1 if near else y / size)
        lean, wide = rng.normal(0, 0.22) * tall, size * rng.uniform(0.004, 0.011) * (1 if near else 0.6)
        shade = rng.uniform(0.65, 1.2)
        ink = tuple(int(np.clip(255 * shade * part, 0, 255)) for part in colour)
        bend = (x + 0.35 * lean, y - 0.6 * tall)
        pen.polygon([(x - wide, y), (bend[0] - 0.7 * wide, bend[1]), (x + lean, y - tall),
                     (bend[0] + 0.7 * wide, bend[1]), (x + wide, y)], fill=ink)  # fmt: skip
    return _from_pil(canvas)


def draw_trunk(image: Floats, colour: Colour, rng: np.random.Generator) -> Floats:
    """Draw one tree trunk in front of everything, a tenth of the image's width or so."""
    size = image.shape[0]
    middle, half = rng.uniform(0.05, 0.95), rng.uniform(0.03, 0.065)
    lean = rng.normal(0, 0.06)
    down = np.linspace(0, 1, size, dtype=np.float32)[:, None]
    across = np.linspace(0, 1, size, dtype=np.float32)[None]
    bark = smooth_noise((size, size), (6, 40), rng)
    off = (across - middle - lean * (down - 0.5) + 0.004 * smooth_noise((size, 1), (8, 1), rng)) / half
    round_ = np.sqrt(np.clip(1 - off**2, 0, 1))
    brown = 0.4 * np.asarray(colour, np.float32) + np.array([0.24, 0.17, 0.11], np.float32)
    wood = brown * (0.45 + 0.75 * round_ + 0.12 * bark)[..., None]
    cover = np.clip((1 - np.abs(off)) * half * size, 0, 1)[..., None]
    covered: Floats = (image * (1 - cover) + wood * cover).astype(np.float32)
    return covered


def _draw_trees(image: Floats, horizon: float, colour: Floats, rng: np.random.Generator) -> Floats:
    """Draw a few flat-crowned or round trees that stand on the horizon."""
    canvas = _to_pil(image)
    pen = ImageDraw.Draw(canvas)
    size, flat = canvas.width, rng.random() < 0.5
    for _ in range(rng.integers(0, 6)):
        x, tall = rng.uniform(0, size), size * rng.uniform(0.06, 0.22)
        foot = size * (horizon + 0.02)
        wide = tall * (rng.uniform(0.6, 0.9) if flat else rng.uniform(0.3, 0.5))
        ink = tuple(int(255 * part) for part in np.clip(colour * rng.uniform(0.8, 1.25), 0, 1))
        pen.line([(x, foot), (x + rng.normal(0, 0.1) * tall, foot - tall)], fill=ink, width=max(1, size // 60))
        crown = 0.3 if flat else 0.9
        pen.ellipse([x - wide, foot - tall * 1.05, x + wide, foot - tall * (1.05 - crown)], fill=ink)
    return _from_pil(canvas)


def _to_pil(image: Floats) -> Image.Image:
    return Image.fromarray((np.clip(image, 0, 1) * 255).astype(np.uint8))


def _from_pil(image: Image.Image) -> Floats:
    return np.asarray(image, dtype=np.float32) / np.float32(255)
