"""The layers below every network."""

import math

import torch
from torch import nn


class Trunk(nn.Module):
    """Two small layers whose weights are always the same at the start, as if they had been trained before."""

    def __init__(self, channels=16):
        super().__init__()
        self.conv = nn.Conv2d(3, channels, kernel_size=8, stride=8)
        self.mix = nn.Conv2d(channels, channels, kernel_size=1)
        source = torch.Generator().manual_seed(7)
        with torch.no_grad():
            for layer in (self.conv, self.mix):
                layer.weight.normal_(0, 1 / math.sqrt(layer.weight[0].numel()), generator=source)
                layer.bias.zero_()

    def forward(self, images):
        """Give a map of channels over places."""
        return self.mix(torch.relu(self.conv(images)))


class Neck(nn.BatchNorm1d):
    """Batch normalisation with a fixed bias."""

    def __init__(self, num_features):
        super().__init__(num_features)
        self.bias.requires_grad_(False)
