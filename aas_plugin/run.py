"""What hooks are handed: a run with its settings, data, device and folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aas_plugin.plugins import notify

if TYPE_CHECKING:
    import pluggy
    import torch

    from aas_plugin.active import ActiveLearner
    from aas_plugin.config import RunSettings
    from aas_plugin.data.catalogue import Catalogue
    from aas_plugin.data.images import ImageStore
    from aas_plugin.registry import Registry

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Question:
    """One pair of images to ask about.

    `u < v` are positions in the training set, `paths` are relative to the catalogue, `kind` says which error
    the answer can resolve ("over" or "under" segmentation, or a sampler's own word).
    """

    u: int
    v: int
    paths: tuple[str, str]
    kind: str
    cycle: int


@dataclass
class Run:
    """One run, as hooks see it.

    `train` holds the catalogue rows that are trained on, int64 `(N,)`; `identity` the individuals of all
    catalogue rows as strings, None where unknown. `epoch` and `cycle` say where the run is. `state` is for
    plugins to keep things in, by plugin name. A run that drives a checkout has `DrivenSettings` and no `images`.
    """

    name: str
    folder: Path
    settings: RunSettings
    plugins: pluggy.PluginManager
    registry: Registry
    catalogue: Catalogue
    images: ImageStore
    train: np.ndarray
    identity: np.ndarray
    device: torch.device
    active: ActiveLearner
    hashes: list[str]
    data_hash: str
    epochs: int
    epoch: int = 0
    cycle: int = 0
    resumed: bool = False
    state: dict[str, Any] = field(default_factory=dict)

    def rng(self, purpose: str) -> np.random.Generator:
        """A generator for one purpose in this epoch, the same after kill and resume."""
        return seeded_rng(self.settings.seed, self.epoch, purpose)

    def progress(self, task: str) -> Progress:
        """A callback `(done, total)` that tells all observers how far `task` is."""

        def report(done: int, total: int) -> None:
            notify(self.plugins, "aas_progress", run=self, task=task, done=done, total=total)

        return report

    def notify(self, hook: str, **arguments: Any) -> None:
        """Call an observer hook; an observer's error is a warning and nothing more."""
        notify(self.plugins, hook, run=self, **arguments)


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
