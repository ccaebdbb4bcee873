"""Finding the photos of a run again, and making them small."""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from aas_plugin.report.read import FinishedRun

SIDE = 256
PACKED = "data"
DEEP = 6


class Photos:
    """The photos of one run, looked for where its settings say, from here and from where its runs lie.

    A photo counts as found if its content is what was asked about.
    """

    def __init__(self, run: FinishedRun) -> None:
        self._run = run
        self._root: Path | None = None
        self._roots: list[Path] | None = None

    def thumbnail(self, path: str, content: str) -> bytes | None:
        """A JPEG of at most `SIDE` pixels, or None if the photo is gone, changed or unreadable.

        `path` is relative to the catalogue, `content` its hash there, "" if unknown.
        """
        found = self.path(path, content)
        return None if found is None else _small(found)

    def path(self, path: str, content: str) -> Path | None:
        """The file of a photo, or None if it is gone or changed; see `thumbnail`."""
        if self._root is None:
            # The first photo that is asked for may be gone.
            self._roots = list(dict.fromkeys(_roots(self._run))) if self._roots is None else self._roots
            self._root = next((root for root in self._roots if _is(root / path, content)), None)
        if self._root is None or not _is(self._root / path, content):
            return None
        return self._root / path


def _is(path: Path, content: str) -> bool:
    from aas_plugin.data.catalogue import content_hash

    try:
        return content_hash(path) == content or not content
    except OSError:
        return False


def _roots(run: FinishedRun) -> Iterator[Path]:
    """Folders to look in, the likeliest first: what the settings name, and below it."""
    bases = [Path.cwd(), run.folder.resolve().parent.parent]
    if run.driven:
        bases.append(Path(run.settings["codebase"]["path"]))
        places = [str(value) for key, value in run.flags.items() if "data" in key and isinstance(value, str)]
    else:
        places = [str(place) for key in ("root", "path") if (place := run.settings["dataset"].get(key))]
        # Images of a packed data set lie beside its archive.
        places.append(PACKED)
    for base in dict.fromkeys(bases):
        for place in places:
            start = base / Path(place).expanduser()
            start = start.parent if start.is_file() else start
            deepest = len(start.parts) + (DEEP if run.driven else 2)
            for folder, inside, _ in os.walk(start):
                inside[:] = sorted(inside) if len(Path(folder).parts) < deepest else []
                yield Path(folder)


def _small(path: Path) -> bytes | None:
    from PIL import Image

    from aas_plugin.data.images import UnreadableImageError, open_upright

    try:
        photo = open_upright(path)
    except UnreadableImageError:
        return None
    shrink = min(1.0, SIDE / max(photo.size))
    size = max(1, round(photo.width * shrink)), max(1, round(photo.height * shrink))
    photo = photo.resize(size, Image.Resampling.BICUBIC)
    written = BytesIO()
    photo.save(written, "JPEG", quality=82)
    return written.getvalue()
