"""What hooks are handed: a run with its settings, data, device and folder."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from aas_plugin.errors import AasError
from aas_plugin.plugins.notify import notify
from aas_plugin.runs.status import Status, write_status
from aas_plugin.training.seeds import seeded_rng

if TYPE_CHECKING:
    import pluggy
    import torch

    from aas_plugin.active.learner import ActiveLearner
    from aas_plugin.data.catalogue import Catalogue
    from aas_plugin.data.images import ImageStore
    from aas_plugin.plugins.registry import Progress, Registry
    from aas_plugin.settings.models import RunSettings, SharedSettings


@dataclass(kw_only=True)
class Run:
    """One run, as samplers, oracles and observers see it, whoever trains in it.

    Attributes:
        name: of its folder.
        folder: where all that it gives is kept.
        settings: those that every run has; a native run has more.
        plugins: pluggy's manager of its plugins.
        registry: what these registered by name.
        catalogue: its images.
        train: catalogue rows of the images that are trained on, int64 (N,).
        identity: the individuals of all catalogue rows as strings, object (n,), None where unknown.
        device: on which it computes.
        active: its active learning; there once the run is set up.
        hashes: content hashes of all catalogue rows.
        data_hash: of the catalogue and all contents.
        cache: folder in which features, and keypoints, of photos are kept for all runs.
        constraints_hash: of the constraint set that it began with, None without one.
        epochs: how many there will be.
        epoch: where it is, from 0.
        cycle: where it is, from 1.
        resumed: whether it goes on from an earlier process.
        state: for plugins to keep things in, by plugin name.
    """

    name: str
    folder: Path
    settings: SharedSettings
    plugins: pluggy.PluginManager
    registry: Registry
    catalogue: Catalogue
    train: np.ndarray
    identity: np.ndarray
    device: torch.device
    active: ActiveLearner = field(init=False)
    hashes: list[str]
    data_hash: str
    cache: Path
    constraints_hash: str | None = None
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

    def tell_start(self) -> None:
        """Say in the folder, and to observers, that the run is at work."""
        write_status(self.folder, "running")
        self.notify("aas_run_started")

    def tell_end(self, outcome: Literal["finished", "waiting"]) -> None:
        """Say in the folder, and to observers, that the run ended, or waits for people."""
        write_status(self.folder, outcome)
        self.notify("aas_run_finished", outcome=outcome)

    def tell_failed(self, error: BaseException) -> None:
        """Say in the folder, and to observers, that the run failed or was interrupted."""
        status: Status = "killed" if isinstance(error, KeyboardInterrupt) else "failed"
        # On a full disk the error itself is what is to be told.
        with suppress(AasError):
            write_status(self.folder, status, error)
        self.notify("aas_run_failed", error=error)


@dataclass(kw_only=True)
class NativeRun(Run):
    """A run whose base method is an adapter of this package or of a plugin.

    Attributes:
        settings: all of them.
        images: the pixels of all catalogue rows, in the size that the method trains on.
    """

    settings: RunSettings
    images: ImageStore
