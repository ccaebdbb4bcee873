"""The device of a run."""

from __future__ import annotations

import ctypes
import platform
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


# Names and numbers of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def keep_freed_memory() -> bool:
    """Let this process keep memory that was freed, for the next operation of a training on the CPU.

    By default the C library hands each large array back at once, and the kernel zeroes its pages again in the next
    batch. That took a fifth to two fifths of an epoch's time. The peak of memory is the same; it is held to the
    end.

    Returns:
        Whether it is so from now on: only where the C library is glibc.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    values = {_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: 2**31 - 1, _M_TOP_PAD: 2**28}
    return all(mallopt(name, value) == 1 for name, value in values.items())
