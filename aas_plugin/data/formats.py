"""Which files are photos: those that Pillow can open here, HEIC with the package pillow-heif."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import PurePath

from PIL import Image

_NO_PHOTOS = frozenset({"EPS", "WMF", "MPEG", "HDF5", "GRIB", "BUFR", "ICO", "CUR", "ICNS", "FLI", "XVTHUMB"})
"""Formats of Pillow that are drawings, icons, films or tables, or that it hands to another program."""

HEIC = frozenset({".heic", ".heif", ".hif"})
RAW = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".iiq", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf"}
    | {".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"}
)
FILM = frozenset({".3gp", ".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".webm", ".wmv"})


@cache
def image_suffixes() -> frozenset[str]:
    """Suffixes of the photos that can be read here, such as ".jpg", in small letters."""
    try:
        from pillow_heif import register_heif_opener  # type: ignore[import-not-found, unused-ignore]

        register_heif_opener()
    except ImportError:
        pass
    known = Image.registered_extensions()
    return frozenset(suffix for suffix, kind in known.items() if kind in Image.OPEN and kind not in _NO_PHOTOS)


def is_image(name: str) -> bool:
    """Whether a file is a photo by its suffix."""
    return PurePath(name).suffix.lower() in image_suffixes()


def left_out(names: Iterable[str]) -> str:
    """Count files that are no photos by their suffix, most frequent first, and say what can be done.

    Returns:
        Such as "4 .heic (pip install 'aas-plugin[heic]' reads them), 1 .txt".
    """
    found = Counter(PurePath(name).suffix.lower() or "without a suffix" for name in names)
    return ", ".join(
        f"{count} {suffix}{_way_out(suffix)}"
        for suffix, count in sorted(found.items(), key=lambda item: (-item[1], item[0]))
    )


def _way_out(suffix: str) -> str:
    if suffix in HEIC:
        return " (pip install 'aas-plugin[heic]' reads them)"
    if suffix in RAW:
        return " (export them as JPEG)"
    return " (take pictures out of films first)" if suffix in FILM else ""
