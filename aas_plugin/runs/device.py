"""The device of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aas_plugin.errors import AasError

if TYPE_CHECKING:
    import torch


def choose_device(name: str) -> torch.device:
    """Turn "auto", "cpu", "cuda" or "cuda:N" into a device.

    Raises:
        AasError: this machine has no such GPU.
    """
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise AasError(f"device {name!r}: this machine has {torch.cuda.device_count()} usable GPUs; use --device cpu")
    return device
