"""A small network with a global feature, part features and a classifier for each of them."""

import torch
from torch import nn
from torch.nn import functional as F

from .trunk import Neck, Trunk


class PartNetwork(nn.Module):
    """All features have the same size."""

    def __init__(self, num_parts=3, num_classes=0):
        super().__init__()
        self.num_parts = num_parts
        self.base = Trunk()
        self.num_features = 64
        self.bnneck = Neck(self.num_features)
        self.classifier = nn.Linear(self.num_features, num_classes, bias=False)
        for part in range(num_parts):
            setattr(self, f"bnneck{part}", Neck(self.num_features))
            setattr(self, f"classifier{part}", nn.Linear(self.num_features, num_classes, bias=False))

    def both(self, images):
        """Give global features and a list of part features."""
        places = self.base(images)
        whole = self.bnneck(F.adaptive_avg_pool2d(places, (4, 1)).flatten(1))
        stripes = F.adaptive_avg_pool2d(places, (self.num_parts, 4)).unbind(2)
        return whole, [getattr(self, f"bnneck{part}")(stripe.flatten(1)) for part, stripe in enumerate(stripes)]

    def forward(self, images):
        """Give features and logits in training, and else the global feature alone."""
        whole, parts = self.both(images)
        if not self.training:
            return F.normalize(whole)
        logits = [getattr(self, f"classifier{part}")(rows) for part, rows in enumerate(parts)]
        return whole, torch.stack(parts, dim=-1), self.classifier(whole), torch.stack(logits, dim=-1)

    def extract_all_features(self, images):
        """Give global features, and part features in the last dimension."""
        whole, parts = self.both(images)
        return F.normalize(whole), torch.stack([F.normalize(rows) for rows in parts], dim=-1)


def resnet50part(**kwargs):
    """Build the network."""
    return PartNetwork(**kwargs)
