"""One epoch of gradient steps, shared by native base methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from aas_plugin.errors import AasError
from aas_plugin.run import torch_seed
from aas_plugin.training.batches import augment, balanced_batches, normalise

if TYPE_CHECKING:
    from aas_plugin.run import Run

Loss = Callable[[Tensor, Tensor], Tensor]


def make_optimiser(model: nn.Module, run: Run) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """Adam on what is trainable, its rate a tenth every `decay_every` epochs (official code of all methods)."""
    training = run.settings.training
    optimiser = torch.optim.Adam(
        [parameter for parameter in model.parameters() if parameter.requires_grad],
        lr=training.learning_rate,
        weight_decay=training.weight_decay,
    )
    return optimiser, torch.optim.lr_scheduler.StepLR(optimiser, training.decay_every, 0.1)


def train_epoch(
    run: Run,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    labels: np.ndarray,
    loss: Loss,
) -> float:
    """Train on identity-balanced batches and return the mean loss.

    `labels` int64 `(N,)` over `run.train`, -1 for an image on its own. `loss(features, positions)` gets
    L2-normalised features `(B, D)` and their positions in `run.train`, int64 `(B,)`.

    Raises `AasError` when the loss is not finite.
    """
    training = run.settings.training
    rng = run.rng("batches")
    amp = training.amp and run.device.type == "cuda"
    report = run.progress(f"training epoch {run.epoch}")
    total = 0.0
    model.train()
    with torch_seed(run.rng("torch")):
        batches = balanced_batches(labels, training.batch_size, training.instances, training.iterations, rng)
        for iteration, positions in enumerate(batches, start=1):
            images = augment(normalise(run.images.batch(run.train[positions]), run.device), training, rng)
            with torch.autocast(run.device.type, enabled=amp):
                features = model(images)
            value = loss(features, torch.from_numpy(positions).to(run.device))
            if not torch.isfinite(value):
                raise AasError(
                    f"the loss became {value.item()} in epoch {run.epoch}, batch {iteration}; lower "
                    "training.learning_rate and go on with --resume"
                )
            optimiser.zero_grad(set_to_none=True)
            scaler.scale(value).backward()
            scaler.step(optimiser)
            scaler.update()
            total += value.item()
            report(iteration, training.iterations)
    return total / training.iterations
