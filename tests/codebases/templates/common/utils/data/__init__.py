"""Batches without an end."""


class IterLoader:
    """Gives batches for as long as somebody asks, in epochs of `length` steps."""

    def __init__(self, loader, length=None):
        self.loader = loader
        self.length = length
        self.iter = iter(())

    def __len__(self):
        return len(self.loader) if self.length is None else self.length

    def new_epoch(self):
        """Begin again with a fresh order."""
        self.iter = iter(self.loader)

    def next(self):
        """Give the next batch, from a new round where the last one has run out."""
        try:
            return next(self.iter)
        except StopIteration:
            self.new_epoch()
            return next(self.iter)
