"""The skyline: a backbone fine-tuned with the individuals themselves, the most that any answers can lead to."""

from __future__ import annotations

from aas_plugin.hookspecs import hookimpl
from aas_plugin.plugins.registry import NoOptions, Registry

from ..cluster_contrast import DEFAULTS, PAPER


def _make(options: NoOptions) -> object:
    from .adapter import Supervised

    return Supervised()


@hookimpl
def aas_register(registry: Registry) -> None:
    """Register the adapter `supervised`."""
    registry.register("adapter", "supervised", _make, NoOptions, DEFAULTS, paper=PAPER)
