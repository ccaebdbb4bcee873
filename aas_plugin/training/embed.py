"""Features of images, in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from aas_plugin.training.batches import normalise

if TYPE_CHECKING:
    from aas_plugin.data.images import ImageStore
    from aas_plugin.run import Progress


def embed(
    model: nn.Module,
    images: ImageStore,
    rows: np.ndarray,
    device: torch.device,
    batch_size: int = 64,
    progress: Progress | None = None,
) -> np.ndarray:
    """Embed catalogue rows, int64 `(n,)`, in evaluation mode: float32 `(n, D)`, rows as the model gives them.

    The model is put back into the mode it was in.
    """
    was_training = model.training
    model.eval()
    features: list[np.ndarray] = []
    try:
        with torch.inference_mode():
            for start in range(0, len(rows), batch_size):
                batch = normalise(images.batch(rows[start : start + batch_size]), device)
                features.append(model(batch).cpu().numpy())
                if progress is not None:
                    progress(min(start + batch_size, len(rows)), len(rows))
    finally:
        model.train(was_training)
    return np.concatenate(features).astype(np.float32, copy=False) if features else np.empty((0, 0), np.float32)
