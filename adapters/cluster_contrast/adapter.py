"""ClusterContrast as a base method: fresh features, one clustering, one epoch against its centroids."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.jaccard import JaccardGraph
from aas_plugin.hookspecs import hookimpl
from aas_plugin.models import make_backbone
from aas_plugin.models.pooling import GeM
from aas_plugin.runs.run import NativeRun
from aas_plugin.training.centroids import centroids_of
from aas_plugin.training.memory import similarity_to
from aas_plugin.training.method import NativeMethod

from .options import ClusterContrastOptions


class ClusterContrast(NativeMethod):
    """One run of ClusterContrast. Images that are in no cluster after the answers are not trained on.

    Attributes:
        options: of the method.
    """

    def __init__(self, options: ClusterContrastOptions) -> None:
        self.options = options

    def make_model(self, run: NativeRun) -> nn.Module:
        """The backbone with GeM pooling."""
        return make_backbone(run, GeM())

    @hookimpl
    def aas_pseudo_labels(self, run: NativeRun, features: np.ndarray, graph: JaccardGraph) -> np.ndarray:
        """Cluster with DBSCAN."""
        return dbscan(graph, run.active.clustering.eps, run.active.clustering.min_samples)

    @hookimpl
    def aas_train_epoch(self, run: NativeRun, features: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        """Contrast batches with the centroids of the clusters that were handed over."""
        memory = torch.from_numpy(centroids_of(features, labels)).to(run.device)
        clusters = torch.from_numpy(labels).to(run.device)

        def loss(embedded: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
            options, own = self.options, clusters[positions]
            similarity = similarity_to(memory, embedded, own, options.momentum, hardest=options.hardest)
            return functional.cross_entropy(similarity / options.temperature, own)

        return self.trainer.epoch(run, labels, loss, singles=False)
