"""The list of images that a folder of answers is about, as it was when it was last used."""

from __future__ import annotations

import json
from pathlib import Path

from aas_plugin.constraints.matching_images import Images
from aas_plugin.errors import AasError
from aas_plugin.files import write_atomically

FILE = "images.json"


def keep_images(folder: Path, images: Images) -> None:
    """Write a list down, where it is not the one that is there."""
    n = len(images)
    hashes = images.hashes[:n] if any(images.hashes[:n]) else None
    elsewhere = dict(zip(images.paths[n:], images.hashes[n:], strict=True))
    # ASCII, as a path may hold what is no Unicode.
    text = json.dumps({"paths": images.paths[:n], "hashes": hashes, "elsewhere": elsewhere}).encode()
    path = folder / FILE
    if not path.exists() or path.read_bytes() != text:
        write_atomically(path, lambda file: file.write(text))


def listed_images(folder: Path) -> Images | None:
    """The list of a folder; None where there is none.

    Raises:
        AasError: it cannot be read.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_bytes())
        return Images(found["paths"], found["hashes"], found["elsewhere"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise AasError(
            f"{path} cannot be read ({error!r}); remove it, and go on with the run, which writes it anew"
        ) from error
