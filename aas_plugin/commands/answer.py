"""`aas answer`: the questions of a run that waits, one by one in a terminal."""

from __future__ import annotations

import getpass
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aas_plugin.commands.common import Modules, loaded

if TYPE_CHECKING:
    from aas_plugin.constraints.answers import Decision
    from aas_plugin.constraints.pending import Pending
    from aas_plugin.oracles.pending import Sitting

IMAGE = "question.jpg"
KEYS = "s same, d different, u cannot tell, Enter later, z take back, q quit"
DECISIONS: dict[str, Decision] = {"s": "same", "d": "different", "u": "cannot_tell"}


def answer(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run under runs/, its folder, or a folder with a pending.jsonl.")
    ],
    annotator: Annotated[str | None, typer.Option("--annotator", help="Who answers; without, the login name.")] = None,
    photos: Annotated[
        Path | None, typer.Option("--photos", metavar="FOLDER", help="Where the photos lie, if not where the run says.")
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the photos in a viewer.")] = False,
    plugin: Modules = None,
) -> None:
    """Answer the questions that a run waits for. Each answer is on the disk before the next question.

    Both photos are in one image, question.jpg in the run's folder, which is written anew for each question.
    """
    from aas_plugin.errors import AasError
    from aas_plugin.oracles.pending import Sitting
    from aas_plugin.runs.folder import find_run, lock

    folder = find_run(run)
    if not folder.is_dir():
        raise AasError(f"there is no run {run!r} ({folder} is no folder); give a run under runs/, or its folder")
    if not (folder / "pending.jsonl").exists():
        typer.echo(f"{folder} asks nothing: there is no pending.jsonl in it")
        return
    with lock(folder):
        sitting = Sitting(folder, photos or photos_of_run(folder, plugin), annotator or _login())
        try:
            _ask_all(sitting, folder / IMAGE, opens=not no_open)
        except typer.Abort:  # the end of the input, or Ctrl-C
            typer.echo()
    left = len(sitting.left())
    typer.echo(f"{len(sitting.answered)} answered, {left} left")
    if left:
        typer.echo(f"Answer the rest by: aas answer {shlex.quote(run)}")
    if (folder / "config.yaml").exists():
        loads = "".join(f" -p {shlex.quote(module)}" for module in plugin or [])
        typer.echo(f"Go on with the run by: aas run --resume{loads} --run-name {shlex.quote(folder.resolve().name)}")
    else:
        typer.echo("Go on by starting your script again.")


def _ask_all(sitting: Sitting, image: Path, opens: bool) -> None:
    """Ask until nothing is left, or the person has had enough."""
    typer.echo(KEYS)
    question = sitting.next()
    while question is not None:
        opens = _show(sitting, question, image, opens)
        key = typer.prompt("answer", default="", show_default=False).strip().lower()
        if key == "q":
            return
        again = _take(sitting, question, key)
        question = again or sitting.next()


def _take(sitting: Sitting, question: Pending, key: str) -> Pending | None:
    """Do what a key says; gives the question that is to be asked next, None for the next one in order."""
    from aas_plugin.constraints.closure import Contradiction

    if key == "":
        sitting.put_off(question)
        return None
    if key == "z":
        before = sitting.take_back()
        typer.echo("there is nothing to take back" if before is None else "taken back")
        return before or question
    if key not in DECISIONS:
        typer.echo(f"{key!r} is none of: {KEYS}")
        return question
    try:
        sitting.answer(question, DECISIONS[key])
    except Contradiction as error:
        typer.echo(f"{error}; it is not kept")
        if typer.confirm("answer anew?", default=True):
            return question
        sitting.put_off(question)
    return None


def _show(sitting: Sitting, question: Pending, image: Path, opens: bool) -> bool:
    """Show a question; gives whether a viewer is still to be opened."""
    from aas_plugin.data.images import UnreadableImageError
    from aas_plugin.files import write_atomically
    from aas_plugin.oracles.pending import side_by_side

    first, second = sitting.paths(question)
    typer.echo(f"\n{sitting.questions.index(question) + 1} of {len(sitting.questions)}")
    typer.echo(f"    {question.a}\n    {question.b}")
    try:
        pair = side_by_side(first, second)
    except UnreadableImageError as error:
        typer.echo(f"cannot be shown: {_or_elsewhere(error)}")
        image.unlink(missing_ok=True)
        return opens
    write_atomically(image, lambda file: pair.save(file, "JPEG", quality=92))
    typer.echo(f"both photos: {image}")
    # Without a display, the system's viewer may be a browser in this very terminal.
    seen = sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    if opens and seen:
        typer.launch(str(image.resolve()))
    return False


def photos_of_run(folder: Path, plugin: list[str] | None) -> Path:
    """The folder that the paths of a run's images are relative to; for other folders, the working folder."""
    from aas_plugin.runs.folder import saved_settings

    if not (folder / "config.yaml").exists() or "codebase" in saved_settings(folder):
        return Path()
    from aas_plugin.errors import AasError
    from aas_plugin.runs.data import read_data
    from aas_plugin.settings.resolving import resolve

    plugins = loaded(plugin)
    try:
        # Only what says where photos lie: the plugins of method and oracle may be elsewhere.
        return read_data(plugins, resolve(plugins, [{"dataset": saved_settings(folder)["dataset"]}])).catalogue.root
    except AasError as error:
        raise AasError(_or_elsewhere(error)) from error


def _or_elsewhere(error: Exception) -> str:
    return f"{str(error).removesuffix('.')}; or say where the photos lie by --photos FOLDER"


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without an entry for its user
        return "anonymous"
