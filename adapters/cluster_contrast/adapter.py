"""ClusterContrast as a base method: fresh features, one clustering, one epoch against its centroids."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.jaccard import JaccardGraph
from aas_plugin.hookspecs import hookimpl
from aas_plugin.models import make_backbone
from aas_plugin.models.pooling import GeM
from aas_plugin.run import Run
from aas_plugin.training.centroids import centroids_of
from aas_plugin.training.embed import embed
from aas_plugin.training.epoch import Trainer
from aas_plugin.training.memory import similarity_to

from . import ClusterContrastOptions


class ClusterContrast:
    """One run of ClusterContrast. Images that are in no cluster after the answers are not trained on."""

    def __init__(self, options: ClusterContrastOptions) -> None:
        self.options = options

    @hookimpl
    def aas_setup(self, run: Run) -> bool:
        """Build the model, with GeM pooling, and its optimiser."""
        self.model = make_backbone(run, GeM())
        self.trainer = Trainer(self.model, run)
        return True

    @hookimpl
    def aas_embed(self, run: Run, rows: np.ndarray) -> np.ndarray:
        """Embed catalogue rows with the model as it is."""
        return embed(self.model, run.images, rows, run.device, progress=run.progress("embedding"))

    @hookimpl
    def aas_features(self, run: Run) -> np.ndarray:
        """Embed the training images; centroids are made of these features, too."""
        self.features = self.aas_embed(run, run.train)
        return self.features

    @hookimpl
    def aas_pseudo_labels(self, run: Run, features: np.ndarray, graph: JaccardGraph) -> np.ndarray:
        """Cluster with DBSCAN."""
        return dbscan(graph, run.settings.clustering.eps, run.settings.clustering.min_samples)

    @hookimpl
    def aas_train_epoch(self, run: Run, labels: np.ndarray) -> dict[str, float]:
        """Contrast batches with the centroids of the clusters that were handed over."""
        memory = torch.from_numpy(centroids_of(self.features, labels)).to(run.device)
        clusters = torch.from_numpy(labels).to(run.device)

        def loss(features: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
            options, own = self.options, clusters[positions]
            similarity = similarity_to(memory, features, own, options.momentum, hardest=options.hardest)
            return functional.cross_entropy(similarity / options.temperature, own)

        return self.trainer.epoch(run, labels, loss, singles=False)

    @hookimpl
    def aas_save_state(self, run: Run) -> dict[str, Any]:
        """Everything that changes from epoch to epoch."""
        return self.trainer.state()

    @hookimpl
    def aas_load_state(self, run: Run, state: dict[str, Any]) -> bool:
        """Go on from a saved state."""
        self.trainer.load(state)
        return True
