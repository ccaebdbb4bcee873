"""A run's protocol, chosen once and kept in its folder, and the metrics of a cycle."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from aas_plugin.data.splits import OpenSet, open_set_protocol, own_protocol
from aas_plugin.evaluation.open_set import auc_roc
from aas_plugin.evaluation.protocol_file import read_protocol, rows_of, save_protocol
from aas_plugin.evaluation.retrieval import retrieval_metrics

if TYPE_CHECKING:
    from aas_plugin.runs.run import NativeRun


def choose_protocol(run: NativeRun, untrained_features: Callable[[], np.ndarray]) -> OpenSet:
    """Read the run's protocol from its `protocol.json`, or from the settings' file, or choose it; write it there.

    A data set with a gallery of its own is evaluated on that. Otherwise the protocol is the open-set one, whose
    exemplars are chosen by the features of `evaluation.reference`, or else by `untrained_features()`, float32
    (N, D) of `run.train`: those of the untrained backbone, so that runs with the same backbone are
    judged alike, whatever their seed (ours; the paper takes MegaDescriptor).

    Raises:
        AasError: a file of the protocol cannot be read or written, or the reference cannot be made.
    """
    path = run.folder / "protocol.json"
    settings = run.settings.evaluation
    if path.exists():
        return rows_of(read_protocol(path), run.catalogue)
    if settings.protocol is not None:
        saved = read_protocol(settings.protocol)
        protocol = rows_of(saved, run.catalogue)
        made: dict[str, Any] = saved.model_dump(include={"seed", "exemplars", "held_out", "reference"})
    else:
        made = {"seed": settings.seed, "exemplars": settings.exemplars, "held_out": settings.held_out}
        if run.catalogue.has_gallery:
            protocol, made["reference"] = own_protocol(run.catalogue), None
        else:
            features, made["reference"] = _reference(run, untrained_features)
            split = run.catalogue.table["split"]
            protocol = open_set_protocol(
                run.identity, split, features, settings.seed, settings.exemplars, settings.held_out
            )
    save_protocol(path, run.catalogue, run.hashes, protocol, **made)
    return protocol


def evaluate(run: NativeRun, protocol: OpenSet) -> dict[str, float]:
    """Measure the model as it is.

    Returns:
        All metrics by name, in [0, 1]; empty where there is nothing to compare.
    """
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


def _reference(run: NativeRun, untrained_features: Callable[[], np.ndarray]) -> tuple[np.ndarray, dict[str, Any]]:
    """Features of the training images that choose the exemplars, and whose they are."""
    choice = run.settings.evaluation.reference
    if choice is None:
        whose = {"adapter": run.settings.adapter.name, "backbone": run.settings.backbone.model_dump(mode="json")}
        return untrained_features(), whose
    from aas_plugin.models.feature_cache import untrained_features as features_of

    features = features_of(
        run.registry.get("backbone", choice.name), choice.options, run.images, run.hashes, run.train, run.device,
        run.cache, seed=run.settings.evaluation.seed, progress=run.progress("choosing exemplars"),
    )  # fmt: skip
    return features, {"backbone": choice.model_dump(mode="json")}
