"""Feature maps, and pooling them into vectors."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class GeM(nn.Module):
    """Generalised mean over a feature map, (B, C, H, W) to (B, C): `mean(x ^ p) ^ (1 / p)`, p learnt.

    Source: Radenovic et al., TPAMI 2019; p = 3 at first, as in ClusterContrast. Values below `floor` count as
    `floor`. Computed in single precision, where a cube does not overflow.
    """

    def __init__(self, p: float = 3.0, floor: float = 1e-6) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.tensor([p]))
        self.floor = floor

    def forward(self, maps: Tensor) -> Tensor:
        """Pool."""
        powers = maps.float().clamp(min=self.floor).pow(self.p)
        return functional.adaptive_avg_pool2d(powers, 1).flatten(1).pow(1 / self.p)


class FeatureMaps(nn.Module):
    """Feature maps of one of timm's networks, channels second: (B, 3, H, W) to (B, C, h, w).

    Args:
        network: any of timm's that has feature maps.
        channels_last: whether its own are (B, h, w, C).
    """

    def __init__(self, network: nn.Module, channels_last: bool) -> None:
        super().__init__()
        self.network = network
        self.channels_last = channels_last

    def forward(self, images: Tensor) -> Tensor:
        """Map a batch."""
        maps: Tensor = self.network.forward_features(images)  # type: ignore[operator]
        return maps.permute(0, 3, 1, 2) if self.channels_last else maps
