"""Arrays on disk in pieces, each a file that is written whole and never changed, for several processes at once."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aas_plugin.errors import AasError
from aas_plugin.files import write_atomically


class Pieces:
    """A folder of pieces.

    Args:
        root: folder that can be deleted at any time; it is kept out of git.
        key: name of the folder in it: what decides the arrays.
        what: what is kept, for warnings.
    """

    def __init__(self, root: Path, key: str, what: str) -> None:
        self._root, self._what = root, what
        self.folder = root / key

    def read(self, arrays: Sequence[str]) -> Iterator[dict[str, NDArray[np.generic]]]:
        """Give the arrays of every piece, by name; a damaged piece is a warning, and removed."""
        for path in sorted(self.folder.glob("*.npz")):
            found = self.read_one(path.stem, arrays)
            if found is not None:
                yield found

    def read_one(self, piece: str, arrays: Sequence[str]) -> dict[str, NDArray[np.generic]] | None:
        """Give the arrays of one piece, or None where it is not there; a damaged one is a warning, and removed."""
        path = self.folder / f"{piece}.npz"
        try:
            with np.load(path, allow_pickle=False) as held:
                return {name: held[name] for name in arrays}
        except FileNotFoundError:
            return None
        except Exception as error:  # Anything can be in a damaged file.
            self.reject(piece, str(error))
            return None

    def reject(self, piece: str, why: str) -> None:
        """Remove a piece that holds something else than it should, with a warning."""
        path = self.folder / f"{piece}.npz"
        why = " ".join(why.split())[:100]
        warnings.warn(f"{path} is damaged ({why}); its {self._what} are computed anew", stacklevel=3)
        path.unlink(missing_ok=True)

    def add(self, piece: str | None = None, /, **arrays: NDArray[np.generic]) -> None:
        """Keep arrays by name as one piece, under a name of its own unless one is given.

        A folder that takes none is a warning.
        """
        path = self.folder / f"{piece or uuid.uuid4().hex}.npz"
        try:
            write_atomically(path, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]
            (self._root / ".gitignore").write_text("*\n", encoding="utf-8")
        except (AasError, OSError) as error:
            warnings.warn(f"{self._what} are not kept for the next time: {error}", stacklevel=3)
