"""What a folder of answers was begun with, so that going on and beginning anew are never confused."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from aas_plugin.constraints.listed import FILE as IMAGES
from aas_plugin.constraints.listed import keep_images, listed_images
from aas_plugin.constraints.located import one_to_one
from aas_plugin.constraints.matching_images import Images
from aas_plugin.constraints.pending import FILE as PENDING
from aas_plugin.errors import AasError
from aas_plugin.files import disk_errors, json_if_readable, write_json

FILE = "begun.json"
EARLIER = "earlier"


def fingerprint(paths: Iterable[str], settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """What decides which questions are asked.

    Args:
        paths: the images, in any order.
        settings: when and how much is asked.
        seed: of the draw of questions.

    Returns:
        A mapping that can be written as JSON: a hash of the images, their number, the settings and the seed.
    """
    names = sorted(paths)
    digest = hashlib.sha256("\0".join(names).encode(errors="surrogatepass")).hexdigest()[:16]
    return {"images": f"{len(names)} images ({digest})", **settings, "seed": seed}


def proposals(folder: Path) -> dict[int, Path]:
    """The tables of questions in a folder, by their cycle."""
    return of_cycles(folder, "proposal.parquet")


def of_cycles(folder: Path, name: str) -> dict[int, Path]:
    """The files of a name in the folders of cycles, by their cycle, in its order."""
    found = {int(path.parent.name): path for path in (folder / "cycles").glob(f"[0-9]*/{name}")}
    return dict(sorted(found.items()))


def proposal_path(folder: Path, cycle: int) -> Path:
    """Where the questions of a cycle lie."""
    return folder / "cycles" / f"{cycle:02d}" / "proposal.parquet"


def enter(folder: Path, given: dict[str, Any], resume: bool | None, images: Images) -> None:
    """Refuse a folder in which other questions were asked, or begin anew in it if told to.

    The same images that lie elsewhere are the same: each of them is found in the list that the folder keeps, as images
    of answers are.

    Args:
        folder: where answers and proposals lie, or will lie.
        given: see `fingerprint`.
        resume: True to go on, False to begin anew, None to go on only where the fingerprint is the same.
        images: the list.

    Raises:
        AasError: the folder was begun with something else.
    """
    state = folder / FILE
    if resume is False:
        _set_aside(folder)
    elif proposals(folder):
        saved = json_if_readable(state) or None
        if saved is None and not resume:
            raise AasError(f"{folder} holds questions, and nothing says of which images and settings; {_ways(True)}")
        before = given if saved is None else saved
        # A setting that came later says nothing of an older folder.
        changed = [key for key in given if key in before and before[key] != given[key]]
        if "images" in changed and _moved(folder, images):
            changed.remove("images")
        if changed:
            told = "; ".join(f"{key}: {before[key]!r} -> {given[key]!r}" for key in changed)
            raise AasError(f"{folder} was begun with something else ({told}); {_ways(False)}")
        if saved is not None:
            given = {**saved, "images": given["images"]}
    keep_images(folder, images)
    if given != json_if_readable(state):
        write_json(state, given)


def nothing_left(folder: Path) -> AasError:
    """The error for a folder in which all questions were asked: going on would ask nothing, without a word."""
    return AasError(f"all questions of {folder} were asked and answered, so nothing more is asked; {_ways(True)}")


def _moved(folder: Path, images: Images) -> bool:
    """Whether a list is the one that the folder keeps, under other paths."""
    before = listed_images(folder)
    if before is None:
        return False
    n = len(before)
    return one_to_one(list(zip(before.paths[:n], before.hashes[:n], strict=True)), images)


def _ways(can_go_on: bool) -> str:
    go_on = "give resume=True to go on with its answers, " if can_go_on else "give "
    return f"{go_on}resume=False to begin anew and keep the answers, or another folder"


def _set_aside(folder: Path) -> None:
    """Move the questions of an earlier training out of the way; its answers stay in force."""
    found = proposals(folder)
    left = [folder / name for name in (PENDING, FILE, IMAGES) if (folder / name).exists()]
    if not found:
        return
    number = 1
    while (folder / EARLIER / f"{number:02d}").exists():
        number += 1
    place = folder / EARLIER / f"{number:02d}"
    for path in [*found.values(), *left]:
        target = place / path.relative_to(folder)
        with disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
