"""Epochs of gradient steps, shared by native base methods."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from aas_plugin.errors import AasError
from aas_plugin.models.head import HeadedModel, identity_head
from aas_plugin.training.batches import augment, balanced_batches, normalise
from aas_plugin.training.embed import embed, normalisation
from aas_plugin.training.frozen import FrozenFeatures
from aas_plugin.training.pairs import PairLoss, rows_as_they_are
from aas_plugin.training.seeds import torch_seed

if TYPE_CHECKING:
    from aas_plugin.runs.run import NativeRun

Loss = Callable[[Tensor, Tensor], Tensor | Mapping[str, Tensor]]


class Trainer:
    """A model with its optimiser, schedule and gradient scaler.

    Adam on what is trainable, its rate a tenth twice in a training (official code of all methods). With
    `training.freeze=backbone` that is a head on the whole model, which is trained on features that are computed once.

    Attributes:
        model: from normalised images to features.
        trained: what of the model is trained and kept in checkpoints: all of it, or its head.
        frozen: what the model gives without its head; None where all of it is trained.
    """

    def __init__(self, model: nn.Module, run: NativeRun) -> None:
        training = run.settings.training
        self.freeze = training.freeze
        self.frozen = FrozenFeatures(model, run) if training.freeze == "backbone" else None
        if self.frozen is None:
            self.model = self.trained = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        else:
            self.trained = identity_head(self.frozen.dimensions).to(run.device)
            self.model = HeadedModel(model, self.trained)
        self.optimiser = _adam(self.trained, training.learning_rate, training.weight_decay)
        self.schedule = torch.optim.lr_scheduler.StepLR(self.optimiser, training.decays_after, 0.1)
        self.scaler = torch.amp.GradScaler(enabled=training.amp and run.device.type == "cuda")

    def epoch(
        self,
        run: NativeRun,
        labels: np.ndarray,
        loss: Loss,
        *,
        singles: bool = True,
        heads: nn.Module | None = None,
        embedding: Callable[[Tensor], Tensor] = rows_as_they_are,
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
                pairs; without, its rows.

        Returns:
            The mean loss, its terms and the learning rate; the loss is NaN where there is nothing to train on.

        Raises:
            AasError: the loss is not finite.
        """
        training = run.settings.training
        iterations = training.batches(len(run.train))
        rng = run.rng("batches")
        report = run.progress(f"training epoch {run.epoch}")
        rate = float(self.schedule.get_last_lr()[0])
        pair_loss = PairLoss(run, embedding) if training.pair_loss else None
        optimisers = [self.optimiser, *([_adam(heads, rate, training.weight_decay)] if heads is not None else [])]
        rows: list[dict[str, float]] = []
        self._train_mode()
        with torch_seed(run.rng("torch")):
            batches = balanced_batches(
                labels, training.batch_size, training.instances, iterations, rng, singles=singles
            )
            for iteration, positions in enumerate(batches, start=1):
                shown = positions if pair_loss is None else np.concatenate([positions, pair_loss.more()])
                features = self._forward(run, run.train[shown], rng)
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
                rows.append(row)
                report(iteration, iterations)
        if rows:
            self.schedule.step()
        means = {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]} if rows else {"loss": math.nan}
        return {**means, "learning_rate": rate}

    def embed(self, run: NativeRun, rows: np.ndarray) -> np.ndarray:
        """Embed catalogue rows, int64 (n,): float32 (n, ...)."""
        if self.frozen is None or not isinstance(self.model, HeadedModel):
            return embed(self.model, run.images, rows, run.device, progress=run.progress("embedding"))
        with torch.inference_mode():
            return self.model.of_frozen(torch.from_numpy(self.frozen.of(rows)).to(run.device)).cpu().numpy()

    def _forward(self, run: NativeRun, rows: np.ndarray, rng: np.random.Generator) -> Tensor:
        """What the model gives for a batch of catalogue rows: of their pixels, or of what is known of them."""
        training = run.settings.training
        if self.frozen is not None and isinstance(self.model, HeadedModel):
            return self.model.of_frozen(self.frozen.batch(rows, training.flip, rng))
        colours = normalisation(self.model)
        images = augment(normalise(run.images.batch(rows), run.device, *colours), training, rng, *colours)
        with torch.autocast(run.device.type, enabled=training.amp and run.device.type == "cuda"):
            features: Tensor = self.model(images)
        return features

    def _train_mode(self) -> None:
        self.model.train()
        if self.freeze == "batch_norm":
            for module in self.model.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()

    def _parts(self) -> dict[str, Any]:
        return {"model": self.trained, **{name: getattr(self, name) for name in ("optimiser", "schedule", "scaler")}}

    def state(self) -> dict[str, Any]:
        """What changes from epoch to epoch."""
        state = {name: part.state_dict() for name, part in self._parts().items()}
        return state if self.frozen is None else {**state, "frozen": self.frozen.digest}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave.

        Raises:
            AasError: its head was trained on another model than the one that is frozen now.
        """
        if self.frozen is not None and state["frozen"] != self.frozen.digest:
            raise AasError(
                "the frozen backbone has other weights than those that the run's head was trained on; put the former "
                "file of weights back, or begin a new run"
            )
        for name, part in self._parts().items():
            part.load_state_dict(state[name])


def _adam(module: nn.Module, rate: float, weight_decay: float) -> torch.optim.Adam:
    trainable = [parameter for parameter in module.parameters() if parameter.requires_grad]
    return torch.optim.Adam(trainable, lr=rate, weight_decay=weight_decay)
