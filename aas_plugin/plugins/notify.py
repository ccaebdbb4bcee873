"""Telling observers, each by itself."""

from __future__ import annotations

import warnings
from typing import Any

import pluggy


def notify(manager: pluggy.PluginManager, hook: str, **arguments: Any) -> list[str]:
    """Call an observer hook on every plugin by itself, so that an error in one stops no other.

    Returns one sentence for each observer that failed, and warns with it.
    """
    problems = []
    caller = getattr(manager.hook, hook)
    plugins = manager.get_plugins()
    for implementation in reversed(caller.get_hookimpls()):
        others = [other for other in plugins if other is not implementation.plugin]
        try:
            manager.subset_hook_caller(hook, others)(**arguments)
        except Exception as error:
            problem = f"observer {implementation.plugin_name!r} failed in {hook}: {type(error).__name__}: {error}"
            problems.append(problem)
            warnings.warn(problem, stacklevel=2)
    return problems
