"""How a run clusters, where its settings leave that open: chosen once, from the untrained features, and kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aas_plugin.clustering.choosing import fit_clustering
from aas_plugin.errors import AasError
from aas_plugin.files import write_json
from aas_plugin.settings.models import ClusteringSettings, FittingClustering

if TYPE_CHECKING:
    import numpy as np

    from aas_plugin.runs.run import NativeRun


def choose_clustering(run: NativeRun, features: np.ndarray | None) -> None:
    """Set `run.active.clustering` and `run.settings.clustering` for good, and tell observers.

    Both are written to `clustering.json` in the run's folder. What that file holds already is taken as it is, so a
    run that is resumed goes on as it began. Nothing is done where the settings give all values.

    Args:
        run: the run; its settings say what is given.
        features: float32 (N, D), L2-normalised rows, of the training images before training; None to take the file.

    Raises:
        AasError: there are no features, and the file cannot be read.
    """
    if run.settings.clustering.is_fixed:
        return
    path = run.folder / "clustering.json"
    if features is None or path.exists():
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            values.pop("score")
            ClusteringSettings(**values)
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise AasError(
                f"{path}, which says how this run clusters, cannot be read ({error}); restore it, or begin a new run "
                "under another --run-name"
            ) from None
    else:
        fitted = fit_clustering(
            features,
            **run.settings.clustering.given,
            seed=run.settings.seed,
            device=run.device,
            progress=run.progress("choosing clustering"),
        )
        values = fitted._asdict()
        write_json(path, values)
        values.pop("score")
    run.active.clustering = ClusteringSettings(**values)
    # Whoever reads the settings from now on finds numbers; config.yaml keeps what was asked for.
    run.settings = run.settings.model_copy(update={"clustering": FittingClustering(**values)})
    run.notify("aas_clustering_chosen")
