"""The built-in samplers as plugin objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aas_plugin.hookspecs import hookimpl
from aas_plugin.plugins.registry import NoOptions
from aas_plugin.sampling.aas import AasOptions, ambiguity_aware_pairs
from aas_plugin.sampling.baselines import random_pairs

if TYPE_CHECKING:
    from aas_plugin.sampling.proposal import KnownPairs
    from aas_plugin.sampling.views import Views


class AasSampler:
    """Ambiguity-aware sampling (the paper)."""

    def __init__(self, options: AasOptions) -> None:
        self.options = options

    @hookimpl
    def aas_select_pairs(self, views: Views, known: KnownPairs, budget: int, rng: np.random.Generator) -> pd.DataFrame:
        """Draw from the pools of ambiguous pairs."""
        return ambiguity_aware_pairs(views, budget, rng, self.options, known)


class RandomSampler:
    """Pairs drawn uniformly."""

    @hookimpl
    def aas_select_pairs(self, views: Views, known: KnownPairs, budget: int, rng: np.random.Generator) -> pd.DataFrame:
        """Draw among all pairs whose answer does not follow."""
        return random_pairs(len(views.a), budget, rng, known)


class NoSampler:
    """Asks nothing: the base method as it is."""

    @hookimpl
    def aas_select_pairs(self) -> pd.DataFrame:
        """Give an empty table."""
        return pd.DataFrame({"u": pd.Series(dtype="int64"), "v": pd.Series(dtype="int64"), "kind": []})


def aas_sampler(options: AasOptions) -> AasSampler:
    """Make the sampler `aas`."""
    return AasSampler(options)


def random_sampler(options: NoOptions) -> RandomSampler:
    """Make the sampler `random`."""
    return RandomSampler()


def no_sampler(options: NoOptions) -> NoSampler:
    """Make the sampler `none`."""
    return NoSampler()
