"""The data of simulations: features that are given, drawn, or those of an untrained backbone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aas_plugin.active.questions import call_with_needed
from aas_plugin.clustering.choosing import fit_clustering, most_neighbours
from aas_plugin.clustering.jaccard import graph_of
from aas_plugin.clustering.knn import nearest
from aas_plugin.data.images import ImageStore
from aas_plugin.data.photo_list import PhotoList, photos_of
from aas_plugin.errors import AasError
from aas_plugin.fusion.sources import sources_if_any
from aas_plugin.runs.data import read_data
from aas_plugin.runs.device import choose_device
from aas_plugin.runs.folder import lasting_cache, shared_cache
from aas_plugin.settings.models import EPS_MARGIN, ClusteringSettings, FittingClustering
from aas_plugin.simulation.loop import Scene
from aas_plugin.simulation.reading import check_labels, read_features, read_labels
from aas_plugin.simulation.synthetic import synthetic_features

if TYPE_CHECKING:
    import torch

    from aas_plugin.plugins.manager import Plugins
    from aas_plugin.plugins.registry import Progress
    from aas_plugin.settings.models import RunSettings

DRAWN = "synthetic"

WORTH_A_GPU = 20_000
"""Images from which on it pays to load torch and look for a GPU: the neighbours of fewer are found in seconds."""


class Scenes:
    """What `aas simulate` is told to work on.

    Args:
        plugins: for the data set and its backbone.
        settings: of a run.
        clustering: settings of the clustering for features that are given or drawn, of which no data set says more.
        features: files, or `synthetic:NOISE`; none for the data set of the settings.
        labels: a file of individuals for the one file of features.

    Attributes:
        names: what each is called in tables.

    Raises:
        AasError: a noise is none, or labels have no one file to belong to.
    """

    def __init__(
        self,
        plugins: Plugins,
        settings: RunSettings,
        clustering: FittingClustering,
        features: Sequence[str],
        labels: Path | None,
    ) -> None:
        self._plugins, self._settings, self._clustering, self._labels = plugins, settings, clustering, labels
        self._noise = {name: _noise(name) for name in features if name.split(":")[0] == DRAWN}
        last = [Path(name).name for name in features]
        shown = {name: Path(name).name if last.count(Path(name).name) == 1 else name for name in features}
        self._files = {shown[name]: Path(name) for name in features if name not in self._noise}
        self.names = list(shown.values()) or [settings.dataset.name]
        self._kept: tuple[str, Scene] | None = None
        if labels is not None and (len(self.names) > 1 or self._noise):
            raise AasError("--labels belong to one file of features; put them into each file beside the features")

    def scene(self, name: str, seed: int) -> Scene:
        """The data of a name; a seed draws what is drawn, and changes nothing else.

        The last one is kept, so ask for all seeds of a name before the next.

        Raises:
            AasError: it cannot be read, or there is nothing to measure by.
        """
        if name in self._noise:
            return self._clustered(*synthetic_features(self._noise[name], seed), self._clustering)
        if self._kept is None or self._kept[0] != name:
            self._kept = None
            self._kept = name, self._read(name)
        return self._kept[1]

    def evidence(self, name: str, scene: Scene) -> Any:
        """Scores of pairs of a data set's photos beside the features, None for "none".

        Raises:
            AasError: there is no such evidence, or no photo.
        """
        choice = self._settings.evidence
        component = self._plugins.component("evidence", name)
        if name == "none":
            return None
        if scene.photos is None:
            raise AasError(f"--evidence {name} looks at photos; name a data set of them by --dataset, not --features")
        plugin = component.make(choice.options if choice.name == name else {})
        given = {"photos": scene.photos, "cache": lasting_cache(), "progress": self._plugins.progress}
        return sources_if_any(lambda: call_with_needed(plugin.aas_pair_scores, **given), len(scene.photos)) or None

    def _read(self, name: str) -> Scene:
        photos: PhotoList | None = None
        if name in self._files:
            clustering = self._clustering
            matrix, individual = read_features(self._files[name])
            if individual is None and self._labels is None:
                raise AasError(f"{self._files[name]} says nothing of individuals; give them by --labels")
        else:
            clustering = self._settings.clustering
            matrix, individual, photos = self._untrained()
        individual = read_labels(self._labels) if self._labels is not None else individual
        assert individual is not None
        check_labels(individual, len(matrix))
        return replace(self._clustered(matrix, individual, clustering), photos=photos)

    def _clustered(self, matrix: np.ndarray, individual: np.ndarray, clustering: FittingClustering) -> Scene:
        device: torch.device | str = "cpu"
        if self._settings.device != "auto" or len(matrix) >= WORTH_A_GPU:
            device = choose_device(self._settings.device)
        return scene_of(matrix, individual, clustering, self._settings.seed, device, self._plugins.progress)

    def _untrained(self) -> tuple[np.ndarray, np.ndarray, PhotoList]:
        """Features of a data set's training images by its backbone, who is on them, and the images themselves."""
        # Torch takes seconds and half a gigabyte, which features that are given do not need.
        from aas_plugin.models.feature_cache import untrained_features

        plugins, settings = self._plugins, self._settings
        data = read_data(plugins, settings)
        images = ImageStore(data.catalogue.root, data.paths, settings.training.height, settings.training.width)
        images.check(plugins.progress("reading images"))
        choice = settings.backbone
        features = untrained_features(
            plugins.component("backbone", choice.name), choice.options, images, data.hashes, data.train,
            choose_device(settings.device), shared_cache(), seed=settings.seed, progress=plugins.progress("embedding"),
        )  # fmt: skip
        return features, data.identity[data.train], photos_of(data.catalogue, data.train, data.hashes)


def scene_of(
    matrix: np.ndarray,
    individual: np.ndarray,
    clustering: FittingClustering,
    seed: int = 0,
    device: torch.device | str = "cpu",
    progress: Callable[[str], Progress | None] = lambda task: None,
) -> Scene:
    """Features with a clustering that fits them, as far as it is not set.

    Args:
        matrix: float32 (N, D), L2-normalised rows.
        individual: (N,), who is on each image.
        clustering: settings; what is not set is chosen.
        seed: of that choice.
        device: where neighbours are searched.
        progress: from the name of a task to what is told of it.
    """
    given = clustering.given
    found = nearest(matrix, most_neighbours(given.get("k1")), device, progress("comparing images"))
    fitted = fit_clustering(
        matrix, **given, seed=seed, device=device, progress=progress("choosing clustering"), neighbours=found
    )
    chosen = ClusteringSettings(k1=fitted.k1, k2=fitted.k2, eps=fitted.eps, min_samples=fitted.min_samples)
    radius = min(chosen.eps + EPS_MARGIN, 1.0)
    graph = graph_of(matrix, found.first(chosen.k1), chosen.k2, radius)
    return Scene(matrix, individual, graph, chosen)


def _noise(name: str) -> float:
    """The noise in `synthetic:NOISE`.

    Raises:
        AasError: it is no number from 0 on.
    """
    text = name.partition(":")[2]
    try:
        noise = float(text)
    except ValueError:
        noise = -1.0
    if not 0 <= noise < np.inf:
        raise AasError(f"--features {name}: {DRAWN} features take a noise, such as {DRAWN}:2.0")
    return noise
