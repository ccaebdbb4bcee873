"""Which source reads what lies at a path."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from aas_plugin.data.camtrap_dp import DESCRIPTOR, is_package
from aas_plugin.data.camtrap_source import CamtrapOptions, camtrap_dp
from aas_plugin.data.catalogue import Catalogue
from aas_plugin.data.coco_cameras import CocoOptions, coco_cameras, is_coco
from aas_plugin.data.detections import is_found
from aas_plugin.data.json_file import found_instead, read_json
from aas_plugin.data.megadetector import MegaDetectorOptions, megadetector
from aas_plugin.data.sources import CsvOptions, FolderOptions, SourceOptions, csv, folder
from aas_plugin.data.tables import read_rows
from aas_plugin.data.timelapse import TimelapseOptions, is_timelapse, timelapse
from aas_plugin.errors import AasError


class PathSource(NamedTuple):
    """A source of photos at a path: its options, and what reads them."""

    options: type[SourceOptions]
    read: Callable[..., Catalogue]


SOURCES: dict[str, PathSource] = {
    "folder": PathSource(FolderOptions, folder),
    "csv": PathSource(CsvOptions, csv),
    "camtrap-dp": PathSource(CamtrapOptions, camtrap_dp),
    "megadetector": PathSource(MegaDetectorOptions, megadetector),
    "coco-cameras": PathSource(CocoOptions, coco_cameras),
    "timelapse": PathSource(TimelapseOptions, timelapse),
}
"""All of them, by name."""


def source_of(path: Path) -> str:
    """The name of the source that reads a folder or file, by what is in it.

    Raises:
        AasError: it is a JSON file of none of them, or one that cannot be read.
    """
    if path.is_dir():
        return "camtrap-dp" if is_package(path) else "folder"
    # Of a packed package it is said how it is read.
    if path.name == DESCRIPTOR or path.suffix.lower() == ".zip":
        return "camtrap-dp"
    if path.suffix.lower() == ".json":
        return _of_json(path, read_json(path))
    return "timelapse" if _has_timelapse(path) else "csv"


def _of_json(path: Path, content: Any) -> str:
    if is_coco(content):
        return "coco-cameras"
    if is_found(content):
        return "megadetector"
    raise AasError(
        f"{path} lists no photos that are understood: looked for were MegaDetector's 'images' with 'file' and "
        "'detections', a list of detections with 'file' and a box, and COCO's 'images' with 'file_name' and "
        f"'annotations', found was {found_instead(content)}; give one of these, or a CSV file"
    )


def _has_timelapse(path: Path) -> bool:
    try:
        with warnings.catch_warnings():
            # The source itself tells how its table is written.
            warnings.simplefilter("ignore")
            return is_timelapse(read_rows(path)[0])
    except AasError:
        # The source itself says what is wrong.
        return False
