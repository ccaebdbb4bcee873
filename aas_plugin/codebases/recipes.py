"""Finding the recipe for a checkout, before anything of it is executed."""

from __future__ import annotations

from aas_plugin.codebases.recipe import Recipe, check_checkout
from aas_plugin.errors import AasError
from aas_plugin.plugins.manager import Plugins
from aas_plugin.settings.models import DrivenSettings


def recipe_of(plugins: Plugins, settings: DrivenSettings) -> Recipe:
    """The recipe that the settings name, once their checkout has its script.

    Raises `AasError` for a name without a recipe, a checkout of something else, and sparse distances where the script
    mixes its distances.
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
