"""A run's open-set protocol, chosen once and kept in its folder, and the metrics of a cycle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from aas_plugin.data.splits import OpenSet, open_set_protocol
from aas_plugin.evaluation.open_set import auc_roc
from aas_plugin.evaluation.retrieval import retrieval_metrics
from aas_plugin.files import write_json

if TYPE_CHECKING:
    from aas_plugin.run import Run


def choose_protocol(run: Run, reference_features: np.ndarray) -> OpenSet:
    """Read the run's protocol from `protocol.json`, or choose it and write it.

    `reference_features` float32 `(N, D)` of `run.train` choose the gallery's exemplars; those of the untrained
    backbone are taken, so that runs with the same seed and backbone are judged alike (ours; the paper takes
    MegaDescriptor).
    """
    path = run.folder / "protocol.json"
    table = run.catalogue.table
    paths = table["path"].to_list()
    if path.exists():
        saved = json.loads(path.read_text(encoding="utf-8"))
        row = {name: position for position, name in enumerate(paths)}
        query, gallery = (
            np.array([row[name] for name in saved[side]], dtype=np.int64) for side in ("query", "gallery")
        )
        return OpenSet(query, gallery, np.isin(run.identity[query], run.identity[gallery]))
    settings = run.settings.evaluation
    split = np.full(len(table), "", dtype=object)
    split[run.train] = "train"
    split[run.catalogue.rows_of("test")] = "test"
    protocol = open_set_protocol(
        run.identity, split, reference_features, run.settings.seed, settings.exemplars, settings.held_out
    )
    write_json(
        path,
        {
            "query": [paths[row] for row in protocol.query],
            "gallery": [paths[row] for row in protocol.gallery],
        },
    )
    return protocol


def evaluate(run: Run, protocol: OpenSet) -> dict[str, float]:
    """All metrics of the model as it is, as fractions; empty where there is nothing to compare."""
    if not len(protocol.query) or not len(protocol.gallery):
        return {}
    rows = np.concatenate([protocol.query, protocol.gallery])
    features = run.plugins.hook.aas_embed(run=run, rows=rows)
    similarity = features[: len(protocol.query)] @ features[len(protocol.query) :].T
    cameras: tuple[object, object] = (None, None)
    if run.settings.evaluation.ignore_same_camera:
        camera = run.catalogue.table["camera"].to_numpy(dtype=object)
        cameras = (camera[protocol.query], camera[protocol.gallery])
    metrics = retrieval_metrics(
        similarity,
        run.identity[protocol.query],
        run.identity[protocol.gallery],
        *cameras,  # type: ignore[arg-type]
    )
    return {**metrics, "AUC_ROC": auc_roc(similarity, protocol.known)}
