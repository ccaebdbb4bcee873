"""A four-legged body in profile: bones that move, a soft skin around them, and where the coat lies on it.

Lengths are in body units: the body at rest is about 1.8 wide and 1.5 high, faces +x, and y points up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Bone:
    """A rounded cone at rest, hung on `parent`, that turns about its start by `swing` (radians, 1 sd)."""

    start: tuple[float, float]
    end: tuple[float, float]
    radii: tuple[float, float]
    parent: str = ""
    swing: float = 0.0


TRUNK: dict[str, Bone] = {
    "torso": Bone((-0.38, 0.02), (0.34, 0.05), (0.29, 0.28)),
    "belly": Bone((-0.12, -0.03), (0.16, -0.02), (0.29, 0.29)),
    "neck": Bone((0.40, 0.14), (0.64, 0.46), (0.21, 0.13), "torso", 0.22),
    "head": Bone((0.64, 0.46), (0.90, 0.36), (0.13, 0.075), "neck", 0.20),
    "ear": Bone((0.60, 0.55), (0.54, 0.66), (0.055, 0.025), "head", 0.25),
    "tail": Bone((-0.62, 0.12), (-0.76, -0.16), (0.045, 0.035), "torso", 0.25),
    "tuft": Bone((-0.76, -0.16), (-0.80, -0.30), (0.035, 0.055), "tail", 0.35),
}
LEGS: dict[str, Bone] = {
    "fore thigh": Bone((0.34, -0.06), (0.35, -0.42), (0.15, 0.07), "torso", 0.22),
    "fore shin": Bone((0.35, -0.42), (0.34, -0.76), (0.065, 0.045), "fore thigh", 0.16),
    "hind thigh": Bone((-0.42, -0.04), (-0.45, -0.42), (0.19, 0.075), "torso", 0.22),
    "hind shin": Bone((-0.45, -0.42), (-0.42, -0.76), (0.068, 0.045), "hind thigh", 0.16),
}
FEET = -0.80
EYE = (0.745, 0.475)


@dataclass(frozen=True)
class Skin:
    """A layer of body as the camera sees it.

    Attributes:
        outside: float32 (H, W), signed distance to the outline, negative within.
        x: float32 (H, W), which point of the body at rest is seen, so that what is painted there moves with it.
        y: float32 (H, W), of the same point.
    """

    outside: Floats
    x: Floats
    y: Floats


def draw_skin(bones: dict[str, Bone], x: Floats, y: Floats, agility: float, rng: np.random.Generator) -> Skin:
    """Pose bones at random, and find the skin around them.

    Ours: a smooth union of rounded cones, and inverse linear blend skinning.

    Args:
        bones: by name; one whose parent is not among them keeps still with it.
        x: float32 (H, W), points to look at.
        y: float32 (H, W), of the same points.
        agility: by how much more than its swing a bone turns.
        rng: of the pose.
    """
    poses: dict[str, NDArray[np.float64]] = {}
    for name, bone in bones.items():
        turn = _turn_about(bone.start, float(np.clip(rng.standard_normal(), -2, 2)) * bone.swing * agility)
        poses[name] = poses.get(bone.parent, np.eye(3)) @ turn
    nearest = np.zeros_like(x)
    weight, rest_x, rest_y = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
    for name, bone in bones.items():
        (xx, xy, x1), (yx, yy, y1) = np.linalg.inv(poses[name])[:2].astype(np.float32)
        here_x, here_y = xx * x + xy * y + x1, yx * x + yy * y + y1
        distance = _distance(bone, here_x, here_y)
        nearest += np.exp(np.float32(-40) * distance)
        share = np.exp(np.float32(-14) * distance)
        weight += share
        rest_x += share * here_x
        rest_y += share * here_y
    outside = np.log(np.maximum(nearest, np.float32(1e-30))) / np.float32(-40)
    weight = np.maximum(weight, np.float32(1e-30))
    return Skin(outside, rest_x / weight, rest_y / weight)


def _turn_about(point: tuple[float, float], angle: float) -> NDArray[np.float64]:
    """Homogeneous matrix (3, 3) of a turn by `angle` radians about `point`."""
    cos, sin, (x, y) = np.cos(angle), np.sin(angle), point
    return np.array([[cos, -sin, x - cos * x + sin * y], [sin, cos, y - sin * x - cos * y], [0.0, 0.0, 1.0]])


def _distance(bone: Bone, x: Floats, y: Floats) -> Floats:
    """Signed distance (H, W) to a bone at rest."""
    (x0, y0), (x1, y1), (wide, narrow) = bone.start, bone.end, bone.radii
    along_x, along_y = x1 - x0, y1 - y0
    x, y = x - x0, y - y0
    t = np.clip((x * along_x + y * along_y) / (along_x**2 + along_y**2), 0, 1)
    x, y = x - t * along_x, y - t * along_y
    gap: Floats = np.sqrt(x * x + y * y) - (wide + t * (narrow - wide))
    return gap
