"""A head on a model that stays as it is."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from aas_plugin.training.embed import normalisation


class HeadedModel(nn.Module):
    """A frozen model, and a linear head that is trained on what it gives.

    The head takes each feature to one of as many dimensions and of the same length, so features of unit length stay
    so, and those that a method wants in their own length keep it. It begins as the identity: untrained, this model
    gives just what the frozen one gives. Of several features of an image each goes through the same head.

    Args:
        body: any model that embeds, (B, 3, H, W) to float32 (B, D) or (B, ..., D); it stays in evaluation mode,
            without gradients.
        head: of D dimensions.

    Attributes:
        mean: of red, green and blue in [0, 1], as the body takes images.
        std: of the same.
        image_size: the only (height, width) in pixels that the body takes, or None.
    """

    def __init__(self, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.body = body.requires_grad_(False).eval()
        self.head = head
        self.mean, self.std = normalisation(body)
        self.image_size: tuple[int, int] | None = getattr(body, "image_size", None)

    def train(self, mode: bool = True) -> HeadedModel:
        """Put the head into training mode, or out of it; the body stays in evaluation mode."""
        super().train(mode)
        self.body.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Embed a batch of images."""
        return self.of_frozen(self.body(images))

    def of_frozen(self, frozen: Tensor) -> Tensor:
        """From what the body gives, float32 (B, ..., D), to features of the same shape."""
        turned: Tensor = self.head(frozen.float())
        lengths = [torch.linalg.vector_norm(rows, dim=-1, keepdim=True) for rows in (frozen.float(), turned)]
        return turned * (lengths[0] / lengths[1].clamp(min=1e-12))


def identity_head(dimensions: int) -> nn.Linear:
    """A linear layer from `dimensions` to as many, without bias, that changes nothing."""
    head = nn.Linear(dimensions, dimensions, bias=False)
    nn.init.eye_(head.weight)
    return head
