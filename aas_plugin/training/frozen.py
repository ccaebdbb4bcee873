"""What a frozen model gives for the images of a run, computed once, and batches of it to train a head on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from aas_plugin.models.feature_cache import cached_features, weights_digest

if TYPE_CHECKING:
    from aas_plugin.runs.run import NativeRun


class FrozenFeatures:
    """Features of a model that does not change, of photos as they are and mirrored, in memory and on disk.

    Args:
        model: from normalised images to features, (B, D) or (B, ..., D); put into evaluation mode.
        run: whose images they are.

    Attributes:
        digest: of the model's weights.
        dimensions: D.
    """

    def __init__(self, model: nn.Module, run: NativeRun) -> None:
        self._model = model.requires_grad_(False).eval()
        self._run = run
        self._known = {mirrored: np.zeros(len(run.images), dtype=bool) for mirrored in (False, True)}
        self._features: dict[bool, np.ndarray] = {}
        self.digest = weights_digest(model)
        self.dimensions = int(self.of(run.train[:1]).shape[-1])

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Features of catalogue rows, int64 (n,), as they are: float32 (n, ..., D)."""
        self._compute(rows, mirrored=False)
        return self._features[False][rows]

    def batch(self, rows: np.ndarray, flip: float, rng: np.random.Generator) -> Tensor:
        """Features of training images, each mirrored with probability `flip`.

        Args:
            rows: int64 (B,), catalogue rows.
            flip: probability of mirroring.
            rng: decides it.

        Returns:
            float32 (B, ..., D) on the run's device.
        """
        mirrored = rng.random(len(rows)) < flip
        features = self.of(rows)
        if mirrored.any():
            self._compute(self._run.train, mirrored=True)
            features[mirrored] = self._features[True][rows[mirrored]]
        return torch.from_numpy(features).to(self._run.device)

    def _compute(self, rows: np.ndarray, mirrored: bool) -> None:
        run, known = self._run, self._known[mirrored]
        if known[rows].all():
            return
        # Training images all at once, so that a model is asked for the same batches whoever asks first.
        missing = np.unique(rows[~known[rows]])
        if np.isin(missing, run.train).any():
            missing = np.unique(np.concatenate([missing, run.train[~known[run.train]]]))
        task = "embedding mirror images" if mirrored else "embedding"
        found = cached_features(
            self._model, run.images, run.hashes, missing, run.device, run.cache,
            mirrored=mirrored, progress=run.progress(task),
        )  # fmt: skip
        if mirrored not in self._features:
            self._features[mirrored] = np.zeros((len(run.images), *found.shape[1:]), dtype=np.float32)
        self._features[mirrored][missing] = found
        known[missing] = True
