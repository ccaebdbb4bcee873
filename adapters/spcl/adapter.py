"""SpCL as a base method: one epoch of contrast between images and a memory, whose groups are clusters.

Officially the memory itself is clustered, images in no cluster are classes of their own, and images that two other
radii cluster otherwise are let go. On sets of some hundred photos that memory is too coarse to cluster: it is filled by
training batches, cropped, erased and normalised by the batch. So by default the images are embedded anew each epoch,
which refills the memory, images in no cluster are left out, and nothing is let go.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.jaccard import JaccardGraph
from aas_plugin.clustering.labels import by_first_appearance
from aas_plugin.hookspecs import hookimpl
from aas_plugin.runs.run import NativeRun
from aas_plugin.training.method import NativeMethod

from .memory import contrast
from .options import SpclOptions
from .reliability import independence_threshold, reliable, separate_noise


class Spcl(NativeMethod):
    """One run of SpCL. What becomes of un-clustered images, -1, is an option.

    Attributes:
        options: of the method.
        memory: float32 (N, D), one L2-normalised row a training image, on the run's device.
        threshold: on 1 - independence, None before the first clustering.
    """

    def __init__(self, options: SpclOptions) -> None:
        self.options = options
        self.threshold: float | None = None

    @hookimpl
    def aas_setup(self, run: NativeRun) -> bool:
        """Build model and optimiser, and fill the memory with the untrained backbone's features."""
        super().aas_setup(run)
        if not run.resumed:
            self._fill_memory(run)
        return True

    @hookimpl
    def aas_features(self, run: NativeRun) -> np.ndarray:
        """Give the memory, which is what SpCL clusters."""
        if self.options.features == "fresh":
            self._fill_memory(run)
        return self.memory.cpu().numpy()

    def _fill_memory(self, run: NativeRun) -> None:
        self.memory = torch.from_numpy(self.aas_embed(run, run.train)).to(run.device)

    @hookimpl
    def aas_pseudo_labels(self, run: NativeRun, features: np.ndarray, graph: JaccardGraph) -> np.ndarray:
        """Cluster, officially at three radii, to let go of images that are not reliable, as -1."""
        clustering, gap = run.active.clustering, self.options.eps_gap
        labels = dbscan(graph, clustering.eps, clustering.min_samples)
        if not gap:
            return labels
        tight, loose = (
            dbscan(graph, eps, clustering.min_samples)
            for eps in (max(clustering.eps - gap, 1e-6), min(clustering.eps + gap, 1.0))
        )
        groups, tight_groups, loose_groups = map(separate_noise, (labels, tight, loose))
        if self.threshold is None:
            self.threshold = independence_threshold(groups, loose_groups)
        keep = reliable(groups, tight_groups, loose_groups, self.threshold)
        return by_first_appearance(np.where(keep, labels, -1))

    @hookimpl
    def aas_train_epoch(self, run: NativeRun, labels: np.ndarray) -> dict[str, float]:
        """Contrast batches with the memory, its groups being the labels that were handed over."""
        singles = self.options.noise == "single"
        groups = torch.from_numpy(separate_noise(labels) if singles else labels).to(run.device)

        def loss(features: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
            options = self.options
            return contrast(features, positions, self.memory, groups, options.momentum, options.temperature)

        return self.trainer.epoch(run, labels, loss, singles=singles)

    @hookimpl
    def aas_save_state(self, run: NativeRun) -> dict[str, Any]:
        """Everything that changes from epoch to epoch."""
        return {**super().aas_save_state(run), "memory": self.memory, "threshold": self.threshold}

    @hookimpl
    def aas_load_state(self, run: NativeRun, state: dict[str, Any]) -> bool:
        """Go on from a saved state."""
        super().aas_load_state(run, state)
        self.memory = state["memory"].to(run.device)
        self.threshold = state["threshold"]
        return True
