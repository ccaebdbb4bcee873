"""Features of images, in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from aas_plugin.training.batches import IMAGENET_MEAN, IMAGENET_STD, normalise

if TYPE_CHECKING:
    from aas_plugin.data.images import ImageStore
    from aas_plugin.plugins.registry import Progress


def embed(
    model: nn.Module,
    images: ImageStore,
    rows: np.ndarray,
    device: torch.device,
    batch_size: int = 64,
    progress: Progress | None = None,
    *,
    mirrored: bool = False,
) -> np.ndarray:
    """Embed catalogue rows, int64 (n,), in evaluation mode: float32 (n, D), rows as the model gives them.

    Images are normalised by the model's own `mean` and `std`, or by ImageNet's where it has none, and are read anew
    where the model has an `image_size`, (height, width), that is not theirs; with `mirrored` left and right are
    exchanged. The model is put back into the mode it was in.
    """
    mean, std = normalisation(model)
    size = getattr(model, "image_size", None)
    if size is not None and size != images.size:
        images = images.of_size(*size)
    was_training = model.training
    model.eval()
    features: list[np.ndarray] = []
    try:
        with torch.inference_mode():
            for start in range(0, len(rows), batch_size):
                batch = normalise(images.batch(rows[start : start + batch_size]), device, mean, std)
                features.append(model(batch.flip(-1) if mirrored else batch).cpu().numpy())
                if progress is not None:
                    progress(min(start + batch_size, len(rows)), len(rows))
    finally:
        model.train(was_training)
    return np.concatenate(features).astype(np.float32, copy=False) if features else np.empty((0, 0), np.float32)


def normalisation(model: nn.Module) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Mean and deviation of red, green and blue in [0, 1] that a model's images are normalised by."""
    return getattr(model, "mean", IMAGENET_MEAN), getattr(model, "std", IMAGENET_STD)
