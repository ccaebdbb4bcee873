"""SpCL's hybrid memory: one feature a training image, contrasted with clusters and single images."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


class _MemoryProduct(torch.autograd.Function):
    """Similarities of a batch to the whole memory; the memory moves when gradients pass, and gets none."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, positions: Tensor, memory: Tensor, momentum: float) -> Tensor:
        ctx.memory, ctx.momentum = memory, momentum
        ctx.save_for_backward(inputs, positions)
        return inputs @ memory.T

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, None, None, None]:
        inputs, positions = ctx.saved_tensors
        towards_inputs = gradients[0] @ ctx.memory if ctx.needs_input_grad[0] else None
        update(ctx.memory, inputs, positions, ctx.momentum)
        return towards_inputs, None, None, None


def update(memory: Tensor, inputs: Tensor, positions: Tensor, momentum: float) -> None:
    """Move memory rows towards new features, in place: `m <- L2(momentum m + (1 - momentum) f)`.

    `memory` `(N, D)`, `inputs` `(B, D)`, `positions` int64 `(B,)`. An image that is twice in a batch moves its
    row twice, in the batch's order (official code).
    """
    for feature, position in zip(inputs, positions.tolist(), strict=True):
        memory[position] = functional.normalize(momentum * memory[position] + (1 - momentum) * feature, dim=0)


def contrast(
    inputs: Tensor, positions: Tensor, memory: Tensor, labels: Tensor, momentum: float, temperature: float
) -> Tensor:
    """SpCL's unified contrastive loss (its equation 1, without source classes), a scalar.

    `inputs` `(B, D)` L2-normalised; `positions` int64 `(B,)` their memory rows; `labels` int64 `(N,)`
    contiguous from 0, every un-clustered image with a label of its own. The logit of a group is the mean of
    f.m / temperature over its members. The memory is updated when the loss is back-propagated.
    """
    similarity = _MemoryProduct.apply(inputs, positions, memory, momentum) / temperature
    groups = int(labels.max()) + 1
    sums = similarity.new_zeros(len(inputs), groups).index_add_(1, labels, similarity)
    sizes = torch.bincount(labels, minlength=groups).to(similarity.dtype)
    return functional.cross_entropy(sums / sizes, labels[positions])
