"""Evidence beside features in `aas match`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aas_plugin.errors import AasError

if TYPE_CHECKING:
    from rich.console import Console

    from aas_plugin.data.catalogue import Catalogue
    from aas_plugin.data.photo_list import PhotoList
    from aas_plugin.evaluation.fused_matching import Fused
    from aas_plugin.evaluation.matching import Similarity


class MatchEvidence:
    """The evidence that `--set` chooses, and what it makes of photos.

    Args:
        layers: settings on the command line, weakest first; those of `evidence` count.
        modules: plugins to load.
        console: where progress is shown.

    Attributes:
        chosen: whether there is any.

    Raises:
        AasError: there is no such evidence.
    """

    def __init__(self, layers: Sequence[Mapping[str, Any]], modules: list[str] | None, console: Console) -> None:
        from aas_plugin.plugins.manager import load_plugins
        from aas_plugin.settings.models import Choice
        from aas_plugin.settings.resolving import completed, merge
        from aas_plugin.tracking.terminal import Terminal

        given: dict[str, Any] = reduce(merge, layers, {"evidence": {"name": "none"}})["evidence"]
        self._plugins = load_plugins(modules or [])
        self._terminal = Terminal(console)
        self._plugins.load("terminal", self._terminal, "built in")
        options = completed(self._plugins, "evidence", Choice.model_validate(given), "evidence", layers)
        self._plugin = self._plugins.component("evidence", options.pop("name")).make(options)
        self.chosen = given["name"] != "none"
        self._photos: PhotoList | None = None
        self._gallery = 0

    def fused(
        self,
        known: Catalogue,
        rows: NDArray[np.int64],
        new: Catalogue,
        seen: NDArray[np.int64],
        gallery: NDArray[np.float32],
        features: NDArray[np.float32],
        individual: NDArray[np.int64],
    ) -> Fused | None:
        """P(same) by features and evidence; None without evidence, or where it cannot be had.

        Args:
            known: the gallery.
            rows: its photos whose individual is known, int64 (G,).
            new: the photos.
            seen: those that can be read, int64 (P,).
            gallery: float32 (G, D), L2-normalised rows.
            features: float32 (P, D), L2-normalised rows.
            individual: int64 (G,).
        """
        from aas_plugin.active.questions import call_with_needed
        from aas_plugin.clustering.knn import nearest
        from aas_plugin.data.catalogue import content_hashes
        from aas_plugin.data.photo_list import joined, photos_of
        from aas_plugin.evaluation.fused_matching import fuse_matches
        from aas_plugin.fusion.sources import PARTNERS, sources_if_any
        from aas_plugin.runs.folder import lasting_cache

        if not self.chosen:
            return None
        self._gallery = len(rows)
        of_gallery, of_photos = (
            photos_of(catalogue, places, content_hashes(catalogue, rows=places.tolist()))
            for catalogue, places in ((known, rows), (new, seen))
        )
        self._photos = joined(of_gallery, of_photos)
        both = np.concatenate([gallery, features])
        given = {"photos": self._photos, "cache": lasting_cache(), "progress": self._plugins.progress}
        try:
            found = sources_if_any(lambda: call_with_needed(self._plugin.aas_pair_scores, **given), len(both))
        finally:
            self._terminal.close()
        if not found:
            return None
        near = nearest(both, min(PARTNERS + 1, len(both))).ranks
        return fuse_matches(both, found, near, individual)

    def told(self, fused: Fused) -> str:
        """How much each source counts, in a sentence."""
        weights = ", ".join(f"{name} {weight:.2f}" for name, weight in fused.weights.items())
        if fused.counts:
            return f"scores are probabilities; weights by the gallery's individuals: {weights}"
        return f"scores are those of features: on the gallery's individuals nothing else helps ({weights})"

    def draw(
        self, folder: Path, similarity: Similarity, individual: NDArray[np.int64], best: NDArray[np.int64]
    ) -> None:
        """Draw each photo beside the gallery photo of its best individual that is most like it.

        Args:
            folder: for the pictures; it is made.
            similarity: of the photos to the gallery's.
            individual: int64 (G,), of the gallery.
            best: int64 (P,), the best individual of each photo.

        Raises:
            AasError: the evidence has no keypoints.
        """
        from aas_plugin.data.boxes import split_box
        from aas_plugin.files import as_file_name
        from aas_plugin.local.draw import draw_matches
        from aas_plugin.runs.folder import lasting_cache

        assert self._photos is not None
        find = getattr(self._plugin, "find", None)
        if find is None:
            raise AasError("this evidence has no keypoints to draw; take --set evidence=local")
        keypoints = find(self._photos, lasting_cache())
        folder.mkdir(parents=True, exist_ok=True)
        told = self._plugins.progress("drawing matches")
        for photo, one in enumerate(best.tolist()):
            alike = similarity(slice(photo, photo + 1))[0]
            match = int(np.where(individual == one, alike, -np.inf).argmax())
            places = self._gallery + photo, match
            picture, _ = draw_matches([self._photos.paths[k] for k in places], [keypoints[k] for k in places])
            one_name, other_name = (split_box(self._photos.paths[k])[0].stem for k in places)
            name = as_file_name(f"{photo:05d} {one_name} - {other_name}")
            picture.save(folder / f"{name}.jpg", quality=88)
            told(photo + 1, len(best))
        self._terminal.close()
