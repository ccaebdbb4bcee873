"""A memory with three rows per cluster."""

from torch import nn
from torch.nn import functional as F

from .memory import move_rows


class ClusterMemory(nn.Module):
    """Contrasts whole photos and halves with the clusters, and holds them near the teacher."""

    def __init__(self, num_features, num_samples, temp=0.05, momentum=0.2, use_hard=False, lambda2=None, mu=None):
        super().__init__()
        self.temp = temp
        self.momentum = momentum
        self.lambda2 = lambda2
        self.mu = mu

    def part_loss(self, rows, inputs, teacher, targets, epoch):
        """Give the loss of one part; the rows stand still in epoch -1."""
        inputs, teacher = F.normalize(inputs, dim=1).cuda(), F.normalize(teacher, dim=1).cuda()
        products = inputs @ rows.clone().t()
        if epoch >= 0:
            move_rows(rows, inputs, targets, self.momentum)
        distance = (inputs - teacher).square().mean(0).sum()
        return F.cross_entropy(products / self.temp, targets) + self.mu * distance

    def forward(
        self, inputs, inputs_up, inputs_down, inputs_teacher, inputs_up_teacher, inputs_down_teacher, targets, epoch
    ):
        """Give the weighted loss of the three parts."""
        whole = self.part_loss(self.features, inputs, inputs_teacher, targets, epoch)
        upper = self.part_loss(self.features_up, inputs_up, inputs_up_teacher, targets, epoch)
        lower = self.part_loss(self.features_down, inputs_down, inputs_down_teacher, targets, epoch)
        return (1.0 - self.lambda2) * whole + self.lambda2 * (upper + lower)
