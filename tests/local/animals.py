"""Photos of drawn animals: spots that are the individual's own, before a background that all share."""

import numpy as np
from PIL import Image, ImageDraw
from torch import nn


def animal(individual, view, size=(240, 200), background=True):
    """A photo of an animal in the middle: its spots shifted, scaled and turned a little, with noise."""
    width, height = size
    rng = np.random.default_rng([7, individual])
    spots = rng.uniform(-1, 1, (60, 2)), rng.uniform(2.5, 8, 60), rng.integers(0, 130, (60, 3))
    look = np.random.default_rng([individual, view])
    photo = Image.new("RGB", size, (150, 140, 120))
    pen = ImageDraw.Draw(photo)
    if background:
        stones = np.random.default_rng(99)
        for x, y in stones.uniform(0, 1, (150, 2)):
            r = stones.uniform(2, 6)
            colour = tuple(stones.integers(60, 200, 3).tolist())
            pen.ellipse([x * width - r, y * height - r, x * width + r, y * height + r], fill=colour)
    middle = np.array(size) / 2 + look.uniform(-4, 4, 2)
    scale, turn = look.uniform(0.9, 1.1), look.uniform(-0.15, 0.15)
    pen.ellipse([middle[0] - 75, middle[1] - 60, middle[0] + 75, middle[1] + 60], fill=(200, 170, 130))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    for place, radius, colour in zip(*spots, strict=True):
        x, y = middle + rotation @ (place * [50, 38]) * scale
        r = radius * scale
        pen.ellipse([x - r, y - r * 0.8, x + r, y + r * 0.8], fill=tuple(colour.tolist()))
    pixels = np.asarray(photo).astype(float) + look.normal(0, 4, (height, width, 3))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


class Colour(nn.Module):
    """A photo's mean colour, of unit length."""

    mean = (0.0, 0.0, 0.0)
    std = (1.0, 1.0, 1.0)

    def forward(self, images):
        return nn.functional.normalize(images.mean((2, 3)), dim=1)
