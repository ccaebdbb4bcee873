"""Runs that take seconds: a few drawn animals at few pixels, a few batches an epoch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aas_plugin.config import merge, resolve
from aas_plugin.engine import Engine
from aas_plugin.plugins import Plugins
from aas_plugin.prepare import prepare

TINY: dict[str, Any] = {
    "dataset": {"name": "coats", "individuals": 10, "photos": 6, "size": 48},
    "training": {"epochs": 4, "iterations": 2, "batch_size": 8, "height": 48, "width": 48},
    "active": {"every": 2, "cycles": 2, "budget": 12},
    "tracking": {"mlflow": False},
    "device": "cpu",
}


def tiny_engine(
    plugins: Plugins, folder: Path, drawn: Path, *layers: Mapping[str, Any], resume: bool = False
) -> Engine:
    """Make a run in `folder` of animals that are drawn into `drawn` once; `layers` are settings, weakest first."""
    tiny = merge(TINY, {"dataset": {"path": str(drawn)}})
    return Engine(prepare(plugins, resolve(plugins, [tiny, *layers]), folder, resume))
