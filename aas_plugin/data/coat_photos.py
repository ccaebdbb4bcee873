"""Photographs of drawn animals: a coat on a posed body, in some light, in a landscape, by a shaky hand."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aas_plugin.data.coat_bodies import EYE, FEET, LEGS, TRUNK, Skin, draw_skin
from aas_plugin.data.coat_scenes import (
    LANDSCAPES,
    Colour,
    draw_backdrop,
    draw_grass,
    draw_trunk,
    smooth_noise,
)

Floats = NDArray[np.floating]

# Everything is drawn this much larger than the photo and then averaged, for smooth edges.
_OVERSAMPLING = 2


@dataclass(frozen=True)
class Coat:
    """What an individual wears: each flank a part of one pattern, and colours and scale that both share.

    Attributes:
        pattern: float32 (height, width) in [0, 1], periodic; the left flank begins at its first column, the right
            one in its middle.
        cover: share of the coat that marks cover; they are where the pattern exceeds 1 - `cover`.
        scale: cells per body unit.
        ground: colour between the marks.
        marks: colour of the marks.
    """

    pattern: Floats
    cover: float
    scale: float
    ground: Colour
    marks: Colour


@dataclass(frozen=True)
class Conditions:
    """How hard photos are to match: each 0 for none, 1 for a lot."""

    pose: float
    light: float
    blur: float
    occlusion: float


def photograph(
    coat: Coat, right: bool, conditions: Conditions, size: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Take one photo. Nothing but the coat depends on the individual.

    Args:
        coat: what the individual wears.
        right: whether its right flank is seen.
        conditions: how hard the photo is to match.
        size: of its sides, in pixels.
        rng: of pose, light, landscape and camera.

    Returns:
        uint8 (size, size, 3), RGB.
    """
    big = size * _OVERSAMPLING
    x, y = _aim(big, right, conditions.pose, rng)
    landscape = LANDSCAPES[rng.integers(len(LANDSCAPES))]
    # What lies behind is a little out of focus, so a small picture of it will do.
    image = ndimage.gaussian_filter(draw_backdrop(landscape, size, rng), (0.6, 0.6, 0))
    image = image.repeat(_OVERSAMPLING, axis=0).repeat(_OVERSAMPLING, axis=1)
    image = draw_grass(image, landscape.grass, 50, 0.08, rng, near=False)
    shadow = (x / 0.75) ** 2 + ((y - FEET) / 0.10) ** 2
    image *= (1 - 0.45 * np.exp(-shadow))[..., None]
    sun = _sun(conditions.light, rng)
    agility = 0.35 + conditions.pose
    far = draw_skin(LEGS, x - np.float32(0.06), y - np.float32(0.03), agility, rng)
    image = _dress(image, far, coat, right, sun, 0.55, conditions.pose, rng)
    near = draw_skin(TRUNK | LEGS, x, y, agility, rng)
    image = _dress(image, near, coat, right, sun, 1.0, conditions.pose, rng)
    if rng.random() < 0.6 * conditions.occlusion:
        image = draw_trunk(image, landscape.trees, rng)
    blades = int(rng.uniform(0, 90) * conditions.occlusion)
    image = draw_grass(image, landscape.grass, blades, 0.15 + 0.45 * rng.random() * conditions.occlusion, rng)
    return _expose(image, conditions, rng)


def _aim(big: int, right: bool, pose: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Body coordinates x and y (big, big) of every pixel: distance, tilt, perspective and flank."""
    line = np.linspace(-1, 1, big, dtype=np.float32)
    x: Floats
    y: Floats
    x, y = np.meshgrid(line, -line)
    tilt = rng.uniform(-1, 1) * math.radians(15) * pose
    zoom = 1.08 * math.exp(rng.uniform(-0.22, 0.12) * pose)
    narrow = 1 - 0.3 * pose * rng.random()
    x, y = x - rng.uniform(-0.12, 0.12) * pose, y - 0.05 + rng.uniform(-0.1, 0.1) * pose
    x, y = math.cos(tilt) * x + math.sin(tilt) * y, math.cos(tilt) * y - math.sin(tilt) * x
    # The nearer end of the animal is larger.
    depth = 1 + rng.uniform(-0.22, 0.22) * pose * x
    x, y = x / depth / zoom / narrow, y / depth / zoom
    x = (x if right else -x) + 0.08
    return x, y


def _sun(light: float, rng: np.random.Generator) -> Floats:
    """Unit vector (3,) to the light: right, up, to the camera."""
    sun = np.array([rng.uniform(-1.2, 1.2) * light, rng.uniform(0.4, 1.1), rng.uniform(0.5, 1)], np.float32)
    return sun / np.float32(np.linalg.norm(sun))


def _dress(
    image: Floats,
    skin: Skin,
    coat: Coat,
    right: bool,
    sun: Floats,
    brightness: float,
    pose: float,
    rng: np.random.Generator,
) -> Floats:
    """Paint one layer of body over `image`."""
    shape = skin.outside.shape
    pixel = 2 / shape[0]
    seen = skin.outside < pixel / 2
    thickness = np.float32(0.20)
    rise = 1 - np.clip(skin.outside / -thickness, 0, 1)
    height = thickness * np.sqrt(1 - rise * rise)
    slope_y, slope_x = (slope[seen] for slope in np.gradient(height, np.float32(pixel)))
    lit = sun[2] - slope_x * sun[0] + slope_y * sun[1]
    lit = np.maximum(lit, 0) / np.sqrt(1 + slope_x * slope_x + slope_y * slope_y)
    fur = _colour_fur(skin, seen, height, coat, right, pose, rng)
    fur *= (brightness * (0.42 + 0.70 * lit))[:, None]
    cover = np.minimum(0.5 - skin.outside[seen] / np.float32(pixel), 1)[:, None]
    image = image.copy()
    image[seen] += (fur - image[seen]) * cover
    return image


def _colour_fur(
    skin: Skin,
    seen: NDArray[np.bool_],
    height: Floats,
    coat: Coat,
    right: bool,
    pose: float,
    rng: np.random.Generator,
) -> Floats:
    """Colour (pixels, 3) of the coat at the pixels `seen`, before any light falls on it."""
    x, y, height = skin.x[seen], skin.y[seen], height[seen]
    slide = np.float32(0.03 * pose)
    yaw, pitch = rng.uniform(-0.45, 0.45, 2).astype(np.float32) * np.float32(pose)
    slid_x = x + slide * smooth_noise(seen.shape, (4, 4), rng)[seen] + yaw * height
    slid_y = y + slide * smooth_noise(seen.shape, (4, 4), rng)[seen] + pitch * height
    first = coat.pattern.shape[1] // 2 if right else 0
    cells = np.stack([(0.72 - slid_y) * coat.scale, (slid_x + 0.90) * coat.scale + first])
    rank = ndimage.map_coordinates(coat.pattern, cells, np.float32, order=1, mode="grid-wrap")
    # Bellies are pale and muzzles are plain.
    pale = 0.4 * np.clip((-0.12 - y) / 0.25, 0, 1) * np.clip((y + 0.42) / 0.1, 0, 1)
    marked = np.clip((rank - (1 - coat.cover)) * 9 + 0.5, 0, 1) * (1 - pale) * np.clip((0.92 - x) / 0.12, 0.15, 1)
    ground, marks = np.asarray(coat.ground, np.float32), np.asarray(coat.marks, np.float32)
    base = ground + (np.float32(0.92) - ground) * (0.6 * pale)[:, None]
    hoof, nose = np.clip((-0.735 - y) / 0.02, 0, 1), np.clip((x - 0.905) / 0.03, 0, 1)
    eye = ((x - EYE[0]) ** 2 + (y - EYE[1]) ** 2 < 0.032**2).astype(np.float32)
    shade = 1 - 0.85 * np.maximum(np.maximum(hoof, nose), eye)
    shade *= 1 + 0.05 * smooth_noise(seen.shape, (48, 48), rng)[seen]
    fur: Floats = (base + (marks - base) * marked[:, None]) * shade[:, None]
    return fur


def _expose(image: Floats, conditions: Conditions, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Light, lens and sensor: from the scene at its full size to the photo."""
    size = image.shape[0] // _OVERSAMPLING
    shade = 1 + 0.16 * conditions.light * smooth_noise(image.shape[:2], (5, 5), rng)
    image = image * shade[..., None]
    image = image.reshape(size, _OVERSAMPLING, size, _OVERSAMPLING, 3).mean(axis=(1, 3))
    defocus = conditions.blur * rng.random() ** 2 * 1.3 * size / 96
    image = ndimage.gaussian_filter(image, (defocus, defocus, 0))
    shake = round(conditions.blur * rng.random() ** 2 * 5 * size / 96)
    if shake > 1:
        image = ndimage.uniform_filter1d(image, shake, axis=int(rng.random() < 0.25))
    light = conditions.light
    warmth = rng.uniform(-0.16, 0.16) * light
    tint = np.array([1 + warmth, 1 + rng.uniform(-0.04, 0.04) * light, 1 - warmth], np.float32)
    haze = rng.uniform(0, 0.25) * light
    image = np.clip(image * tint * math.exp(rng.uniform(-0.4, 0.3) * light), 0, 1)
    image = image ** math.exp(rng.uniform(-0.3, 0.3) * light) * (1 - haze) + haze * 0.7
    image = image + rng.standard_normal(image.shape, dtype=np.float32) * (0.008 + 0.03 * light * rng.random())
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
