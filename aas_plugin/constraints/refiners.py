"""The built-in refiners as plugin objects: what makes labels in which every answer holds."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from aas_plugin.clustering.graph import Graph
from aas_plugin.clustering.labels import by_first_appearance
from aas_plugin.constraints.closure import components
from aas_plugin.constraints.np3 import np3
from aas_plugin.hookspecs import hookimpl
from aas_plugin.plugins.registry import NoOptions, Registry

Ints = NDArray[np.int64]


class Np3Options(BaseModel):
    """Settings of NP3; the default is the paper's."""

    model_config = ConfigDict(extra="forbid")

    merge: Literal["clusters", "groups"] = Field(
        "clusters", description="what a must-link brings together: whole clusters, or only the images that are the same"
    )


class Np3Refiner:
    """NP3 (the paper): as few images as possible change their cluster.

    Attributes:
        keeps_satisfied: labels that break no answer stay as they are.
        options: settings.
    """

    keeps_satisfied = True

    def __init__(self, options: Np3Options) -> None:
        self.options = options

    @hookimpl
    def aas_refine(self, labels: Ints, must_links: Ints, cannot_links: Ints, graph: Graph) -> Ints:
        """Merge and split."""
        whole = self.options.merge == "clusters"
        return np3(labels, must_links, cannot_links, graph.between, whole_clusters=whole)


class AnswersRefiner:
    """The answers alone: images that are known to be the same are a cluster, all others are in none.

    The floor for every other refiner, and the honest choice where features tell nothing.
    """

    @hookimpl
    def aas_refine(self, labels: Ints, must_links: Ints) -> Ints:
        """Make clusters of the closure of must-links."""
        group = components(len(labels), must_links)
        alone = np.bincount(group, minlength=1)[group] == 1
        return by_first_appearance(np.where(alone, -1, group))


def register_refiners(registry: Registry) -> None:
    """Register all built-in refiners."""
    registry.register("refiner", "np3", Np3Refiner, Np3Options)
    registry.register("refiner", "answers", _answers)


def _answers(options: NoOptions) -> AnswersRefiner:
    return AnswersRefiner()
