"""When questions are asked: which epochs begin a cycle."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """Cycles of epochs. Each begins with questions; the last one goes on to the end.

    Attributes:
        every: epochs from one asking to the next, at least 1.
        cycles: number of askings; a training that never asks is one cycle.
    """

    every: int
    cycles: int

    def asks(self, epoch: int) -> bool:
        """Whether questions are asked before this epoch, counted from 0, is trained."""
        return epoch % self.every == 0 and epoch < self.every * self.cycles

    def begins(self, epoch: int) -> bool:
        """Whether a cycle begins with this epoch."""
        return epoch == 0 or self.asks(epoch)

    def cycle_of(self, epoch: int) -> int:
        """The cycle that this epoch belongs to, from 1."""
        return max(1, min(epoch // self.every + 1, self.cycles))
