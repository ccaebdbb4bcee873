"""What the memories have in common."""

import torch
from torch.nn import functional as F


def group_logits(inputs, rows, labels):
    """Give each input's mean product with the rows of every label; a label without rows gets none."""
    member = F.one_hot(labels).float()
    sizes = member.sum(0)
    means = inputs @ rows.t() @ member / sizes.clamp(min=1)
    return means.masked_fill(sizes == 0, -torch.inf)


@torch.no_grad()
def move_rows(rows, inputs, places, momentum):
    """Pull rows towards inputs, one after the other, and keep their length at one."""
    for place, row in zip(places.tolist(), inputs.detach(), strict=True):
        rows[place] = F.normalize(momentum * rows[place] + (1 - momentum) * row, dim=0)
