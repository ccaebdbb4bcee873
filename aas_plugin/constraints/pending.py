"""Questions that wait for people, as they lie in a folder's `pending.jsonl`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aas_plugin.errors import AasError

FILE = "pending.jsonl"


@dataclass(frozen=True)
class Pending:
    """A question without an answer.

    Attributes:
        a: path of an image, as in the answer log beside it.
        b: path of the other image.
        kind: why the pair is asked, such as "over" or "under" (segmentation).
        cycle: the cycle that asks, from 1.
        repeats: id of the first answer to the question that this pair asks again; blank for a new question.
        linkage: mean similarity, in [0, 1], of the two clusters that the pair stands for; None where for none.
        crossing: how many pairs of images lie between these two; None where nobody says.
        doubted: whether it needs an answer of its own though one follows from answers, since the run does not go by
            all of these.
    """

    a: str
    b: str
    kind: str
    cycle: int
    repeats: str = ""
    linkage: float | None = None
    crossing: int | None = None
    doubted: bool = False

    @property
    def pair(self) -> frozenset[str]:
        """Both images, in no order."""
        return frozenset((self.a, self.b))


def read_pending(folder: Path) -> list[Pending]:
    """The questions in a folder, in the order in which they are asked; none where there is no file.

    Raises:
        AasError: the file cannot be read, or a line of it is no question.
    """
    path = folder / FILE
    if not path.exists():
        return []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines if line.strip()]
        return [_pending(row) for row in rows]
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise AasError(
            f"{path} cannot be read ({error!r}); remove it and go on with the run, which then asks anew"
        ) from error


def _pending(row: Mapping[str, Any]) -> Pending:
    if not isinstance(row, dict):
        raise ValueError(f"{row!r} is no question")
    linkage, crossing = row.get("linkage"), row.get("crossing")
    return Pending(
        str(row["a"]),
        str(row["b"]),
        str(row["kind"]),
        int(row["cycle"]),
        str(row.get("repeats", "")),
        None if linkage is None else float(linkage),
        None if crossing is None else int(crossing),
        row.get("doubted") is True,
    )
