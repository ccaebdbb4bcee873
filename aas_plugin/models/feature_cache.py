"""Features on disk: computed once for each content of an image file and each model that stays as it is."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from aas_plugin.data.pieces import Pieces
from aas_plugin.models.head import HeadedModel
from aas_plugin.training.embed import embed, normalisation
from aas_plugin.training.seeds import seeded_rng, torch_seed

if TYPE_CHECKING:
    from aas_plugin.data.images import ImageStore
    from aas_plugin.plugins.registry import Component, Progress

FORMAT = 1
"""Raised whenever images are read, resized or normalised otherwise than before."""

PIECE = 256
"""Images whose features are written together: so many are lost at most when a process is killed."""


class FeatureCache:
    """Features of one model by content hash; several processes may read and write the same folder.

    Features lie in pieces, one file each under a name of its own, which is written whole and never changed.

    Args:
        root: folder of the features of all models; it can be deleted at any time.
        key: what decides a feature beside the image, see `feature_key`.
    """

    def __init__(self, root: Path, key: str) -> None:
        self._pieces = Pieces(root, key, "features")

    def read(self, hashes: set[str]) -> dict[str, np.ndarray]:
        """Features, float32 (..., D), of those contents that are there; a damaged file is a warning, and removed."""
        found: dict[str, np.ndarray] = {}
        for piece in self._pieces.read(("hashes", "features"), _check):
            names, features = piece["hashes"].tolist(), piece["features"]
            found.update((name, row) for name, row in zip(names, features, strict=True) if name in hashes)
        return found

    def add(self, hashes: Sequence[str], features: np.ndarray) -> None:
        """Keep features, float32 (n, ..., D), of n contents; a folder that takes none is a warning."""
        self._pieces.add(hashes=np.array(hashes, dtype=str), features=features)


def _check(piece: Mapping[str, np.ndarray]) -> None:
    if piece["features"].dtype != np.float32 or len(piece["hashes"]) != len(piece["features"]):
        raise ValueError("hashes and features do not fit")


def weights_digest(model: nn.Module) -> str:
    """The first 16 hexadecimal digits of a SHA-256 over all parameters and buffers of a model."""
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        plain = value.detach().cpu().contiguous()
        digest.update(f"{name} {plain.dtype} {tuple(plain.shape)}\n".encode())
        digest.update(plain.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]


def feature_key(model: nn.Module, size: tuple[int, int], device: torch.device, mirrored: bool) -> str:
    """Digest all that decides what a model gives for an image.

    Args:
        model: its weights count, its modules as they print themselves, the code of their classes, and its
            normalisation. What else changes its features must be in the `extra_repr` of its modules.
        size: height and width of the images in pixels.
        device: computes the features; another kind gives others in the last digits.
        mirrored: whether the images are mirrored.

    Returns:
        The first 16 hexadecimal digits of a SHA-256.
    """
    modules = re.sub(r" at 0x[0-9a-f]+", "", repr(model))
    code = sorted({_code_of(type(module)) for module in model.modules()})
    parts = (FORMAT, weights_digest(model), modules, code, *normalisation(model), size, device.type, mirrored)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _code_of(kind: type) -> str:
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):  # Typed into a console, or compiled.
        return f"{kind.__module__}.{kind.__qualname__}"


def cached_features(
    model: nn.Module,
    images: ImageStore,
    hashes: Sequence[str],
    rows: np.ndarray,
    device: torch.device,
    cache: Path | None,
    *,
    mirrored: bool = False,
    progress: Progress | None = None,
) -> np.ndarray:
    """Embed catalogue rows as `aas_plugin.training.embed.embed` does, but only contents not embedded before.

    Args:
        model: stays as it is; of one with a head, what is kept is what the head takes.
        images: of all catalogue rows.
        hashes: content hashes of all catalogue rows.
        rows: int64 (n,).
        device: where the model is.
        cache: folder of the features of all models; None to compute all.
        mirrored: whether to mirror the images, left to right.
        progress: called with (images done, images to compute) when there are any to compute.

    Returns:
        float32 (n, ..., D), rows as the model gives them.
    """
    if cache is None:
        return embed(model, images, rows, device, progress=progress, mirrored=mirrored)
    if isinstance(model, HeadedModel):
        frozen = cached_features(model.body, images, hashes, rows, device, cache, mirrored=mirrored, progress=progress)
        with torch.inference_mode():
            return model.of_frozen(torch.from_numpy(frozen).to(device)).cpu().numpy()
    size = getattr(model, "image_size", None) or images.size
    kept = FeatureCache(cache, feature_key(model, size, device, mirrored))
    wanted: dict[str, int] = {}
    for row in rows.tolist():
        wanted.setdefault(hashes[row], row)
    found = kept.read(set(wanted))
    missing = np.array([row for name, row in wanted.items() if name not in found], dtype=np.int64)
    for start in range(0, len(missing), PIECE):
        piece = missing[start : start + PIECE]

        def so_far(done: int, _: int, start: int = start) -> None:
            if progress is not None:
                progress(start + done, len(missing))

        features = embed(model, images, piece, device, progress=so_far, mirrored=mirrored)
        names = [hashes[row] for row in piece.tolist()]
        kept.add(names, features)
        found.update(zip(names, features, strict=True))
    return np.stack([found[hashes[row]] for row in rows.tolist()]) if len(rows) else np.empty((0, 0), np.float32)


def untrained_features(
    backbone: Component,
    options: Mapping[str, Any],
    images: ImageStore,
    hashes: Sequence[str],
    rows: np.ndarray,
    device: torch.device,
    cache: Path | None,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> np.ndarray:
    """Features of catalogue rows by a registered backbone as it is, computed once.

    Args:
        backbone: as it is registered.
        options: its own, by name.
        images: of all catalogue rows.
        hashes: content hashes of all catalogue rows.
        rows: int64 (n,).
        device: where to compute.
        cache: folder of the features of all models; None to compute all.
        seed: of a run, decides weights that are drawn.
        progress: called with (images done, images to compute) when there are any to compute.

    Returns:
        float32 (n, D), L2-normalised rows.

    Raises:
        AasError: the backbone's weights are neither there nor can be fetched.
    """
    with torch_seed(seeded_rng(seed, -1, "backbone")):
        model: nn.Module = backbone.make(options).to(device)
    return cached_features(model, images, hashes, rows, device, cache, progress=progress)
