"""The data set of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from aas_plugin.data.archive import unpack
from aas_plugin.data.catalogue import Catalogue
from aas_plugin.data.splits import open_set_split
from aas_plugin.evaluation.protocol_file import read_protocol, with_split_of
from aas_plugin.plugins.manager import Plugins
from aas_plugin.settings.models import RunSettings


def load_data(plugins: Plugins, settings: RunSettings, data: Path | None = None) -> Catalogue:
    """Read the catalogue of the settings' data set, or that of the archive `data`, with a split in every row."""
    choice = settings.dataset
    if data is not None:
        catalogue = unpack(data)
    else:
        component = plugins.component("dataset", choice.name)
        progress = plugins.progress(f"making {choice.name}")
        catalogue = component.factory(component.options.model_validate(choice.options), progress)
    protocol = settings.evaluation.protocol
    if protocol is not None:
        return with_split_of(read_protocol(protocol), protocol, catalogue)
    if catalogue.table["split"].isna().all():
        split = open_set_split(catalogue, settings.seed, settings.evaluation.test_share)
        catalogue = replace(catalogue, table=catalogue.table.assign(split=pd.array(split, dtype="string")))
    return catalogue
