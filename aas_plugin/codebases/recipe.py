"""A recipe says how a codebase's script is driven; a checkout is checked against it."""

from __future__ import annotations

import inspect
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from aas_plugin.errors import AasError

Role = Literal["main", "tight", "loose"]
Order = Literal["sorted", "native"]

PATCHED = ("get_data", "compute_jaccard_distance", "DBSCAN", "get_train_loader", "Evaluator", "main_worker")


@dataclass(frozen=True)
class Recipe:
    """How a training script is laid out; everything else is the same for all.

    The script defines `PATCHED`, the trainer and `main`, and makes its `parser` under `if __name__ == "__main__"`.
    `get_data(...)` gives a data set whose `train` lists (file, individual, camera); features go through
    `compute_jaccard_distance(features, k1, k2)` into `DBSCAN.fit_predict`; `get_train_loader(..., trainset=)` gets
    (file, label, camera); `trainer.train(epoch, ...)` trains; `Evaluator.evaluate` gives mAP, or (cmc, mAP).

    Attributes:
        title: how people call it.
        repository: where it lives, owner/name on GitHub.
        script: path of the training script in the checkout.
        trainer: name of the trainer's class in the script.
        order: order of the images in features and labels: "sorted" by name, or "native", as `train` lists them.
        clusterings: what the calls of `fit_predict` in an epoch are for, in their order.
        distances: calls of `compute_jaccard_distance` in an epoch; the first has the features to compare. Where
            there are several, their distances are mixed before they are clustered.
        labels: where the trainer keeps the labels of all images, beside the train set; "" where it does not.
        first_epoch: number that the script gives to its first epoch.
        logs: flag of the folder that the script writes to.
        checkpoint: pattern of the best model's file in that folder.
        commits: commits that the recipe was tried on.
    """

    title: str
    repository: str
    script: str
    trainer: str
    order: Order = "sorted"
    clusterings: tuple[Role, ...] = ("main",)
    distances: int = 1
    labels: str = ""
    first_epoch: int = 0
    logs: str = "--logs-dir"
    checkpoint: str = "**/model_best.pth.tar"
    commits: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.order not in get_args(Order):
            raise AasError(f"recipe of {self.title}: order is {' or '.join(get_args(Order))}, not {self.order!r}")


def check_checkout(name: str, recipe: Recipe, checkout: Path, others: Mapping[str, Recipe]) -> None:
    """Refuse a folder that does not hold the recipe's script.

    Args:
        name: of the recipe.
        recipe: how the script is laid out.
        checkout: folder of the checkout.
        others: recipes by name, to suggest from.

    Raises:
        AasError: the folder or the script is not there; says what was looked for, and whose checkout it looks like.
    """
    if not checkout.is_dir():
        raise AasError(f"{checkout} is no folder; give that of a checkout of {recipe.repository}")
    if (checkout / recipe.script).is_file():
        return
    fitting = [other for other, its in others.items() if (checkout / its.script).is_file()]
    hint = (
        f"it looks like a checkout for --adapter {' or '.join(fitting)}"
        if fitting
        else f"give a checkout of {recipe.repository}, or write a recipe for it (see aas_plugin/codebases/README.md)"
    )
    raise AasError(f"--adapter {name} looks for {recipe.script} and does not find it in {checkout}; {hint}")


def check_names(recipe: Recipe, names: Mapping[str, Any]) -> None:
    """Refuse a script that lacks something that the recipe needs.

    Args:
        recipe: how the script is laid out.
        names: the script's globals.

    Raises:
        AasError: naming all that is missing.
    """
    missing = [name for name in (*PATCHED, recipe.trainer, "main") if not callable(names.get(name))]
    missing += [f"{recipe.trainer}.train" for _ in "1" if not callable(getattr(names.get(recipe.trainer), "train", ""))]
    missing += [
        f"{name}({', '.join(arguments)})"
        for name, arguments in (("get_train_loader", ["trainset"]), ("compute_jaccard_distance", ["k1", "k2"]))
        if callable(names.get(name)) and not _takes(names[name], arguments)
    ]
    if missing:
        raise AasError(
            f"{recipe.script} is not the script of {recipe.title} that is known: {', '.join(missing)} not found; use a "
            f"checkout of {recipe.repository}{_at(recipe.commits)}, or write a recipe for yours "
            "(see aas_plugin/codebases/README.md)"
        )


def commit_of(checkout: Path) -> str | None:
    """Read the commit of a checkout.

    Args:
        checkout: folder of the checkout.

    Returns:
        The full hash, or None where the folder is not the top of a git repository.
    """
    command = ["git", "-C", str(checkout), "rev-parse", "--show-toplevel", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    top, commit = found.stdout.split("\n")[:2]
    return commit if Path(top).resolve() == checkout.resolve() else None


def is_known(recipe: Recipe, commit: str) -> bool:
    """Whether the recipe was tried on this commit."""
    return any(commit.startswith(known) for known in recipe.commits)


def _takes(function: Any, arguments: Iterable[str]) -> bool:
    parameters = inspect.signature(function).parameters
    return all(argument in parameters for argument in arguments)


def _at(commits: tuple[str, ...]) -> str:
    return f" at {commits[0]}" if commits else ""
