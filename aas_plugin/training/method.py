"""What native base methods are made from: a model, its trainer, and the hooks that are alike in most of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from aas_plugin.hookspecs import hookimpl
from aas_plugin.models import make_backbone
from aas_plugin.runs.run import NativeRun
from aas_plugin.training.epoch import Trainer


class NativeMethod:
    """A base method that trains one model. `aas_pseudo_labels` and `aas_train_epoch` are left to write.

    Others are there to be overridden, with `@hookimpl` again: the model is the run's backbone, clustering sees
    fresh features of the training images, and the state is that of the trainer.
    """

    model: nn.Module
    trainer: Trainer

    def make_model(self, run: NativeRun) -> nn.Module:
        """Build the model on `run.device`; what it gives for a batch is what `Trainer.epoch` hands to the loss.

        With `training.freeze=backbone` that goes through a head first, and the model itself is not trained.
        """
        return make_backbone(run)

    @hookimpl
    def aas_setup(self, run: NativeRun) -> bool:
        """Build the model and its optimiser."""
        self.trainer = Trainer(self.make_model(run), run)
        self.model = self.trainer.model
        return True

    @hookimpl
    def aas_embed(self, run: NativeRun, rows: np.ndarray) -> np.ndarray:
        """Embed catalogue rows with the model as it is."""
        return self.trainer.embed(run, rows)

    @hookimpl
    def aas_features(self, run: NativeRun) -> np.ndarray:
        """Embed the training images."""
        return self.aas_embed(run, run.train)

    @hookimpl
    def aas_model(self, run: NativeRun) -> nn.Module:
        """The model, which embeds by itself."""
        return self.trainer.model

    @hookimpl
    def aas_save_state(self, run: NativeRun) -> dict[str, Any]:
        """Everything that changes from epoch to epoch."""
        return self.trainer.state()

    @hookimpl
    def aas_load_state(self, run: NativeRun, state: dict[str, Any]) -> bool:
        """Go on from a saved state."""
        self.trainer.load(state)
        return True
