"""Epochs of gradient steps, shared by native base methods."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from aas_plugin.errors import AasError
from aas_plugin.training.batches import augment, balanced_batches, normalise
from aas_plugin.training.pairs import PairLoss
from aas_plugin.training.seeds import torch_seed

if TYPE_CHECKING:
    from aas_plugin.runs.run import NativeRun

Loss = Callable[[Tensor, Tensor], Tensor | Mapping[str, Tensor]]


class Trainer:
    """A model with its optimiser, schedule and gradient scaler.

    Adam on what is trainable, its rate a tenth every `decay_every` epochs (official code of all methods).
    """

    def __init__(self, model: nn.Module, run: NativeRun) -> None:
        training = run.settings.training
        self.model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.freeze = training.freeze
        self.averaged = _averaged(model, training.ema)
        self.optimiser = _adam(model, training.learning_rate, training.weight_decay)
        self.schedule = torch.optim.lr_scheduler.StepLR(self.optimiser, training.decay_every, 0.1)
        self.scaler = torch.amp.GradScaler(enabled=training.amp and run.device.type == "cuda")

    def epoch(
        self,
        run: NativeRun,
        labels: np.ndarray,
        loss: Loss,
        *,
        singles: bool = True,
        heads: nn.Module | None = None,
        embedding: Callable[[Tensor], Tensor] = lambda outputs: outputs,
    ) -> dict[str, float]:
        """Train on identity-balanced batches.

        Args:
            run: gives images, settings and the generator of this epoch.
            labels: int64 (N,) over `run.train`, -1 for an image on its own.
            loss: called with what the model gives for a batch, (B, ...), and the images' positions in `run.train`,
                int64 (B,). It returns a scalar, or several by name, of which the sum is minimised.
            singles: whether images on their own are trained on.
            heads: trained in this epoch only, beside the model, with its rate.
            embedding: from what the model gives for a batch to float32 (B, D) of unit length, for the loss on answered
                pairs.

        Returns:
            The mean loss, its terms and the learning rate; the loss is NaN where there is nothing to train on.

        Raises:
            AasError: the loss is not finite.
        """
        training = run.settings.training
        rng = run.rng("batches")
        amp = training.amp and run.device.type == "cuda"
        report = run.progress(f"training epoch {run.epoch}")
        rate = float(self.schedule.get_last_lr()[0])
        pair_loss = PairLoss(run, embedding) if training.pair_loss else None
        optimisers = [self.optimiser, *([_adam(heads, rate, training.weight_decay)] if heads is not None else [])]
        rows: list[dict[str, float]] = []
        self._train_mode()
        with torch_seed(run.rng("torch")):
            batches = balanced_batches(
                labels, training.batch_size, training.instances, training.iterations, rng, singles=singles
            )
            for iteration, positions in enumerate(batches, start=1):
                shown = positions if pair_loss is None else np.concatenate([positions, pair_loss.more()])
                images = augment(normalise(run.images.batch(run.train[shown]), run.device), training, rng)
                with torch.autocast(run.device.type, enabled=amp):
                    features = self.model(images)
                terms = loss(features[: len(positions)], torch.from_numpy(positions).to(run.device))
                named = dict(terms) if isinstance(terms, Mapping) else {"method_loss": terms}
                if pair_loss is not None:
                    named["pair_loss"] = pair_loss(features, shown)
                total = torch.stack(list(named.values())).sum()
                row = {"loss": total.item(), **{name: term.item() for name, term in named.items() if len(named) > 1}}
                if not math.isfinite(row["loss"]):
                    raise AasError(
                        f"the loss became {row['loss']} in epoch {run.epoch}, batch {iteration}; lower "
                        "training.learning_rate and go on with --resume"
                    )
                for optimiser in optimisers:
                    optimiser.zero_grad(set_to_none=True)
                self.scaler.scale(total).backward()
                for optimiser in optimisers:
                    self.scaler.step(optimiser)
                self.scaler.update()
                if self.averaged is not None:
                    self.averaged.update_parameters(self.model)
                rows.append(row)
                report(iteration, training.iterations)
        if rows:
            self.schedule.step()
        means = {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]} if rows else {"loss": math.nan}
        return {**means, "learning_rate": rate}

    @property
    def embedder(self) -> nn.Module:
        """What embeds images: the averaged model where weights are averaged, else the model as it is."""
        return self.model if self.averaged is None else self.averaged.module

    def _train_mode(self) -> None:
        self.model.train()
        if self.freeze == "batch_norm":
            for module in self.model.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()

    def _parts(self) -> dict[str, Any]:
        parts = {name: getattr(self, name) for name in ("model", "optimiser", "schedule", "scaler")}
        return parts if self.averaged is None else {**parts, "averaged": self.averaged}

    def state(self) -> dict[str, Any]:
        """What changes from epoch to epoch."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])


def _adam(module: nn.Module, rate: float, weight_decay: float) -> torch.optim.Adam:
    trainable = [parameter for parameter in module.parameters() if parameter.requires_grad]
    return torch.optim.Adam(trainable, lr=rate, weight_decay=weight_decay)


def _averaged(model: nn.Module, ema: float) -> AveragedModel | None:
    if not ema:
        return None
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(ema), use_buffers=True)
    averaged.update_parameters(model)  # the first call copies
    return averaged
