"""PPLR (Cho et al., CVPR 2022): pseudo-labels refined by the agreement of part features with the whole."""

from __future__ import annotations

from dataclasses import replace

from aas_plugin.codebases.recipe import Recipe
from aas_plugin.hookspecs import hookimpl
from aas_plugin.plugins.registry import Registry

from .options import PplrOptions

# Photos of animals are square: about as many pixels as the official 384 x 128, and 15 rows of features, which make
# three stripes of five. On small sets the statistics of a batch are far from those that features are clustered with.
DEFAULTS = {"training": {"height": 240, "width": 240, "freeze": "batch_norm"}}
PAPER = {"clustering": {"eps": 0.5}}

CODEBASE = Recipe(
    title="PPLR",
    repository="yoonkicho/PPLR",
    script="examples/train_pplr.py",
    trainer="PPLRTrainer",
    checkpoint="best.pth",
    commits=("5337193",),
)
WITH_CAMERAS = replace(
    CODEBASE, title="PPLR with cameras", script="examples/train_pplr_cam.py", trainer="PPLRTrainerCAM"
)


def _make(options: PplrOptions) -> object:
    from .adapter import Pplr

    return Pplr(options)


@hookimpl
def aas_register(registry: Registry) -> None:
    """Register the adapter `pplr`, and the recipes that drive its official scripts."""
    registry.register("adapter", "pplr", _make, PplrOptions, DEFAULTS, paper=PAPER)
    registry.register("codebase", "pplr", lambda: CODEBASE)
    registry.register("codebase", "pplr-cam", lambda: WITH_CAMERAS)
