"""PPLR's losses: labels refined by the parts, labels smoothed by agreement, soft-margin triplets."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def part_guided_loss(whole: Tensor, parts: Tensor, own: Tensor, agreement: Tensor, beta: float) -> Tensor:
    """Cross-entropy of the global prediction with labels that the parts refine (PPLR, equations 6 and 7).

    Targets are `beta` times the pseudo-label and 1 - `beta` times the parts' mean prediction, weighted by the
    softmax of their agreement. No gradient goes through the targets.

    Args:
        whole: float32 (B, K), logits of the global features.
        parts: float32 (B, P, K), logits of the part features.
        own: int64 (B,), pseudo-labels in 0..K-1.
        agreement: float32 (B, P), cross agreement in [0, 1].
        beta: weight of the pseudo-label, in [0, 1].

    Returns:
        A scalar, the mean over the batch.
    """
    weights = functional.softmax(agreement, dim=1)[:, :, None]
    predicted = (functional.softmax(parts, dim=2) * weights).sum(dim=1).detach()
    targets = beta * functional.one_hot(own, whole.shape[1]) + (1 - beta) * predicted
    return -(targets * functional.log_softmax(whole, dim=1)).sum(dim=1).mean()


def agreement_aware_loss(parts: Tensor, own: Tensor, agreement: Tensor) -> Tensor:
    """Smoothed cross-entropy of the parts' predictions (PPLR, equation 4).

    Each part's cross-entropy counts as far as it agrees with the whole, and the divergence of its prediction from
    a uniform one as far as it does not.

    Args:
        parts: float32 (B, P, K), logits of the part features.
        own: int64 (B,), pseudo-labels in 0..K-1.
        agreement: float32 (B, P), cross agreement in [0, 1].

    Returns:
        A scalar, the mean over batch and parts.
    """
    logs = functional.log_softmax(parts, dim=2)
    classes = parts.shape[2]
    entropy = -logs.gather(2, own[:, None, None].expand(-1, parts.shape[1], 1)).squeeze(2)
    divergence = -logs.mean(dim=2) - torch.log(torch.tensor(float(classes)))
    return (agreement * entropy + (1 - agreement) * divergence).mean()


def smoothed_loss(parts: Tensor, own: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy of the parts' predictions with uniformly smoothed labels.

    Args:
        parts: float32 (B, P, K), logits of the part features.
        own: int64 (B,), pseudo-labels in 0..K-1.
        smoothing: share of each label that is spread over all classes, in [0, 1).

    Returns:
        A scalar, the mean over batch and parts.
    """
    repeated = own.repeat_interleave(parts.shape[1])
    return functional.cross_entropy(parts.flatten(0, 1), repeated, label_smoothing=smoothing)


def soft_triplet_loss(features: Tensor, own: Tensor) -> Tensor:
    """Soft-margin triplet loss over the hardest pairs of a batch: the mean of log(1 + exp(d_ap - d_an)).

    d_ap is the Euclidean distance to the furthest image of the same cluster, d_an that to the closest of another.
    An image without any of another counts 0.

    Args:
        features: float32 (B, D), of any length.
        own: int64 (B,), pseudo-labels.

    Returns:
        A scalar, the mean over the batch.
    """
    squares = (features**2).sum(dim=1)
    squared = squares[:, None] + squares[None, :] - 2 * features @ features.T
    # The gradient of the root is infinite at 0.
    distance = squared.clamp(min=1e-12).sqrt()
    same = own[:, None] == own[None, :]
    furthest = distance.masked_fill(~same, -torch.inf).amax(dim=1)
    closest = distance.masked_fill(same, torch.inf).amin(dim=1)
    return functional.softplus(furthest - closest).mean()
