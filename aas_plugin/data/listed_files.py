"""Files as tables name them: as they are, or as an operating system or a spreadsheet wrote them."""

from __future__ import annotations

import difflib
import os
import re
import unicodedata
import warnings
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import unquote

from aas_plugin.data.boxes import cut_fragment, split_box

_DRIVE = re.compile(r"^[A-Za-z]:[\\/]|^[\\/]{2}")
_LIKE = str.maketrans("\u2018\u2019\u201c\u201d\u2013\u2014\u2212\u00a0\u202f\u2026", "''\"\"---  .")
"""What spreadsheets put for quotes, hyphens, blanks and dots."""


def matched_files(root: Path, paths: Sequence[str]) -> list[str]:
    """Paths relative to the root, as the files there are written, where that is certain.

    A path that names no file is looked for by its spelling without case, accents' coding, backslashes, quotes, blanks
    around it and percent signs of a URL; one that is absolute, by its end, of which a file's whole path must be part.
    What fits no file, or several, stays as it is. A warning says how many were matched so.

    Args:
        root: folder of the files.
        paths: as they are written in a table.
    """
    found = list(paths)
    open_ones = [place for place, path in enumerate(paths) if not _is_there(root, path)]
    if not open_ones:
        return found
    index: dict[str, list[str]] = defaultdict(list)
    for file in sorted(find_files(root)):
        index[_folded(file.as_posix())].append(file.as_posix())
    taken: dict[str, set[str]] = defaultdict(set)
    fits: dict[int, tuple[str, str]] = {}
    for place in open_ones:
        path, box = cut_fragment(paths[place])
        fitting = _fitting(root, path, index)
        if len(fitting) == 1:
            fits[place] = fitting[0], box
            if _is_absolute(path.strip()):
                taken[fitting[0]].add(_folded(path.strip()))
    # Photos of two folders elsewhere that fit one file here are not both that file.
    how = [place for place, (file, _) in fits.items() if len(taken[file]) < 2]
    for place in how:
        found[place] = "".join(fits[place])
    if how:
        example = f"{paths[how[0]]!r} is {found[how[0]]!r}"
        warnings.warn(
            f"{len(how)} of {len(paths)} paths are written otherwise than the files in {root} ({example})", stacklevel=3
        )
    return found


def nearest_file(root: Path, path: str) -> str | None:
    """The file below the root whose path is most like a path that names none."""
    names = {_folded(file.as_posix()): file.as_posix() for file in find_files(root)}
    wanted = _folded(cut_fragment(path)[0])
    near = difflib.get_close_matches(wanted, names, n=5, cutoff=0.6) if len(names) <= 50_000 else []
    # A file in the same folder is not near, unless it is called alike.
    ends = wanted.rpartition("/")[2]
    alike = [one for one in near if difflib.SequenceMatcher(None, ends, one.rpartition("/")[2]).ratio() >= 0.75]
    return names[alike[0]] if alike else None


def _is_there(root: Path, path: str) -> bool:
    pure = PurePosixPath(path)
    if not path.strip() or pure.is_absolute() or ".." in pure.parts:
        return not path.strip()
    return _exists(root / path) or _exists(split_box(root / path)[0])


def _exists(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _fitting(root: Path, path: str, index: dict[str, list[str]]) -> list[str]:
    for text in (path, unquote(path)):
        text = text.strip().strip("\"'").strip()
        absolute = _is_absolute(text)
        if absolute and _exists(Path(text)) and root not in Path(text).resolve().parents:
            # Another file of that name is not meant.
            return []
        parts = _folded(text.removeprefix("file://")).split("/")
        parts = [part for part in parts if part not in ("", ".")]
        if ".." in parts:
            return []
        # Of an absolute path the longest end that is a file; else all of it, or what follows the root's own name.
        starts = range(len(parts)) if absolute else range(1)
        for start in starts:
            if fitting := index.get("/".join(parts[start:])):
                return fitting
        below = not absolute and len(parts) > 1 and parts[0] == _folded(root.name)
        if below and (fitting := index.get("/".join(parts[1:]))):
            return fitting
    return []


def _is_absolute(text: str) -> bool:
    return text.startswith(("/", "file:")) or bool(_DRIVE.match(text))


def _folded(path: str) -> str:
    """A path in one spelling of what systems write differently."""
    text = PureWindowsPath(path).as_posix() if "\\" in path else path
    text = unicodedata.normalize("NFC", text.translate(_LIKE))
    return "/".join(" ".join(part.split()) for part in text.split("/")).casefold()


def find_files(root: Path) -> list[Path]:
    """List visible files below root, relative to it; a link back to a folder already seen is not followed."""
    found: list[Path] = []
    seen: set[str] = set()
    for place, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(place, name).relative_to(root) for name in files if not name.startswith(".")]
    return found
