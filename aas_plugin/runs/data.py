"""The data set of a run, and what is computed of its images once."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from aas_plugin.data.archive import unpack
from aas_plugin.data.catalogue import Catalogue, MissingFilesError, content_hashes, data_hash, some_of
from aas_plugin.data.images import ImageStore
from aas_plugin.data.splits import open_set_split
from aas_plugin.errors import AasError
from aas_plugin.evaluation.protocol_file import read_protocol, with_split_of
from aas_plugin.plugins.manager import Plugins
from aas_plugin.plugins.registry import Progress
from aas_plugin.settings.models import RunSettings


class RunData:
    """The images of a run. Their files are read when a hash is first asked for, and not again.

    Args:
        catalogue: the images, with a split in every row that is used.
        progress: called with (images hashed, all images) after each.
        left_out: why an image of the data set is not among them, by its path.

    Attributes:
        catalogue: the images.
        paths: of all catalogue rows.
        train: catalogue rows that are trained on, int64 (N,), ascending.
    """

    def __init__(
        self, catalogue: Catalogue, progress: Progress | None = None, left_out: Mapping[str, str] | None = None
    ) -> None:
        self.catalogue = catalogue
        self.left_out = dict(left_out or {})
        self.paths: list[str] = catalogue.table["path"].to_list()
        self.train = catalogue.rows_of("train")
        self._progress = progress

    @cached_property
    def hashes(self) -> list[str]:
        """Content hashes of all catalogue rows.

        Raises:
            AasError: a file cannot be opened.
        """
        return content_hashes(self.catalogue, self._progress)

    @cached_property
    def digest(self) -> str:
        """The hash of the whole data set."""
        return data_hash(self.catalogue, self.hashes)

    @property
    def identity(self) -> np.ndarray:
        """The individuals of all catalogue rows as strings, object (n,), None where unknown."""
        names = self.catalogue.table["identity"]
        return np.array([None if pd.isna(name) else str(name) for name in names], dtype=object)

    def check_enough(self) -> None:
        """Refuse data of which nothing can be compared.

        Raises:
            AasError: fewer than two images are trained on.
        """
        if len(self.train) < 2:
            raise AasError(
                f"{self.catalogue.name}: {len(self.train)} training images; at least 2 are needed to compare any"
            )


def read_data(plugins: Plugins, settings: RunSettings, data: Path | None = None) -> RunData:
    """Read the data set of the settings, or a packed one in its place, and split it where it is not split.

    Args:
        plugins: who registered the data set; their observers are told how far it is.
        settings: of the run.
        data: an archive of `aas data pack`.

    Raises:
        AasError: the data set cannot be read, none of its images can, or the settings' protocol is not one for it.
    """
    choice = settings.dataset
    if data is not None:
        catalogue = unpack(data)
    else:
        component = plugins.component("dataset", choice.name)
        progress = plugins.progress(f"making {choice.name}")
        try:
            catalogue = component.make(choice.options, progress)
        except MissingFilesError as error:
            if settings.unreadable == "stop":
                raise
            catalogue = error.catalogue
    left_out: dict[str, str] = {}
    if settings.unreadable == "leave_out":
        catalogue, left_out = _readable(catalogue, plugins.progress("checking images"))
    protocol = settings.evaluation.protocol
    if protocol is not None:
        catalogue = with_split_of(read_protocol(protocol), protocol, catalogue)
    elif catalogue.table["split"].isna().all() or settings.evaluation.test_share == 0:
        split = open_set_split(catalogue, settings.evaluation.seed, settings.evaluation.test_share)
        catalogue = replace(catalogue, table=catalogue.table.assign(split=pd.array(split, dtype="string")))
    return RunData(catalogue, plugins.progress("hashing images"), left_out)


def _readable(catalogue: Catalogue, progress: Progress | None) -> tuple[Catalogue, dict[str, str]]:
    """A data set without the images that cannot be read, and why not, by path; a warning where there are any."""
    paths = catalogue.table["path"].to_list()
    # Only whether they can be read is asked here.
    found = ImageStore(catalogue.root, paths, 1, 1).unreadable(progress)
    if len(found) == len(paths):
        raise AasError(f"none of the {len(paths)} images in {catalogue.root} can be read; see `aas data show`")
    if not found:
        return catalogue, {}
    left_out = {paths[row]: reason for row, reason in found.items()}
    warnings.warn(
        f"{len(left_out)} of {len(paths)} images cannot be read and are left out: {some_of(left_out)}", stacklevel=3
    )
    kept = catalogue.table.drop(index=list(found)).reset_index(drop=True)
    return replace(catalogue, table=kept), left_out
