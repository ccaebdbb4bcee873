"""Weights in files and on the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from torch import Tensor

from aas_plugin.errors import AasError


def read_weights(path: Path, download: str) -> dict[str, Tensor]:
    """Read a checkpoint: safetensors, or what torch saved, of tensors only.

    Args:
        path: the file.
        download: what to download in its place, for the error's sentence.

    Returns:
        Tensors by name, on the CPU.

    Raises:
        AasError: there is no such file, or it cannot be read.
    """
    from timm.models import load_state_dict

    if not path.is_file():
        raise AasError(f"backbone.weights: there is no file {path}; download {download} and give its path")
    try:
        state: dict[str, Tensor] = load_state_dict(str(path), use_ema=False, weights_only=True)
    except Exception as error:  # Whatever reads the file raises errors of its own.
        raise AasError(f"{path} is no readable checkpoint ({short(error)}); download {download} again") from error
    return state


def hub_file(repository: str, files: Sequence[str], download: str) -> Path:
    """Find a file of the hub in its cache, or fetch it.

    Args:
        repository: on the hub, OWNER/NAME or OWNER/NAME@REVISION.
        files: names of the file, the preferred one first.
        download: what to download where the hub cannot be reached, and how to name it, for the error's sentence.

    Returns:
        Where it lies.

    Raises:
        AasError: it is neither cached nor can be fetched.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    name, _, revision = repository.partition("@")
    # The hub's client asks the hub even for what is cached, and without a network tries for a minute.
    for file in files:
        with suppress(FileNotFoundError):
            return Path(hf_hub_download(name, file, revision=revision or None, local_files_only=True))
    try:
        _reach_hub()
        for file in files[:-1]:
            with suppress(EntryNotFoundError):
                return Path(hf_hub_download(name, file, revision=revision or None))
        return Path(hf_hub_download(name, files[-1], revision=revision or None))
    except Exception as error:  # What the hub's client raises offline differs from version to version.
        raise AasError(
            f"{files[-1]} of {repository} is not cached and could not be fetched ({type(error).__name__}); {download}"
        ) from error


def short(error: Exception) -> str:
    """An error's own words in one line of 200 characters at most."""
    return " ".join(str(error).split())[:200]


def _reach_hub() -> None:
    from huggingface_hub import constants

    if not constants.HF_HUB_OFFLINE:
        with suppress(HTTPError), urlopen(Request(constants.ENDPOINT, method="HEAD"), timeout=10):
            pass
