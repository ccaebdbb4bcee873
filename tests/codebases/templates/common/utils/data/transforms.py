"""Image transforms, with an erasing step that fills with one colour."""

import math
import random

from torchvision.transforms import (
    Compose,
    GaussianBlur,
    Normalize,
    Pad,
    RandomApply,
    RandomCrop,
    RandomHorizontalFlip,
    Resize,
    ToTensor,
)

__all__ = [
    "Compose",
    "GaussianBlur",
    "Normalize",
    "Pad",
    "RandomApply",
    "RandomCrop",
    "RandomErasing",
    "RandomHorizontalFlip",
    "Resize",
    "ToTensor",
]


class RandomErasing:
    """Paint over a random rectangle of an image tensor."""

    def __init__(self, probability=0.5, mean=(0.5, 0.5, 0.5)):
        self.probability = probability
        self.mean = mean

    def __call__(self, image):
        if random.random() >= self.probability:
            return image
        rows, columns = image.shape[1:]
        share = math.sqrt(random.uniform(0.02, 0.3))
        high, wide = max(1, int(rows * share)), max(1, int(columns * share))
        top, left = random.randint(0, rows - high), random.randint(0, columns - wide)
        for channel, value in enumerate(self.mean):
            image[channel, top : top + high, left : left + wide] = value
        return image
