"""Random generators that depend on a seed, an epoch and a purpose, and on nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


def seeded_rng(seed: int, epoch: int, purpose: str) -> np.random.Generator:
    """A generator that depends on the run's seed, the epoch and the purpose, and on nothing else."""
    return np.random.default_rng([seed, epoch + 1, *purpose.encode()])


@contextmanager
def torch_seed(generator: np.random.Generator) -> Iterator[None]:
    """Seed torch's global generators inside the block and put them back as they were."""
    import torch

    devices = list(range(torch.cuda.device_count()))
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(int(generator.integers(2**63)))
        yield
