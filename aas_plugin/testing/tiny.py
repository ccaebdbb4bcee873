"""Runs that take seconds: a few drawn animals at few pixels, a few batches an epoch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aas_plugin.plugins.manager import Plugins
from aas_plugin.runs.engine import Engine
from aas_plugin.runs.setting_up import set_up
from aas_plugin.settings.resolving import merge, resolve
from aas_plugin.testing import backbone

TINY: dict[str, Any] = {
    "dataset": {"name": "coats", "individuals": 10, "photos": 6, "size": 48},
    "backbone": {"name": "tiny", "bn_neck": False},
    "training": {"epochs": 4, "iterations": 2, "batch_size": 8, "height": 48, "width": 48},
    "active": {"every": 2, "cycles": 2, "budget": 12},
    "tracking": {"mlflow": False},
    "device": "cpu",
}


def tiny_engine(
    plugins: Plugins, folder: Path, drawn: Path, *layers: Mapping[str, Any], resume: bool = False
) -> Engine:
    """Make a run that takes seconds, of animals that are drawn once.

    Args:
        plugins: all that the run needs; the backbone `tiny` is added.
        folder: of the run.
        drawn: folder of the drawn animals.
        layers: settings, weakest first; stronger than `TINY`.
        resume: whether to go on with what the folder holds.

    Returns:
        The run's engine.
    """
    if not plugins.manager.is_registered(backbone):
        plugins.load(backbone.__name__, backbone, "built in")
    tiny = merge(TINY, {"dataset": {"path": str(drawn)}})
    return Engine(set_up(plugins, resolve(plugins, [tiny, *layers]), folder, resume=resume))
