"""What a run must keep to go on after a kill: one file an epoch, the last two kept, and the best cycle's."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from aas_plugin.errors import AasError
from aas_plugin.files import check_zip, disk_errors, write_atomically

KEPT = 2
BEST = "best.pt"


def save_checkpoint(folder: Path, epoch: int, state: dict[str, Any]) -> None:
    """Write a checkpoint whole, then remove all but the last `KEPT`.

    Args:
        folder: of the checkpoints.
        epoch: the last one that is trained, from 0.
        state: tensors, numbers, strings and containers of them, by name.

    Raises:
        AasError: it cannot be written; earlier checkpoints are then still there.
    """
    import torch

    write_atomically(_path(folder, epoch), lambda file: torch.save({"epoch": epoch, **state}, file))
    for old in sorted(folder.glob("epoch-*.pt"))[:-KEPT]:
        # What a disk does not let go is tried again after the next epoch.
        with suppress(OSError):
            old.unlink()


def keep_best(folder: Path, epoch: int) -> None:
    """Keep the checkpoint of an epoch as `BEST`; one that was removed since was kept when it was written.

    Args:
        folder: of the checkpoints.
        epoch: from 0.

    Raises:
        AasError: it cannot be written; what was kept before is then still there.
    """
    found = _path(folder, epoch)
    if found.exists():
        with disk_errors(found):
            content = found.read_bytes()
        write_atomically(folder / BEST, lambda file: file.write(content))


def load_checkpoint(folder: Path, device: Any) -> dict[str, Any] | None:
    """Read the newest checkpoint that is whole.

    Args:
        folder: of the checkpoints.
        device: where tensors go, as torch names it.

    Returns:
        The state that was saved and its `epoch`, or None where there is no checkpoint.

    Raises:
        AasError: there are checkpoints, and none can be read.
    """
    import torch

    found = sorted(folder.glob("epoch-*.pt"), reverse=True)
    problems = []
    for path in found:
        try:
            check_zip(path)
            state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
            return state
        except Exception as error:
            problems.append(f"{path}: {error}")
    if problems:
        raise AasError("no checkpoint can be read; remove them to begin anew:\n" + "\n".join(problems))
    return None


def _path(folder: Path, epoch: int) -> Path:
    return folder / f"epoch-{epoch:04d}.pt"
