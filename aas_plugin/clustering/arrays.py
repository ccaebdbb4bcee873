"""Arrays as callers have them: numpy's, lists, and torch's tensors of any device and precision."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from aas_plugin.errors import AasError


def dense(values: Any, name: str) -> Any:
    """Tensors, also those in a list, as numpy arrays without their gradients; anything else as it is.

    Args:
        values: an array, or what numpy makes one of.
        name: what errors call it.

    Raises:
        AasError: it is sparse.
    """
    torch: Any = sys.modules.get("torch")  # nobody has a tensor who has not loaded it
    is_tensor = torch is not None and isinstance(values, torch.Tensor)
    if issparse(values) or (is_tensor and values.layout != torch.strided):
        way = "to_dense" if is_tensor else "toarray"
        raise AasError(f"{name} are sparse; give a dense array, such as {name}.{way}()")
    if is_tensor:
        return _numpy(values)
    if torch is not None and isinstance(values, (list, tuple)) and any(isinstance(one, torch.Tensor) for one in values):
        return [dense(one, name) for one in values]
    return values


def _numpy(tensor: Any) -> NDArray[Any]:
    """A tensor on the CPU, in single precision where numpy has not its own."""
    here = tensor.detach().cpu().resolve_conj().resolve_neg()
    return np.asarray((here.float() if here.is_floating_point() and here.element_size() < 4 else here).numpy())
