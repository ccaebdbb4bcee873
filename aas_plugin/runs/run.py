"""What hooks are handed: a run with its settings, data, device and folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aas_plugin.plugins.notify import notify
from aas_plugin.training.seeds import seeded_rng

if TYPE_CHECKING:
    import pluggy
    import torch

    from aas_plugin.active.learner import ActiveLearner
    from aas_plugin.data.catalogue import Catalogue
    from aas_plugin.data.images import ImageStore
    from aas_plugin.plugins.registry import Progress, Registry
    from aas_plugin.settings.models import RunSettings


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
