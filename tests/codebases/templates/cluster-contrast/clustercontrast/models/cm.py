"""A memory with one row per cluster."""

import torch
from torch import nn
from torch.nn import functional as F

from .memory import move_rows


class ClusterMemory(nn.Module):
    """Contrasts a batch with the clusters' rows."""

    def __init__(self, num_features, num_samples, temp=0.05, momentum=0.2, use_hard=False):
        super().__init__()
        self.temp = temp
        self.momentum = momentum
        self.use_hard = use_hard
        self.register_buffer("features", torch.zeros(num_samples, num_features))

    def forward(self, inputs, targets):
        """Give the loss and move the rows of these clusters."""
        inputs = F.normalize(inputs, dim=1).cuda()
        products = inputs @ self.features.clone().t()
        if self.use_hard:
            own = products.detach().gather(1, targets[:, None])[:, 0]
            hardest = [int(own.masked_fill(targets != label, torch.inf).argmin()) for label in targets.unique()]
            move_rows(self.features, inputs[hardest], targets[hardest], self.momentum)
        else:
            move_rows(self.features, inputs, targets, self.momentum)
        return F.cross_entropy(products / self.temp, targets)
