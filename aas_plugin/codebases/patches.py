"""The places of a script where active learning gets in: its globals, replaced by wrappers that call the originals."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

if TYPE_CHECKING:
    from aas_plugin.codebases.recipe import Recipe, Role

LOSSES = re.compile(r"(?<![\w.-])([A-Za-z]\w*)[ :]+(-?\d+\.\d+)(?: \((-?\d+\.\d+)\))?")
NO_LOSSES = ("Time", "Data", "Prec")


class SparseDistance:
    """Stands in for a script's dense distance matrix; the wrapped DBSCAN takes the graph itself."""


class PatchCallbacks(Protocol):
    """What the patches report, and ask for; see `Driver`.

    Attributes:
        fast: whether sparse distances take the place of the script's dense ones.
    """

    fast: bool

    def data(self, dataset: Any) -> None:
        """The script has read its data set.

        Args:
            dataset: has `train`, which lists (file, individual, camera) of the N training images.
        """

    def features(self, features: np.ndarray, k1: int, k2: int) -> None:
        """Features are to be clustered next.

        Args:
            features: float32 (N, D).
            k1: neighbours that may be reciprocal, the image itself included.
            k2: neighbours over which weights are averaged.
        """

    def cluster(self, role: Role, estimator: Any, dense: Callable[[], np.ndarray] | None) -> np.ndarray:
        """Labels are needed for one clustering.

        Args:
            role: what the clustering is for; the step is taken at the "main" one.
            estimator: the script's DBSCAN, with its `eps` and `min_samples`.
            dense: gives the script's own labels, int64 (N,); None with sparse distances.

        Returns:
            int64 (N,), -1 for noise.
        """

    def train_set(self, rows: list[tuple[Any, Any, Any]]) -> list[tuple[Any, Any, Any]]:
        """The script has made a train set of the labels.

        Args:
            rows: (file, label, camera) of each image that is trained on.

        Returns:
            The rows as they are, or repaired.
        """

    def trainer(self, trainer: Any) -> None:
        """The script has made its trainer.

        Args:
            trainer: may hold the labels of all images, where the recipe's `labels` says.
        """

    def epoch(self, number: int, train: Callable[[], Any]) -> Any:
        """The script is about to train an epoch.

        Args:
            number: the script's own number of the epoch.
            train: trains it.

        Returns:
            What `train` returns.
        """

    def evaluated(self, result: Any) -> None:
        """The script has evaluated its model.

        Args:
            result: mAP, or (cmc, mAP).
        """

    def testing(self) -> None:
        """The script has loaded a checkpoint again: what it evaluates now is its test."""


def install(names: dict[str, Any], recipe: Recipe, callbacks: PatchCallbacks) -> None:
    """Replace names among a script's globals by wrappers that call the callbacks.

    Args:
        names: the script's globals, changed in place.
        recipe: how the script is laid out.
        callbacks: are told what the script does, and change its labels.
    """
    names["get_data"] = _reading(names["get_data"], callbacks)
    names["compute_jaccard_distance"] = _distance(names["compute_jaccard_distance"], recipe, callbacks)
    names["DBSCAN"] = _clustering(names["DBSCAN"], recipe, callbacks)
    names["get_train_loader"] = _loading(names["get_train_loader"], callbacks)
    names[recipe.trainer] = _training(names[recipe.trainer], callbacks)
    names["Evaluator"] = _evaluating(names["Evaluator"], callbacks)
    if callable(names.get("load_checkpoint")):
        names["load_checkpoint"] = _reloading(names["load_checkpoint"], callbacks)


def _reading(get_data: Callable[..., Any], callbacks: PatchCallbacks) -> Callable[..., Any]:
    @wraps(get_data)
    def reading(*arguments: Any, **options: Any) -> Any:
        dataset = get_data(*arguments, **options)
        callbacks.data(dataset)
        return dataset

    return reading


def _distance(compute: Callable[..., Any], recipe: Recipe, callbacks: PatchCallbacks) -> Callable[..., Any]:
    signature = inspect.signature(compute)
    calls = 0

    @wraps(compute)
    def distance(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        bound = signature.bind(*arguments, **options)
        bound.apply_defaults()
        if calls % recipe.distances == 0:
            features = torch.as_tensor(bound.args[0]).detach().cpu().numpy()
            callbacks.features(features, int(bound.arguments["k1"]), int(bound.arguments["k2"]))
        calls += 1
        return SparseDistance() if callbacks.fast else compute(*arguments, **options)

    return distance


def _clustering(estimator: type, recipe: Recipe, callbacks: PatchCallbacks) -> type:
    fits = 0

    class DBSCAN(estimator):  # type: ignore[misc, valid-type]
        def fit_predict(self, X: Any, *arguments: Any, **options: Any) -> np.ndarray:
            """Labels that satisfy every answer."""
            nonlocal fits
            role = recipe.clusterings[fits % len(recipe.clusterings)]
            fits += 1

            def dense() -> np.ndarray:
                return np.asarray(super(DBSCAN, self).fit_predict(X, *arguments, **options))

            return callbacks.cluster(role, self, None if isinstance(X, SparseDistance) else dense)

    return DBSCAN


def _loading(get_train_loader: Callable[..., Any], callbacks: PatchCallbacks) -> Callable[..., Any]:
    signature = inspect.signature(get_train_loader)

    @wraps(get_train_loader)
    def loading(*arguments: Any, **options: Any) -> Any:
        bound = signature.bind(*arguments, **options)
        if bound.arguments.get("trainset") is not None:
            bound.arguments["trainset"] = callbacks.train_set(bound.arguments["trainset"])
        return get_train_loader(*bound.args, **bound.kwargs)

    return loading


def _training(trainer: type, callbacks: PatchCallbacks) -> type:
    class Trainer(trainer):  # type: ignore[misc, valid-type]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            callbacks.trainer(self)

        def train(self, epoch: int, *arguments: Any, **options: Any) -> Any:
            """Train an epoch."""
            return callbacks.epoch(epoch, lambda: super(Trainer, self).train(epoch, *arguments, **options))

    return Trainer


def _evaluating(evaluator: type, callbacks: PatchCallbacks) -> type:
    class Evaluator(evaluator):  # type: ignore[misc, valid-type]
        def evaluate(self, *arguments: Any, **options: Any) -> Any:
            """Evaluate the model."""
            result = super().evaluate(*arguments, **options)
            callbacks.evaluated(result)
            return result

    return Evaluator


def _reloading(load: Callable[..., Any], callbacks: PatchCallbacks) -> Callable[..., Any]:
    @wraps(load)
    def reloading(*arguments: Any, **options: Any) -> Any:
        state = load(*arguments, **options)
        callbacks.testing()
        return state

    return reloading


class Losses:
    """What a script's trainer minimises, and what it prints of it."""

    def __init__(self) -> None:
        self._totals: list[torch.Tensor] = []
        self._printed: dict[str, float] = {}
        self._line = ""

    @contextmanager
    def watched(self, console: Any) -> Iterator[None]:
        """Collect every loss that is back-propagated inside the block, and what the script prints of its losses.

        Args:
            console: the file that the script prints to.
        """
        backward, write = torch.Tensor.backward, console.write

        def seen(loss: torch.Tensor, *arguments: Any, **options: Any) -> None:
            self._totals.append(loss.detach())
            backward(loss, *arguments, **options)

        def read(text: str) -> Any:
            *lines, self._line = (self._line + text).split("\n")
            for line in lines:
                if line.startswith("Epoch: ["):
                    # "name value (mean)", or only the mean.
                    self._printed.update((name, float(mean or value)) for name, value, mean in LOSSES.findall(line))
            return write(text)

        torch.Tensor.backward = seen  # type: ignore[method-assign, assignment]
        console.write = read
        try:
            yield
        finally:
            torch.Tensor.backward = backward  # type: ignore[method-assign]
            console.write = write

    def means(self) -> dict[str, float]:
        """Average the losses.

        Returns:
            `loss`, the mean of all that was back-propagated, and the script's own means by their names.
        """
        own = {name: value for name, value in self._printed.items() if name not in NO_LOSSES}
        total = {"loss": float(torch.stack([loss.sum() for loss in self._totals]).mean())} if self._totals else {}
        return {**own, **total}
