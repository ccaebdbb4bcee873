"""Arrays on disk in pieces, each a file that is written whole and never changed, for several processes at once."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

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

    def read(
        self, arrays: Sequence[str], check: Callable[[dict[str, Any]], None] = lambda piece: None
    ) -> Iterator[dict[str, Any]]:
        """Give the arrays of every piece, by name; a damaged piece is a warning, and removed.

        Args:
            arrays: their names.
            check: raises ValueError for arrays that are not as they should be.
        """
        for path in sorted(self.folder.glob("*.npz")):
            found = self.read_one(path.stem, arrays, check)
            if found is not None:
                yield found

    def read_one(
        self, piece: str, arrays: Sequence[str], check: Callable[[dict[str, Any]], None] = lambda piece: None
    ) -> dict[str, Any] | None:
        """Give the arrays of one piece, or None where it is not there: see `read`."""
        path = self.folder / f"{piece}.npz"
        try:
            with np.load(path, allow_pickle=False) as held:
                found = {name: held[name] for name in arrays}
            check(found)
            return found
        except FileNotFoundError:  # Another process may just have removed it.
            return None
        except Exception as error:  # Anything can be in a damaged file.
            why = " ".join(str(error).split())[:100]
            warnings.warn(f"{path} is damaged ({why}); its {self._what} are computed anew", stacklevel=3)
            with suppress(OSError):
                path.unlink(missing_ok=True)
            return None

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
