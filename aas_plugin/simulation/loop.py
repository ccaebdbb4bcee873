"""The loop of a run without its training: ask, refine, measure."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aas_plugin.active.learner import ActiveLearner
from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.clustering.graph import Graph
from aas_plugin.data.photo_list import PhotoList
from aas_plugin.evaluation.clustering_quality import clustering_quality
from aas_plugin.settings.models import ActiveSettings, ClusteringSettings


@dataclass(frozen=True)
class Scene:
    """What every simulation of one data set shares.

    Attributes:
        features: float32 (N, D), L2-normalised rows.
        individual: (N,), who is on each image.
        graph: distances between the images.
        clustering: of the method and of view A.
        photos: what the images are, None where only features are known.
    """

    features: NDArray[np.float32]
    individual: NDArray[Any]
    graph: Graph
    clustering: ClusteringSettings
    photos: PhotoList | None = None


def simulate(
    scene: Scene,
    select: Any,
    refiner: Any,
    oracle: Any,
    active: ActiveSettings,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
    evidence: Any = None,
) -> list[dict[str, Any]]:
    """Ask and refine for some cycles, with the same features in each.

    Args:
        scene: the data.
        select: chooses pairs, as `ActiveLearner` takes it.
        refiner: makes labels in which answers hold, as `ActiveLearner` takes it.
        oracle: answers, as `ActiveLearner` takes it; it is given the individuals.
        active: cycles, budget and rounds.
        seed: of the questions and of the oracle.
        progress: called with (cycles done, all cycles).
        evidence: scores of pairs beside the features, as `ActiveLearner` takes it.

    Returns:
        A row a cycle, 0 being the method's labels before any question: `cycle`, `asked` so far, `must_links` so far,
        `ARI`, `precision`, `recall` and `F1` over pairs of images, of which all but ARI are None where they are
        not defined, `individuals`, the number of clusters, images in none counting as one each, and
        `true_individuals`.
    """
    labels = dbscan(scene.graph, scene.clustering.eps, scene.clustering.min_samples)
    rows = [{"cycle": 0, "asked": 0, "must_links": 0, **quality(labels, scene.individual)}]
    settings = active.model_copy(update={"every": 1})
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # The gate warns of poor features in each simulation; whoever compares samplers sees that in the table.
        warnings.simplefilter("ignore", UserWarning)
        learner = ActiveLearner(
            [str(image) for image in range(len(labels))],
            oracle,
            folder,
            select=select,
            refiner=refiner,
            active=settings,
            clustering=scene.clustering,
            seed=seed,
            identities=scene.individual,
            machine=True,
            evidence=evidence,
        )
        for epoch in range(settings.cycles):
            result = learner.step(scene.features, labels, epoch=epoch, graph=scene.graph)
            report = result.report or {}
            row = {"cycle": epoch + 1, "asked": int(report["asked_total"]), "must_links": int(report["must_links"])}
            rows.append({**row, **quality(result.labels, scene.individual)})
            if progress is not None:
                progress(epoch + 1, settings.cycles)
    return rows


def quality(labels: NDArray[np.int64], individual: NDArray[Any]) -> dict[str, float | int | None]:
    """What a simulation tells of labels; see `simulate`."""
    found = clustering_quality(labels, individual)
    precision, recall = found["pairwise_precision"], found["pairwise_recall"]
    both = precision + recall
    values = {"precision": precision, "recall": recall, "F1": 2 * precision * recall / both if both else 0.0}
    return {
        "ARI": found["ARI"],
        **{name: None if np.isnan(value) else value for name, value in values.items()},
        "individuals": int(found["clusters"] + found["noise"]),
        "true_individuals": len(np.unique(individual.astype(str))),
    }
