"""SpCL's hybrid memory: one feature a training image, contrasted with clusters and single images."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from aas_plugin.training.memory import similarity_to


def contrast(
    inputs: Tensor, positions: Tensor, memory: Tensor, labels: Tensor, momentum: float, temperature: float
) -> Tensor:
    """SpCL's unified contrastive loss (its equation 1, without source classes).

    The logit of a group is the mean of f.m / temperature over its members. The memory is updated when the loss is
    back-propagated.

    Args:
        inputs: float32 (B, D), L2-normalised rows.
        positions: int64 (B,), memory rows of the inputs.
        memory: float32 (N, D), L2-normalised rows.
        labels: int64 (N,), contiguous from 0; -1 for images that are in no group, and in no batch. Officially an
            un-clustered image has a label of its own.
        momentum: share of the old memory row that is kept, in [0, 1].
        temperature: divides the similarities, above 0.

    Returns:
        A scalar, the mean over the batch.
    """
    similarity = similarity_to(memory, inputs, positions, momentum) / temperature
    groups = int(labels.max()) + 1
    grouped = labels >= 0
    similarity, members = similarity[:, grouped], labels[grouped]
    sums = similarity.new_zeros(len(inputs), groups).index_add_(1, members, similarity)
    sizes = torch.bincount(members, minlength=groups).to(similarity.dtype)
    return functional.cross_entropy(sums / sizes, labels[positions])
