"""A backbone that also embeds horizontal stripes, and the classifiers of an epoch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from aas_plugin.errors import AasError
from aas_plugin.models.backbones import Backbone
from aas_plugin.training.embed import normalisation


class PartModel(nn.Module):
    """Global and part features of images, not normalised (official `resnet_part.py`).

    First comes what the backbone pools from the whole feature map, then what is pooled from each of P stripes, from
    top to bottom, each behind a neck of its own. Where P does not divide the map's rows, neighbouring stripes share
    a row.

    Args:
        backbone: embeds the whole image, and gives the feature map.
        parts: number of stripes P, at least 1.
    """

    def __init__(self, backbone: Backbone, parts: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.stripes = nn.AdaptiveAvgPool2d((parts, 1))
        self.necks = nn.ModuleList(backbone.make_neck() for _ in range(parts))
        self.mean, self.std, self.image_size = backbone.mean, backbone.std, backbone.image_size

    def forward(self, images: Tensor) -> Tensor:
        """Embed a batch.

        Args:
            images: float32 (B, 3, H, W).

        Returns:
            float32 (B, 1 + P, D).
        """
        maps = self.backbone.body(images)
        whole = self.backbone.neck(self.backbone.pool(maps))
        stripes = self.stripes(maps).squeeze(-1).unbind(-1)
        parts = [neck(stripe) for neck, stripe in zip(self.necks, stripes, strict=True)]
        return torch.stack([whole, *parts], dim=1).float()


class WholeImages(nn.Module):
    """The global features of a `PartModel` alone, of unit length, with or without a head on it.

    Args:
        model: gives global and part features, float32 (B, 1 + P, D).
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.mean, self.std = normalisation(model)
        self.image_size: tuple[int, int] | None = getattr(model, "image_size", None)

    def forward(self, images: Tensor) -> Tensor:
        """Embed a batch.

        Args:
            images: float32 (B, 3, H, W).

        Returns:
            float32 (B, D), L2-normalised rows.
        """
        return functional.normalize(self.model(images)[:, 0], dim=1)


def check_stripes(model: PartModel, height: int, width: int, device: torch.device) -> None:
    """Refuse a backbone without feature maps, and more stripes than the feature map of an image has rows.

    Args:
        model: has the stripes.
        height: of the images, in pixels.
        width: of the images, in pixels.
        device: where the model is.

    Raises:
        AasError: there is nothing to cut, or there are more stripes than rows.
    """
    if not model.backbone.has_maps:
        raise AasError(
            "pplr cuts feature maps into stripes, and the backbone gives none that it could cut; take one that does, "
            "such as resnet50 or a convolutional model of timm, or another adapter"
        )
    height, width = model.image_size or (height, width)
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        rows = model.backbone.body(torch.zeros(1, 3, height, width, device=device)).shape[2]
    model.train(was_training)
    parts = len(model.necks)
    if parts > rows:
        taller = "" if model.image_size else "raise training.height or "
        raise AasError(
            f"pplr cuts feature maps into {parts} stripes, but images of training.height {height} give maps of "
            f"height {rows}; {taller}set adapter.parts to {rows} at most"
        )


class Classifiers(nn.Module):
    """Linear classifiers of the global and the part features, begun from the clusters' centroids.

    There are as many classes as clusters, where the official code has room for 3000.

    Args:
        centroids: float32 (1 + P, K, D), of the global features and of each part; copied.
    """

    def __init__(self, centroids: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(centroids.clone())

    def forward(self, features: Tensor) -> Tensor:
        """Classify a batch.

        Args:
            features: float32 (B, 1 + P, D).

        Returns:
            float32 (B, 1 + P, K), logits.
        """
        return torch.einsum("bpd,pkd->bpk", features, self.weight)
