"""Putting a file or folder in its place whole, and never over another one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from aas_plugin.errors import AasError
from aas_plugin.files import disk_errors, make_folder, sync_folder


def refuse_taken(targets: Sequence[Path], force: bool) -> None:
    """Refuse to write where something is.

    Args:
        targets: files and folders that are to be written.
        force: whether what is there will be put aside.

    Raises:
        AasError: one is there, or one is asked for twice.
    """
    there = [target for target in targets if os.path.lexists(target)]
    if there and not force:
        raise AasError(
            f"{there[0]} is there already; choose another place, or put it aside by --force, which keeps it beside "
            "the new one"
        )
    twice = [one for place, one in enumerate(targets) if os.path.abspath(one) in map(os.path.abspath, targets[:place])]
    if twice:
        raise AasError(f"{twice[0]} is asked for twice; give each a place of its own")


@contextmanager
def placed(target: Path, force: bool = False) -> Iterator[Path]:
    """Write a file or folder, which comes to its place when the block ends, or else leaves nothing.

    What the block writes beside the path that it is given comes to lie beside the target.

    Args:
        target: the file or folder to write.
        force: whether what is there is put aside, under a name with `.before` in it.

    Yields:
        Where to write it: of the target's name, in a hidden folder beside it.

    Raises:
        AasError: something is there, or the disk takes nothing.
    """
    refuse_taken([target], force)
    make_folder(target.absolute().parent)
    with disk_errors(target):
        held = Path(tempfile.mkdtemp(prefix=f".{target.name[:40]}.", suffix=".partial", dir=target.absolute().parent))
    try:
        with disk_errors(target):
            yield held / target.name
            made = {one: target.absolute().parent / one.name for one in sorted(held.iterdir())}
            refuse_taken(list(made.values()), force)
            for one, place in made.items():
                if os.path.lexists(place):
                    place.rename(aside(place))
                one.rename(place)
            sync_folder(target.absolute().parent)
    finally:
        with suppress(OSError):
            shutil.rmtree(held)


def aside(place: Path) -> Path:
    """A free name beside a file or folder for what was there before."""
    number = 1
    while True:
        more = "" if number == 1 else f"-{number}"
        found = place.with_name(f"{place.stem}.before{more}{place.suffix}")
        if not os.path.lexists(found):
            return found
        number += 1


def put_photo(source: Path, place: Path, copy: bool) -> None:
    """Link a photo, or copy it with its times.

    Raises:
        AasError: the photo is not there, or links cannot be made here.
    """
    if not source.is_file():
        raise AasError(f"the photo {source} is not there; restore it, or say where the photos lie by --photos FOLDER")
    place.parent.mkdir(parents=True, exist_ok=True)
    if copy:
        shutil.copy2(source, place)
        return
    try:
        place.symlink_to(source.resolve())
    except (OSError, NotImplementedError) as error:
        raise AasError(f"{place.parent} takes no links ({error}); copy the photos by --copy") from error
