"""Opening the page for a folder: its queue, its photos and its server."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from aas_plugin.annotator.queue import QuestionQueue
from aas_plugin.data.boxes import split_box
from aas_plugin.errors import AasError
from aas_plugin.oracles.people import PeopleOptions
from aas_plugin.runs.facts import read_facts
from aas_plugin.runs.folder import saved_settings
from aas_plugin.runs.status import ORIGIN
from aas_plugin.settings.labelling import LABEL

if TYPE_CHECKING:
    from aas_plugin.annotator.serving import Serving


def open_page(
    folder: Path,
    root: Path,
    options: PeopleOptions,
    *,
    go_on: str | None,
    host: str,
    port: int | None,
    seed: int = 0,
    finish: bool = False,
) -> tuple[QuestionQueue, Serving]:
    """Serve the page of a folder.

    Args:
        folder: of a run or of an `ActiveLearner`.
        root: folder that the paths of images are relative to.
        options: of the page.
        go_on: what to do when all is answered, a sentence; None where it goes on by itself.
        host: address to listen at.
        port: to listen at; None for 8765, or the next one that is free.
        seed: of the draw of pairs that are looked at twice.
        finish: whether people may end the run on the page.

    Raises:
        AasError: questions or answers cannot be read, none of the photos is there, or the server cannot begin.
    """
    from aas_plugin.annotator.photos import Photos
    from aas_plugin.annotator.serving import serve

    queue = QuestionQueue(
        folder,
        root=root,
        blind=options.blind,
        audit=options.audit,
        referee=options.referee,
        seed=seed,
        go_on=go_on,
        finish=finish,
    )
    _refuse_elsewhere(queue, root)
    return queue, serve(queue, Photos(queue, root, read_facts(folder)), host=host, port=port)


def kept_root(folder: Path) -> Path | None:
    """The folder of a run's photos as the run wrote it down; None where it did not, or where that is gone."""
    from aas_plugin.files import json_if_readable

    data = json_if_readable(folder / ORIGIN).get("data")
    kept = Path(str(data["root"])) if isinstance(data, dict) and "root" in data else None
    return kept if kept is not None and kept.is_dir() else None


def go_on_sentence(folder: Path, loads: str = "") -> str:
    """What to do when all questions of a folder are answered."""
    if not (folder / "config.yaml").exists():
        return "Go on by starting your script again."
    adapter = saved_settings(folder).get("adapter")
    command = "label" if isinstance(adapter, dict) and adapter.get("name") == LABEL else "run"
    return f"Go on with the run by: aas {command} --resume{loads} --run-name {shlex.quote(folder.resolve().name)}"


def questions(count: int) -> str:
    """A number of questions in words."""
    return f"{count} question{'' if count == 1 else 's'}"


def _refuse_elsewhere(queue: QuestionQueue, root: Path) -> None:
    """Refuse a folder in which not one of the photos that are asked about lies."""
    asked = queue.asked_paths()
    if asked and not any(split_box(root / path)[0].is_file() for path in asked):
        raise AasError(
            f"none of the {len(asked)} photos that are asked about is in {root.resolve()} (such as {asked[0]!r}); say "
            "where they lie by --photos FOLDER"
        )
