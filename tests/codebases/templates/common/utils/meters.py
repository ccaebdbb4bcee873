"""Running means, and the line that shows them."""


class AverageMeter:
    """The last value and the mean of all."""

    def __init__(self):
        self.val = 0.0
        self.sum = 0.0
        self.count = 0

    @property
    def avg(self):
        """Give the mean."""
        return self.sum / self.count if self.count else 0.0

    def update(self, val, n=1):
        """Take a value in."""
        self.val = val
        self.sum += val * n
        self.count += n


def progress(epoch, step, steps, meters):
    """Give one line: epoch, step, and each meter's last value and mean."""
    shown = "\t".join(f"{name} {meter.val:.3f} ({meter.avg:.3f})" for name, meter in meters.items())
    return f"Epoch: [{epoch}][{step}/{steps}]\t{shown}"
