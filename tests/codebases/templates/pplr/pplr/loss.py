"""The losses on global and part features."""

import torch
from torch import nn
from torch.nn import functional as F


def refined_loss(whole, parts, targets, agreement, beta):
    """Score the global logits against targets that the parts soften, the more agreeable part counting more."""
    trust = torch.softmax(agreement, dim=1)[:, None, :]
    guess = (torch.softmax(parts.detach(), dim=1) * trust).sum(2)
    wanted = beta * F.one_hot(targets, whole.shape[1]) + (1 - beta) * guess
    return F.cross_entropy(whole, wanted)


def smoothed_loss(logits, targets, agreement):
    """Score one part's logits against its targets, or evenly over all clusters where it disagrees."""
    losses = F.log_softmax(logits, dim=1)
    hit = -losses.gather(1, targets[:, None])[:, 0]
    return (agreement * hit - (1 - agreement) * losses.mean(1)).mean()


def soft_triplet_loss(rows, targets):
    """Compare each photo's farthest partner with its closest stranger."""
    gaps = torch.cdist(rows, rows)
    same = targets[:, None] == targets
    partner = gaps.masked_fill(~same, -torch.inf).amax(1)
    stranger = gaps.masked_fill(same, torch.inf).amin(1)
    return F.softplus(partner - stranger).mean()


class InterCamProxy(nn.Module):
    """One row per cluster and camera; a photo is drawn to its cluster's rows of other cameras."""

    def __init__(self, num_features, num_samples, num_hards=50, temp=0.07):
        super().__init__()
        self.temp = temp
        self.register_buffer("proxy", torch.zeros(num_samples, num_features))
        self.register_buffer("pids", torch.zeros(num_samples, dtype=torch.int64))
        self.register_buffer("cids", torch.zeros(num_samples, dtype=torch.int64))

    def forward(self, inputs, targets, cams):
        """Give the loss; nothing where a cluster has one camera."""
        logits = F.log_softmax(F.normalize(inputs, dim=1) @ self.proxy.t() / self.temp, dim=1)
        partner = (targets[:, None] == self.pids) & (cams[:, None] != self.cids)
        return -((logits * partner).sum(1) / partner.sum(1).clamp(min=1)).mean()
