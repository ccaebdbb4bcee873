"""Memories that training contrasts batches with: rows that follow features and get no gradient."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


class _Product(torch.autograd.Function):
    """Similarities of a batch to all rows of a memory, which moves when gradients pass."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, rows: Tensor, memory: Tensor, momentum: float, hardest: bool) -> Tensor:
        ctx.memory, ctx.momentum, ctx.hardest = memory, momentum, hardest
        ctx.save_for_backward(inputs, rows)
        return inputs @ memory.T

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, None, None, None, None]:
        inputs, rows = ctx.saved_tensors
        towards_inputs = gradients[0] @ ctx.memory if ctx.needs_input_grad[0] else None
        move = update_with_hardest if ctx.hardest else update
        move(ctx.memory, inputs, rows, ctx.momentum)
        return towards_inputs, None, None, None, None


def similarity_to(memory: Tensor, inputs: Tensor, rows: Tensor, momentum: float, *, hardest: bool = False) -> Tensor:
    """Inner products of features with a memory.

    Gradients go to the inputs only. When they pass, the memory's rows move towards the inputs that belong to them.

    Args:
        memory: (M, D), rows of unit length, changed in place.
        inputs: (B, D), rows of unit length.
        rows: int64 (B,), the row of the memory that each input belongs to.
        momentum: share of the old row that is kept, in [0, 1].
        hardest: move a row towards its least similar input only, instead of towards each in turn.

    Returns:
        (B, M).
    """
    product: Tensor = _Product.apply(inputs, rows, memory, momentum, hardest)
    return product


def update(memory: Tensor, inputs: Tensor, rows: Tensor, momentum: float) -> None:
    """Move rows towards features, in place: `m <- L2(momentum m + (1 - momentum) f)`.

    A row that is named twice moves twice, in the batch's order (official code of SpCL and ClusterContrast).

    Args:
        memory: (M, D).
        inputs: (B, D).
        rows: int64 (B,), the row that each input belongs to.
        momentum: share of the old row that is kept, in [0, 1].
    """
    for feature, row in zip(inputs, rows.tolist(), strict=True):
        memory[row] = functional.normalize(momentum * memory[row] + (1 - momentum) * feature, dim=0)


def update_with_hardest(memory: Tensor, inputs: Tensor, rows: Tensor, momentum: float) -> None:
    """As `update`, once a row, with the feature that is least similar to it (ClusterContrast's hard memory)."""
    similarity = (inputs * memory[rows]).sum(dim=1)
    for row in rows.unique().tolist():
        own = torch.nonzero(rows == row).flatten()
        hardest = own[similarity[own].argmin()]
        update(memory, inputs[hardest : hardest + 1], rows[hardest : hardest + 1], momentum)
