"""PPLR as a base method: one clustering of global features, an epoch of classifiers that parts correct."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.jaccard import JaccardGraph
from aas_plugin.hookspecs import hookimpl
from aas_plugin.models import make_backbone
from aas_plugin.runs.run import NativeRun
from aas_plugin.training.centroids import centroids_of, unit_rows
from aas_plugin.training.method import NativeMethod

from .agreement import cross_agreement
from .losses import agreement_aware_loss, part_guided_loss, smoothed_loss, soft_triplet_loss
from .model import Classifiers, PartModel, WholeImages, check_stripes
from .options import PplrOptions


class Pplr(NativeMethod):
    """One run of PPLR. Images that are in no cluster after the answers are not trained on.

    Classifiers last an epoch, with an optimiser of their own. This is ours: the official code carries Adam's moments
    over to the next epoch, whose classes are others.

    Attributes:
        options: of the method.
        features: float32 (N, 1 + P, D), global and part features of this epoch, all of unit length.
    """

    def __init__(self, options: PplrOptions) -> None:
        self.options = options

    def make_model(self, run: NativeRun) -> nn.Module:
        """Make the backbone with features of stripes beside the global ones.

        Args:
            run: the run.

        Returns:
            A module on the run's device.

        Raises:
            AasError: there are more stripes than rows in the feature map of an image.
        """
        model = PartModel(make_backbone(run), self.options.parts).to(run.device)
        check_stripes(model, run.settings.training.height, run.settings.training.width, run.device)
        return model

    @hookimpl
    def aas_embed(self, run: NativeRun, rows: np.ndarray) -> np.ndarray:
        """Embed catalogue rows, globally."""
        return self._embed_all(run, rows)[:, 0]

    @hookimpl
    def aas_features(self, run: NativeRun) -> np.ndarray:
        """Embed the training images; centroids and agreement are made of these features, too."""
        self.features = self._embed_all(run, run.train)
        return self.features[:, 0]

    @hookimpl
    def aas_model(self, run: NativeRun) -> nn.Module:
        """The model's global features alone."""
        return WholeImages(self.trainer.model)

    def _embed_all(self, run: NativeRun, rows: np.ndarray) -> np.ndarray:
        """Embed images globally and by parts.

        Args:
            run: the run.
            rows: int64 (n,), catalogue rows of the images.

        Returns:
            float32 (n, 1 + P, D), all of unit length.
        """
        return unit_rows(self.trainer.embed(run, rows))

    @hookimpl
    def aas_pseudo_labels(self, run: NativeRun, features: np.ndarray, graph: JaccardGraph) -> np.ndarray:
        """Cluster with DBSCAN."""
        return dbscan(graph, run.active.clustering.eps, run.active.clustering.min_samples)

    @hookimpl
    def aas_train_epoch(self, run: NativeRun, labels: np.ndarray) -> dict[str, float]:
        """Train classifiers of the clusters that were handed over; the parts say how far each label is trusted."""
        options, whole = self.options, np.ascontiguousarray(self.features[:, 0])
        score = cross_agreement(whole, self.features[:, 1:], options.agreement_k, run.device)
        agreement, clusters = (torch.from_numpy(array).to(run.device) for array in (score, labels))
        centroids = [centroids_of(self.features[:, part], labels) for part in range(self.features.shape[1])]
        classifiers = Classifiers(torch.from_numpy(np.stack(centroids)).to(run.device))

        def loss(features: torch.Tensor, positions: torch.Tensor) -> dict[str, torch.Tensor]:
            own, trust = clusters[positions], agreement[positions]
            logits = classifiers(features)
            parts = logits[:, 1:]
            return {
                "global_loss": part_guided_loss(logits[:, 0], parts, own, trust, options.beta),
                "part_loss": smoothed_loss(parts, own, options.smoothing)
                if run.epoch < options.smooth_from
                else agreement_aware_loss(parts, own, trust),
                "triplet_loss": soft_triplet_loss(features[:, 0], own),
            }

        scalars = self.trainer.epoch(run, labels, loss, singles=False, heads=classifiers, embedding=_whole)
        return {**scalars, "agreement": float(score.mean())}


def _whole(features: torch.Tensor) -> torch.Tensor:
    """The global features of a batch, (B, D), of unit length."""
    return nn.functional.normalize(features[:, 0], dim=1)
