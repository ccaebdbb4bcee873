"""Epochs of gradient steps, shared by native base methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from aas_plugin.errors import AasError
from aas_plugin.run import torch_seed
from aas_plugin.training.batches import augment, balanced_batches, normalise

if TYPE_CHECKING:
    from aas_plugin.run import Run

Loss = Callable[[Tensor, Tensor], Tensor]


class Trainer:
    """A model with its optimiser, schedule and gradient scaler.

    Adam on what is trainable, its rate a tenth every `decay_every` epochs (official code of all methods).
    """

    def __init__(self, model: nn.Module, run: Run) -> None:
        training = run.settings.training
        self.model = model
        self.optimiser = torch.optim.Adam(
            [parameter for parameter in model.parameters() if parameter.requires_grad],
            lr=training.learning_rate,
            weight_decay=training.weight_decay,
        )
        self.schedule = torch.optim.lr_scheduler.StepLR(self.optimiser, training.decay_every, 0.1)
        self.scaler = torch.amp.GradScaler(enabled=training.amp and run.device.type == "cuda")

    def epoch(self, run: Run, labels: np.ndarray, loss: Loss, *, singles: bool = True) -> dict[str, float]:
        """Train on identity-balanced batches; returns the mean loss and the learning rate.

        `labels` int64 `(N,)` over `run.train`, -1 for an image on its own, which is trained on unless `singles`
        is False. `loss(features, positions)` gets L2-normalised features `(B, D)` and their positions in
        `run.train`, int64 `(B,)`. Where there is nothing to train on, the loss is NaN.

        Raises `AasError` when the loss is not finite.
        """
        training = run.settings.training
        rng = run.rng("batches")
        amp = training.amp and run.device.type == "cuda"
        report = run.progress(f"training epoch {run.epoch}")
        total = []
        self.model.train()
        with torch_seed(run.rng("torch")):
            batches = balanced_batches(
                labels, training.batch_size, training.instances, training.iterations, rng, singles=singles
            )
            for iteration, positions in enumerate(batches, start=1):
                images = augment(normalise(run.images.batch(run.train[positions]), run.device), training, rng)
                with torch.autocast(run.device.type, enabled=amp):
                    features = self.model(images)
                value = loss(features, torch.from_numpy(positions).to(run.device))
                if not torch.isfinite(value):
                    raise AasError(
                        f"the loss became {value.item()} in epoch {run.epoch}, batch {iteration}; lower "
                        "training.learning_rate and go on with --resume"
                    )
                self.optimiser.zero_grad(set_to_none=True)
                self.scaler.scale(value).backward()
                self.scaler.step(self.optimiser)
                self.scaler.update()
                total.append(value.item())
                report(iteration, training.iterations)
        rate = float(self.schedule.get_last_lr()[0])
        if total:
            self.schedule.step()
        return {"loss": sum(total) / len(total) if total else float("nan"), "learning_rate": rate}

    def state(self) -> dict[str, Any]:
        """What changes from epoch to epoch."""
        return {name: getattr(self, name).state_dict() for name in ("model", "optimiser", "schedule", "scaler")}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        for name in ("model", "optimiser", "schedule", "scaler"):
            getattr(self, name).load_state_dict(state[name])
