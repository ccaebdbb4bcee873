"""What a run must keep to go on after a kill: one file an epoch, the last two kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aas_plugin.errors import AasError
from aas_plugin.files import write_atomically

KEPT = 2


def save_checkpoint(folder: Path, epoch: int, state: dict[str, Any]) -> None:
    """Write the state after `epoch` whole, then remove all but the last `KEPT`.

    Raises:
        AasError: it cannot be written; earlier checkpoints are then still there.
    """
    import torch

    write_atomically(folder / f"epoch-{epoch:04d}.pt", lambda file: torch.save({"epoch": epoch, **state}, file))
    for old in sorted(folder.glob("epoch-*.pt"))[:-KEPT]:
        old.unlink()


def load_checkpoint(folder: Path, device: Any) -> dict[str, Any] | None:
    """Read the newest checkpoint that is whole, or None when there is none.

    Raises:
        AasError: there are some and none can be read.
    """
    import torch

    found = sorted(folder.glob("epoch-*.pt"), reverse=True)
    problems = []
    for path in found:
        try:
            state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
            return state
        except Exception as error:
            problems.append(f"{path}: {error}")
    if problems:
        raise AasError("no checkpoint can be read; remove them to begin anew:\n" + "\n".join(problems))
    return None
