"""ClusterContrast's training with individuals in the place of clusters."""

from __future__ import annotations

import numpy as np
import pandas as pd

from aas_plugin.clustering.jaccard import JaccardGraph
from aas_plugin.errors import AasError
from aas_plugin.hookspecs import hookimpl
from aas_plugin.runs.run import NativeRun

from ..cluster_contrast.adapter import ClusterContrast
from ..cluster_contrast.options import ClusterContrastOptions


class Supervised(ClusterContrast):
    """One run that is told who is on every training image.

    Ours: the paper says of its skyline only that it is fine-tuned on all data. Images of unknown individuals are not
    trained on.
    """

    def __init__(self) -> None:
        super().__init__(ClusterContrastOptions())

    @hookimpl
    def aas_pseudo_labels(self, run: NativeRun, features: np.ndarray, graph: JaccardGraph) -> np.ndarray:
        """The individuals, numbered; -1 where unknown.

        Raises:
            AasError: no training image has a known individual.
        """
        labels, known = pd.factorize(run.identity[run.train])
        if not len(known):
            raise AasError("the adapter 'supervised' needs individuals, and no training image has one")
        return labels.astype(np.int64)
