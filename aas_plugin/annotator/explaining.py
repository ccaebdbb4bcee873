"""Why a pair is asked, for the person who asks back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from aas_plugin.active.begun import of_cycles
from aas_plugin.active.reasons import facts_of, proposed_pairs, why_asked
from aas_plugin.constraints.answer_state import Place
from aas_plugin.constraints.answers import Answer
from aas_plugin.constraints.closure import Constraints, components
from aas_plugin.constraints.matching_images import Images
from aas_plugin.constraints.pending import Pending
from aas_plugin.files import read_table

MOST = 12


def explained(folder: Path, asked: Pending | Answer) -> dict[str, Any]:
    """The `kind` of a question, a `sentence` about it, and `numbers` that its sampler knew, each with its name."""
    row = proposed_pairs(folder, asked.cycle).get(frozenset((asked.a, asked.b)), {})
    sentence = why_asked(asked.kind, "of this run")
    return {"kind": asked.kind, "sentence": sentence, "numbers": [list(fact) for fact in facts_of(row)]}


def groups_beside(folder: Path, pair: Place, constraints: Constraints, images: Images) -> list[list[int]]:
    """For both images of a pair, other images that answers put with it, then those of its last pseudo-label.

    Args:
        folder: of the run.
        pair: positions of both.
        constraints: of the answers.
        images: the list.

    Returns:
        Two lists of at most 12 positions.
    """
    group = components(constraints.n, constraints.must_links)
    labels = _last_labels(folder)
    of_label: dict[int, list[int]] = {}
    for place, path in enumerate(images.paths):
        if labels.get(path, -1) >= 0:
            of_label.setdefault(labels[path], []).append(place)
    found = []
    for image in pair:
        linked = np.flatnonzero(group == group[image]).tolist()
        beside = of_label.get(labels.get(images.paths[image], -1), [])
        others = [one for one in dict.fromkeys([*linked, *beside]) if one not in pair]
        found.append(others[:MOST])
    return found


def _last_labels(folder: Path) -> dict[str, int]:
    """The pseudo-label of each image by its path, as of the last cycle that ended; none where there are none."""
    tables = of_cycles(folder, "labels.parquet")
    try:
        table = read_table(list(tables.values())[-1])
        return dict(zip(table["path"].tolist(), map(int, table["label"]), strict=True))
    except (IndexError, OSError, ValueError, KeyError):
        return {}
