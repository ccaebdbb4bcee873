"""Memories of clusters and of single photos."""

import torch
from torch import nn
from torch.nn import functional as F

from .memory import group_logits, move_rows


class ClusterMemory(nn.Module):
    """One row per cluster; the latest photo takes its place."""

    def __init__(self, num_features, num_samples, temp=0.05, momentum=0.2, use_hard=False):
        super().__init__()
        self.temp = temp
        self.register_buffer("features", torch.zeros(num_samples, num_features))

    def forward(self, inputs, targets, momentum):
        """Give the loss and replace the rows of these clusters."""
        inputs = F.normalize(inputs, dim=1).cuda()
        products = inputs @ self.features.clone().t()
        move_rows(self.features, inputs, targets, 0.0)
        return F.cross_entropy(products / self.temp, targets)


class HybridMemory(nn.Module):
    """One row per photo, in groups by label."""

    def __init__(self, num_features, num_samples, temp=0.05, momentum=0.2):
        super().__init__()
        self.temp = temp
        self.register_buffer("features", torch.zeros(num_samples, num_features))
        self.register_buffer("labels", torch.zeros(num_samples, dtype=torch.int64))

    def forward(self, inputs, targets, momentum):
        """Give the loss of inputs that belong to these groups."""
        return F.cross_entropy(group_logits(inputs, self.features, self.labels) / self.temp, targets)
