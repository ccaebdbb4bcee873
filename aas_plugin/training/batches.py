"""Identity-balanced batches, and what happens to the pixels of one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from aas_plugin.settings.models import TrainingSettings

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def balanced_batches(
    labels: np.ndarray,
    batch_size: int,
    instances: int,
    iterations: int,
    rng: np.random.Generator,
    *,
    singles: bool = True,
) -> Iterator[np.ndarray]:
    """Draw batches of several images a cluster.

    Clusters come in random order; one of fewer than `instances` images is drawn from with replacement, a single
    image once. Source: SpCL's `RandomMultipleGallerySampler`, without its cameras.

    Args:
        labels: int64 (N,), -1 for un-clustered.
        batch_size: images in a batch.
        instances: images of one cluster in a batch.
        iterations: number of batches.
        rng: decides the draw.
        singles: whether an un-clustered image is a cluster of its own, or left out.

    Yields:
        Positions, int64 (batch_size,); nothing where all images are left out.
    """
    clusters = [np.flatnonzero(labels == label) for label in np.unique(labels[labels >= 0])]
    if singles:
        clusters += list(np.flatnonzero(labels == -1)[:, None])
    if not clusters:
        return
    queue: list[int] = []
    for _ in range(iterations):
        while len(queue) < batch_size:
            for cluster in rng.permutation(len(clusters)):
                members = clusters[cluster]
                if len(members) == 1:
                    queue.append(int(members[0]))
                else:
                    queue.extend(rng.choice(members, instances, replace=len(members) < instances).tolist())
        yield np.array(queue[:batch_size], dtype=np.int64)
        queue = queue[batch_size:]


def normalise(
    images: np.ndarray,
    device: torch.device,
    mean: tuple[float, float, float] = IMAGENET_MEAN,
    std: tuple[float, float, float] = IMAGENET_STD,
) -> Tensor:
    """Turn uint8 (B, H, W, 3) into float32 (B, 3, H, W) on `device`: in [0, 1], minus `mean`, over `std`."""
    batch = torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float().div_(255)
    centre, spread = (torch.tensor(values, device=device)[:, None, None] for values in (mean, std))
    return batch.sub_(centre).div_(spread)


def augment(
    batch: Tensor,
    settings: TrainingSettings,
    rng: np.random.Generator,
    mean: tuple[float, float, float] = IMAGENET_MEAN,
    std: tuple[float, float, float] = IMAGENET_STD,
) -> Tensor:
    """Flip, pad and crop, and erase a rectangle of each image of a batch, (B, 3, H, W), normalised by `mean` and `std`.

    Padding is black, as in SpCL's official transforms. An erased rectangle covers 2 to 40 % of the image at an
    aspect ratio of 0.3 to 1/0.3, and takes the mean colour, 0 here, where the official code fills those means
    without normalising them.
    """
    size, _, height, width = batch.shape
    black = (-torch.tensor(mean) / torch.tensor(std)).to(batch)[:, None, None]
    pad = settings.padding
    flips = rng.random(size) < settings.flip
    tops, lefts = rng.integers(0, 2 * pad + 1, size), rng.integers(0, 2 * pad + 1, size)
    erased = rng.random(size) < settings.erasing
    out = black.expand(3, height, width).repeat(size, 1, 1, 1)
    for i in range(size):
        image = batch[i].flip(-1) if flips[i] else batch[i]
        down, right = int(pad - tops[i]), int(pad - lefts[i])
        rows = slice(max(down, 0), height + min(down, 0))
        columns = slice(max(right, 0), width + min(right, 0))
        from_rows = slice(max(-down, 0), height + min(-down, 0))
        from_columns = slice(max(-right, 0), width + min(-right, 0))
        out[i, :, rows, columns] = image[:, from_rows, from_columns]
        if erased[i]:
            top, left, tall, wide = _rectangle(height, width, rng)
            out[i, :, top : top + tall, left : left + wide] = 0.0
    return out


def _rectangle(height: int, width: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    for _ in range(100):
        area = rng.uniform(0.02, 0.4) * height * width
        aspect = rng.uniform(0.3, 1 / 0.3)
        tall, wide = round(float(np.sqrt(area * aspect))), round(float(np.sqrt(area / aspect)))
        if 0 < tall < height and 0 < wide < width:
            return int(rng.integers(0, height - tall + 1)), int(rng.integers(0, width - wide + 1)), tall, wide
    return 0, 0, 0, 0
