"""The method: how it clusters, and what it trains on the clusters."""

import numpy as np
import torch
from sklearn.cluster import AgglomerativeClustering

from aas_plugin import hookimpl
from aas_plugin.clustering.jaccard import JaccardGraph
from aas_plugin.runs.run import NativeRun
from aas_plugin.training.method import NativeMethod


class AgglomerativeTriplet(NativeMethod):
    """Images whose cluster is smaller than `clustering.min_samples` are not trained on."""

    def __init__(self, options):
        self.options = options

    @hookimpl
    def aas_pseudo_labels(self, run: NativeRun, features: np.ndarray, graph: JaccardGraph) -> np.ndarray:
        """Cluster: int64 (N,), numbered from 0, -1 for images in no cluster."""
        merge = AgglomerativeClustering(
            n_clusters=None, distance_threshold=self.options.threshold, metric="cosine", linkage="average"
        )
        labels = merge.fit_predict(features)
        small = np.bincount(labels)[labels] < run.active.clustering.min_samples
        labels[~small] = np.unique(labels[~small], return_inverse=True)[1]
        return np.where(small, -1, labels).astype(np.int64)

    @hookimpl
    def aas_train_epoch(self, run: NativeRun, labels: np.ndarray) -> dict[str, float]:
        """Train on the clusters that are handed over; every answer holds in them."""
        clusters = torch.from_numpy(labels).to(run.device)

        def loss(features, positions):
            return batch_hard_triplet(features, clusters[positions], self.options.margin)

        return self.trainer.epoch(run, labels, loss, singles=False)


def batch_hard_triplet(features, own, margin):
    """Hinge on the furthest image of an image's cluster and the closest of another (Hermans et al., 2017)."""
    distance = torch.cdist(features, features)
    same = own[:, None] == own[None, :]
    furthest = distance.masked_fill(~same, 0).amax(dim=1)
    closest = distance.masked_fill(same, 2 + margin).amin(dim=1)
    return torch.relu(furthest - closest + margin).mean()
