"""Learning from answers directly: must-linked images more alike than cannot-linked ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from aas_plugin.constraints.closure import Constraints, components
from aas_plugin.errors import AasError

if TYPE_CHECKING:
    from aas_plugin.runs.run import NativeRun


def pair_ranking_loss(same: Tensor, different: Tensor, temperature: float) -> Tensor:
    """How far cannot-linked pairs are as similar as must-linked ones.

    The mean over all pairs of a must-link and a cannot-link of `softplus((different - same) / temperature)`: a
    differentiable form of 1 - AUC, without a threshold that would have to fit the backbone.

    Args:
        same: float32 (M,), cosine similarities of must-linked pairs.
        different: float32 (C,), cosine similarities of cannot-linked pairs.
        temperature: divides differences, above 0.

    Returns:
        A scalar; 0 where there is no pair of one kind.
    """
    if not len(same) or not len(different):
        return (same.sum() + different.sum()) * 0.0
    return functional.softplus((different[None, :] - same[:, None]) / temperature).mean()


def rows_as_they_are(outputs: Tensor) -> Tensor:
    """What a model gives for a batch as its embedding, of unit length.

    Args:
        outputs: float32 (B, D).

    Raises:
        AasError: it is of another shape, and so no row an image.
    """
    if outputs.ndim != 2:
        raise AasError(
            f"the model gives {tuple(outputs.shape)} for a batch, and the loss on answered pairs needs a row an image: "
            "hand `embedding` to Trainer.epoch, or set training.pair_loss=0"
        )
    return functional.normalize(outputs.float(), dim=1)


class AnsweredPairs:
    """What the answers say of any two images, for batches.

    Args:
        constraints: over N images.

    Attributes:
        group: int64 (N,), must-link group of each image.
        apart: bool (G, G), whether two groups are cannot-linked; symmetric.
    """

    def __init__(self, constraints: Constraints) -> None:
        self.must_links = constraints.must_links
        self.cannot_links = constraints.cannot_links
        self.group = components(constraints.n, self.must_links)
        low, high = np.sort(self.group[self.cannot_links], axis=1).T
        self._apart = np.unique(low * constraints.n + high)

    def draw(self, pairs: int, rng: np.random.Generator) -> np.ndarray:
        """Draw answered pairs, half of them must-links; fewer where there are fewer.

        Args:
            pairs: how many, at least 0.
            rng: decides the draw.

        Returns:
            Images, int64 (n,), n at most 2 * `pairs`; an image may stand twice.
        """
        wanted = ((self.must_links, (pairs + 1) // 2), (self.cannot_links, pairs // 2))
        drawn = [links[rng.permutation(len(links))[:count]].ravel() for links, count in wanted]
        return np.concatenate(drawn).astype(np.int64)

    def among(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The pairs of images in a batch whose answers are known or follow.

        Args:
            images: int64 (B,).

        Returns:
            Positions in the batch of must-linked pairs, int64 (M, 2), and of cannot-linked pairs, int64 (C, 2). Two
            positions of one image are no pair.
        """
        first, second = np.triu_indices(len(images), k=1)
        low, high = np.sort(np.stack([self.group[images[first]], self.group[images[second]]]), axis=0)
        same = (low == high) & (images[first] != images[second])
        different = np.isin(low * len(self.group) + high, self._apart)
        positions = np.stack([first, second], axis=1)
        return positions[same], positions[different]


class PairLoss:
    """The loss of an epoch on answered pairs, beside that of the method.

    Args:
        run: gives the answers, the settings and the generator of this epoch.
        embedding: from what the model gives for a batch to float32 (B, D) of unit length.
    """

    def __init__(self, run: NativeRun, embedding: Callable[[Tensor], Tensor]) -> None:
        self.settings = run.settings.training
        self.answers = AnsweredPairs(run.active.constraints)
        self.rng = run.rng("pairs")
        self.embedding = embedding

    def more(self) -> np.ndarray:
        """Images of answered pairs to embed beside a batch, int64 (n,)."""
        return self.answers.draw(self.settings.pairs, self.rng)

    def __call__(self, outputs: Tensor, images: np.ndarray) -> Tensor:
        """The weighted loss of a batch, its images int64 (B,)."""
        features = self.embedding(outputs)
        same, different = (torch.from_numpy(pairs).to(features.device) for pairs in self.answers.among(images))
        similarity = [(features[pairs[:, 0]] * features[pairs[:, 1]]).sum(dim=1) for pairs in (same, different)]
        loss = pair_ranking_loss(similarity[0], similarity[1], self.settings.pair_temperature)
        return self.settings.pair_loss * loss
