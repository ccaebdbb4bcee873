"""Finding the recipe for a checkout, before anything of it is executed."""

from __future__ import annotations

from aas_plugin.codebases.recipe import Recipe, check_checkout
from aas_plugin.errors import AasError
from aas_plugin.plugins.manager import Plugins
from aas_plugin.settings.models import DrivenSettings


def recipe_of(plugins: Plugins, settings: DrivenSettings) -> Recipe:
    """Find the recipe that the settings name, once their checkout has its script.

    Args:
        plugins: all that are loaded.
        settings: name the adapter and the checkout.

    Returns:
        The recipe.

    Raises:
        AasError: there is no recipe of that name, the checkout is one of something else, or sparse distances are asked
            for where the script mixes its distances.
    """
    name = settings.adapter.name
    recipe: Recipe = plugins.component("codebase", name).factory()
    others = {other: plugins.component("codebase", other).factory() for other in plugins.registry.names("codebase")}
    check_checkout(name, recipe, settings.codebase.path, others)
    if settings.codebase.fast_jaccard and recipe.distances > 1:
        raise AasError(
            f"--fast-jaccard: {recipe.title} mixes {recipe.distances} distances before it clusters, so it needs them "
            "dense; leave the flag out"
        )
    return recipe
