"""Features of a backbone as it is, to compare trained ones with."""

from __future__ import annotations

import numpy as np
from torch import nn

from aas_plugin.errors import AasError
from aas_plugin.hookspecs import hookimpl
from aas_plugin.models import make_backbone
from aas_plugin.models.feature_cache import cached_features
from aas_plugin.runs.run import NativeRun


class ZeroShot:
    """A base method that trains nothing; it can be evaluated, and not run."""

    model: nn.Module

    @hookimpl
    def aas_setup(self, run: NativeRun) -> bool:
        """Build the backbone."""
        self.model = make_backbone(run, to_train=False)
        return True

    @hookimpl
    def aas_embed(self, run: NativeRun, rows: np.ndarray) -> np.ndarray:
        """Embed catalogue rows with the backbone; what was embedded before is read from disk."""
        progress = run.progress("embedding")
        return cached_features(self.model, run.images, run.hashes, rows, run.device, run.cache, progress=progress)

    @hookimpl
    def aas_features(self, run: NativeRun) -> np.ndarray:
        """Refuse to be clustered."""
        raise AasError("zero-shot trains nothing; measure it with `aas evaluate --adapter zero-shot`")

    @hookimpl
    def aas_model(self, run: NativeRun) -> nn.Module:
        """The backbone."""
        return self.model
