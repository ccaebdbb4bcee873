"""Finding the row for a checkout, before anything of it is executed."""

from __future__ import annotations

from aas_plugin.codebases.row import Codebase, check_checkout
from aas_plugin.config import DrivenSettings
from aas_plugin.errors import AasError
from aas_plugin.plugins import Plugins


def row_of(plugins: Plugins, settings: DrivenSettings) -> Codebase:
    """The row that the settings name, once their checkout has its script.

    Raises `AasError` for a name without a row, a checkout of something else, and sparse distances where the script
    mixes its distances.
    """
    name = settings.adapter.name
    row: Codebase = plugins.offer("codebase", name).factory()
    others = {other: plugins.offer("codebase", other).factory() for other in plugins.registry.names("codebase")}
    check_checkout(name, row, settings.codebase.path, others)
    if settings.codebase.fast_jaccard and row.distances > 1:
        raise AasError(
            f"--fast-jaccard: {row.title} mixes {row.distances} distances before it clusters, so it needs them dense; "
            "leave the flag out"
        )
    return row
