"""A learning rate that grows at the start."""

from torch.optim.lr_scheduler import LambdaLR


class WarmupMultiStepLR(LambdaLR):
    """Rises evenly for some epochs and is cut at milestones."""

    def __init__(self, optimizer, milestones, gamma=0.1, warmup_factor=0.1, warmup_iters=10):
        def factor(epoch):
            begun = min(1.0, epoch / max(1, warmup_iters))
            cuts = sum(epoch >= milestone for milestone in milestones)
            return (warmup_factor + (1 - warmup_factor) * begun) * gamma**cuts

        super().__init__(optimizer, factor)
