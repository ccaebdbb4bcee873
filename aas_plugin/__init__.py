"""Ambiguity-aware active learning for unsupervised animal re-identification."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aas_plugin.active.dbscan import ActiveDBSCAN
    from aas_plugin.active.learner import ActiveLearner, StepResult
    from aas_plugin.active.questions import Question
    from aas_plugin.clustering.estimator import JaccardDBSCAN
    from aas_plugin.errors import AasError
    from aas_plugin.hookspecs import hookimpl

__all__ = ["AasError", "ActiveDBSCAN", "ActiveLearner", "JaccardDBSCAN", "Question", "StepResult", "hookimpl"]

_HOMES = {
    "AasError": "errors",
    "ActiveDBSCAN": "active.dbscan",
    "ActiveLearner": "active.learner",
    "JaccardDBSCAN": "clustering.estimator",
    "Question": "active.questions",
    "StepResult": "active.learner",
    "hookimpl": "hookspecs",
}


def __getattr__(name: str) -> Any:
    # Looked up when first used: importing the package must stay quick and load nothing heavy.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
