"""The catalogue of a run, read again by whoever comes later."""

from __future__ import annotations

from pathlib import Path

from aas_plugin.data.catalogue import Catalogue, MissingFilesError
from aas_plugin.errors import AasError
from aas_plugin.plugins.manager import Plugins
from aas_plugin.runs.data import read_data
from aas_plugin.runs.folder import saved_settings
from aas_plugin.settings.resolving import resolve


def catalogue_of(folder: Path, plugins: Plugins) -> Catalogue:
    """All photos of a run's data set, also those that are gone, and what the data set says of them.

    Args:
        folder: of the run.
        plugins: who registered the data set.

    Raises:
        AasError: the run has no data set of its own, or it cannot be read any more.
    """
    choice = saved_settings(folder).get("dataset")
    if choice is None:
        raise AasError(f"{folder} is a run of an official script, which reads the data set by itself")
    # Only what says where photos lie: the plugins of method and oracle may be elsewhere.
    try:
        return read_data(plugins, resolve(plugins, [{"dataset": choice}])).catalogue
    except MissingFilesError as error:
        return error.catalogue
