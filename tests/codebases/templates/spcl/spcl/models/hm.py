"""A memory with one row per photo."""

import torch
from torch import nn
from torch.nn import functional as F

from .memory import group_logits, move_rows


class HybridMemory(nn.Module):
    """Contrasts a batch with all clusters and all single photos."""

    def __init__(self, num_features, num_samples, temp=0.05, momentum=0.2):
        super().__init__()
        self.temp = temp
        self.momentum = momentum
        self.register_buffer("features", torch.zeros(num_samples, num_features))
        self.register_buffer("labels", torch.zeros(num_samples, dtype=torch.int64))

    def forward(self, inputs, indexes):
        """Give the loss and move the rows of this batch."""
        logits = group_logits(inputs, self.features.clone(), self.labels) / self.temp
        move_rows(self.features, inputs, indexes, self.momentum)
        return F.cross_entropy(logits, self.labels[indexes])
