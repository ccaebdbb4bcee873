"""Named sets of settings, weaker than what a data set, a file or a flag says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Preset = Literal["default", "paper"]

PRESETS: dict[Preset, Mapping[str, Any]] = {
    "default": {},
    # The paper's, and those that the official codes of its base methods share, where our defaults are others.
    "paper": {
        "active": {"rounds": 1},
        "clustering": {"k1": 30, "k2": 6, "eps": 0.6, "min_samples": 4},
        "training": {
            "iterations": 400,
            "decay_every": 20,
            "erasing": 0.5,
            "freeze": "nothing",
            "pair_loss": 0.0,
        },
    },
}
