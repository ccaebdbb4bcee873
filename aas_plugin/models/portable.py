"""A trained model that needs no run: from pixels to features, in one file."""

from __future__ import annotations

import copy
import importlib
import io
import sys
import warnings
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from aas_plugin.errors import AasError
from aas_plugin.files import check_zip, write_atomically
from aas_plugin.training.embed import normalisation

if TYPE_CHECKING:
    from aas_plugin.runs.run import NativeRun

FILE = "model.pt"
TRUSTED = ("aas_adapters", "aas_plugin", "timm", "torch", "torchvision")
"""Packages whose layers a file may name."""

UNTRAINED, TRAINED = "model-untrained.pt", "model-trained.pt"


class PortableModel(nn.Module):
    """An embedding model with all that it does to pixels.

    `forward` takes RGB images, uint8 or float32 (B, 3, H, W) in 0..255, and returns float32 (B, D) with
    L2-normalised rows. Images of another size than `height` x `width` are resized, bicubic and antialiased: nearly
    what Pillow does, so resize with Pillow where numbers are to equal those of a run. It stays in evaluation mode.

    Attributes:
        height: of the images that the model was trained on, in pixels.
        width: of the same.
        mean: of red, green and blue in [0, 1], subtracted.
        std: of red, green and blue, divided by.
        embedder: from normalised images to features.
    """

    def __init__(self, embedder: nn.Module, height: int, width: int) -> None:
        super().__init__()
        self.embedder = embedder
        self.height, self.width = height, width
        self.mean, self.std = normalisation(embedder)
        self.eval()

    def train(self, mode: bool = True) -> PortableModel:
        """Stay in evaluation mode, whatever is asked."""
        super().train(False)
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Embed a batch."""
        pixels = images.float()
        size = (self.height, self.width)
        if pixels.shape[-2:] != size:
            pixels = functional.interpolate(pixels, size, mode="bicubic", antialias=True).clamp(0, 255)
        mean, std = (torch.tensor(values, device=pixels.device)[:, None, None] for values in (self.mean, self.std))
        features: Tensor = self.embedder((pixels / 255 - mean) / std)
        return features


def save_model(run: NativeRun, name: str = FILE) -> None:
    """Write what `aas_model` gives into the run's folder; nothing where it gives None.

    A model that cannot be pickled is a warning.

    Args:
        run: the run.
        name: of the file.

    Raises:
        AasError: the disk takes no file.
    """
    embedder = run.plugins.hook.aas_model(run=run)
    if embedder is None:
        return
    # A model that takes one size only was given its own, whatever the run's is.
    size = getattr(embedder, "image_size", None) or run.images.size
    held = io.BytesIO()
    try:
        torch.save(PortableModel(copy.deepcopy(embedder).cpu(), *size), held)
    except Exception as error:  # Pickle raises whatever the objects inside do.
        warnings.warn(
            f"the model cannot be written to {run.folder / name} ({error}); its checkpoints are there: make "
            "its classes importable by name to have the file, too",
            stacklevel=2,
        )
        return
    write_atomically(run.folder / name, lambda file: file.write(held.getbuffer()))


def save_kept(run: NativeRun, kept: str) -> str | None:
    """Write the model that is kept as `model.pt`, which other commands use; the trained one is there in any case.

    Args:
        run: the run, whose model is trained.
        kept: "trained", or "untrained": then the trained one is in `model-trained.pt`.

    Returns:
        The file of the trained model; None where the method gives no model that can be written.

    Raises:
        AasError: the disk takes no file.
    """
    untrained = run.folder / UNTRAINED
    name = TRAINED if kept == "untrained" and untrained.exists() else FILE
    save_model(run, name)
    if name == TRAINED:
        write_atomically(run.folder / FILE, lambda file: file.write(untrained.read_bytes()))
    return name if (run.folder / name).exists() else None


def open_model(name: str, runs: Path, tracking_uri: str) -> PortableModel:
    """Load a trained model, on the CPU.

    A file gives tensors and layers: those of torch, timm, this package and the plugins that are loaded, and no other
    code. A model of MLflow is unpickled, which runs code that it names: open only those that you trust.

    Args:
        name: a run's folder or its name in `runs`, a file like `model.pt`, or an MLflow URI, runs:/ID/model or
            models:/NAME.
        runs: folder of runs.
        tracking_uri: where MLflow looks.

    Raises:
        AasError: there is no such model, or what is there is none.
    """
    if name.startswith(("runs:/", "models:/")):
        return _checked(_from_mlflow(name, tracking_uri), name)
    places = [Path(name), runs / name]
    found = next((place for place in places if place.exists()), None)
    if found is None:
        raise AasError(
            f"there is no model {name!r}; give a run under {runs}, its folder, a file like {FILE}, or an MLflow URI "
            f"like runs:/ID/model"
        )
    path = found / FILE if found.is_dir() else found
    if not path.exists():
        raise AasError(f"{found} has no {FILE}; let the run come to its end, or give the file of a model")
    try:
        loaded = load_layers(path)
    except AasError:
        raise
    except Exception as error:  # Anything can be in a file.
        reason = " ".join(str(error).split())[:200]
        raise AasError(f"{path} is no model ({reason}); give a file like {FILE} of a run") from error
    return _checked(loaded, str(path))


def load_layers(path: Path) -> object:
    """Load what `save_model` wrote, on the CPU: tensors, and layers by `_layer`.

    Raises:
        AasError: it names anything but layers that can be loaded.
        Exception: it is no such file, or damaged.
    """
    from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

    check_zip(path)
    layers: list[Any] = [_layer(name, path) for name in sorted(get_unsafe_globals_in_checkpoint(path))]
    with safe_globals(layers):
        return torch.load(path, map_location="cpu", weights_only=True)


def _layer(name: str, path: Path) -> type:
    """The layer of a name, or an enumeration in one: of a trusted package, or of a module that is loaded already."""
    module, _, attribute = name.rpartition(".")
    if module not in sys.modules and module.split(".")[0] in TRUSTED:
        with suppress(ImportError):
            importlib.import_module(module)
    if module not in sys.modules:
        raise AasError(f"{path} needs the module {module!r}; load it with -p {module}, if you trust it")
    found = getattr(sys.modules[module], attribute, None)
    if not (isinstance(found, type) and issubclass(found, (nn.Module, Enum))):
        raise AasError(
            f"{path} is no model: it names {name}, which is no layer (torch.nn.Module); let a method's model be made "
            "of layers alone, and open none from whom you do not trust"
        )
    return found


def _from_mlflow(uri: str, tracking_uri: str) -> object:
    import logging
    import os
    import tempfile

    # Its bars show one file at a time.
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow.artifacts
    import mlflow.pytorch

    for noisy in ("alembic", "mlflow.store.db.utils"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    # Not `set_tracking_uri`, which would change the environment of all that follows.
    stores = {"tracking_uri": tracking_uri, "registry_uri": tracking_uri}
    try:
        with tempfile.TemporaryDirectory() as scratch:
            place = mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=scratch, **stores)
            return mlflow.pytorch.load_model(place, map_location="cpu")
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise AasError(f"MLflow at {tracking_uri} gives no model {uri} ({reason}); check it in `mlflow ui`") from error


def _checked(loaded: object, place: str) -> PortableModel:
    if not isinstance(loaded, PortableModel):
        raise AasError(f"{place} holds a {type(loaded).__name__}, no model of a run; give a file like {FILE} of a run")
    return loaded
