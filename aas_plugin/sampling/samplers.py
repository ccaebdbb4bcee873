"""The built-in samplers as plugin objects, and the names that they are registered under."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

from aas_plugin.hookspecs import hookimpl
from aas_plugin.plugins.registry import NoOptions, Registry
from aas_plugin.sampling.aas import AasOptions, ambiguity_aware_pairs
from aas_plugin.sampling.baselines import random_pairs
from aas_plugin.sampling.clusterwise import MassOptions, balanced_triplets, far_pairs, pivot_pairs, support_pairs
from aas_plugin.sampling.nis import NisOptions, nested_pairs
from aas_plugin.sampling.ranked import all_pairs, margin_pairs, most_similar_pairs

if TYPE_CHECKING:
    from aas_plugin.sampling.proposal import KnownPairs
    from aas_plugin.sampling.views import Views

Choose = Callable[["Views", int, np.random.Generator, Any, "KnownPairs"], pd.DataFrame]
"""From views, budget, generator, options and what is known to the table of pairs."""


class FunctionSampler:
    """A sampler that is a function.

    Attributes:
        choose: the function.
        options: its settings.
    """

    def __init__(self, choose: Choose, options: Any) -> None:
        self.choose = choose
        self.options = options

    @hookimpl
    def aas_select_pairs(self, views: Views, known: KnownPairs, budget: int, rng: np.random.Generator) -> pd.DataFrame:
        """Choose as the function does."""
        return self.choose(views, budget, rng, self.options, known)


class NoSampler:
    """Asks nothing: the base method as it is."""

    @hookimpl
    def aas_select_pairs(self) -> pd.DataFrame:
        """Give an empty table."""
        return pd.DataFrame({"u": pd.Series(dtype="int64"), "v": pd.Series(dtype="int64"), "kind": []})


def _none(options: NoOptions) -> NoSampler:
    return NoSampler()


SAMPLERS: dict[str, tuple[Choose, type[BaseModel]]] = {
    "aas": (ambiguity_aware_pairs, AasOptions),
    "random": (
        lambda views, budget, rng, options, known: random_pairs(len(views.features), budget, rng, known),
        NoOptions,
    ),
    "topk": (lambda views, budget, rng, options, known: most_similar_pairs(views, budget, known), NoOptions),
    "margin": (lambda views, budget, rng, options, known: margin_pairs(views, budget, known), NoOptions),
    "gbas": (lambda views, budget, rng, options, known: far_pairs(views, budget, rng, known), NoOptions),
    "lbas": (lambda views, budget, rng, options, known: balanced_triplets(views, budget, rng, known), NoOptions),
    "nis": (nested_pairs, NisOptions),
    "mass": (pivot_pairs, MassOptions),
    "spal": (lambda views, budget, rng, options, known: support_pairs(views, budget, rng, known), NoOptions),
    "full": (lambda views, budget, rng, options, known: all_pairs(views, budget, known), NoOptions),
}
"""Samplers by name, with the model of their options."""


def register_samplers(registry: Registry) -> None:
    """Register all built-in samplers."""
    for name, (choose, options) in SAMPLERS.items():
        registry.register("sampler", name, partial(FunctionSampler, choose), options)
    registry.register("sampler", "none", _none)
