"""A small network with features of the whole photo and of its halves."""

from torch import nn
from torch.nn import functional as F

from .trunk import Neck, Trunk


class HalvesNetwork(nn.Module):
    """All three features have the same size."""

    def __init__(self, num_features=0, norm=False, dropout=0, num_classes=0, pooling_type="avg", pretrained=True):
        super().__init__()
        self.norm = norm
        self.base = Trunk()
        self.num_features = 128
        self.feat_bn, self.feat_bn2, self.feat_bn3 = (Neck(self.num_features) for _ in range(3))

    def forward(self, images):
        """Give three features per image: whole, upper half, lower half."""
        places = self.base(images)
        upper, lower = places.chunk(2, dim=2)
        rows = [F.adaptive_avg_pool2d(part, (4, 2)).flatten(1) for part in (places, upper, lower)]
        rows = [neck(part) for neck, part in zip((self.feat_bn, self.feat_bn2, self.feat_bn3), rows, strict=True)]
        if self.norm or not self.training:
            rows = [F.normalize(part) for part in rows]
        return tuple(rows)


KNOWN = {"resnet50": HalvesNetwork}


def names():
    """Give the names that `create` takes."""
    return sorted(KNOWN)


def create(name, **kwargs):
    """Build the network of this name."""
    return KNOWN[name](**kwargs)
