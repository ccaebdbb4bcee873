"""`aas answer`: the questions of a run that waits, one by one in a terminal, where no browser is at hand."""

from __future__ import annotations

import getpass
import os
import shlex
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aas_plugin.commands.common import Modules, loads_of
from aas_plugin.commands.waiting import or_elsewhere, photos_of, waiting_folder

if TYPE_CHECKING:
    from aas_plugin.annotator.queue import QuestionQueue
    from aas_plugin.constraints.answers import Decision

IMAGE = "question.jpg"
TAB = "terminal"
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
    """Answer the questions that a run waits for in this terminal; `aas annotate` shows them on a page.

    Both photos are in one image, question.jpg in the run's folder, which is written anew for each question. Each
    answer is on the disk before the next question.
    """
    from aas_plugin.annotator.lock import annotator_lock
    from aas_plugin.annotator.opening import go_on_sentence
    from aas_plugin.annotator.queue import QuestionQueue

    folder = waiting_folder(run)
    if not (folder / "pending.jsonl").exists():
        typer.echo(f"{folder} asks nothing: there is no pending.jsonl in it")
        return
    root = photos or photos_of(folder, plugin)
    with annotator_lock(folder, f"aas answer {shlex.quote(run)}"):
        queue = QuestionQueue(folder, root=root)
        answers: list[str] = []
        try:
            _ask_all(queue, annotator or _login(), folder / IMAGE, answers, opens=not no_open)
        except typer.Abort:  # the end of the input, or Ctrl-C
            typer.echo()
    left = queue.left()
    typer.echo(f"{len(answers)} answered, {left} left")
    loads = loads_of(plugin)
    if left:
        typer.echo(f"Answer the rest by: aas answer {shlex.quote(run)}{loads}")
    typer.echo(go_on_sentence(folder, loads))


def _ask_all(queue: QuestionQueue, person: str, image: Path, answers: list[str], opens: bool) -> None:
    """Ask until nothing is left, all of it was put off, or the person has had enough; fills the ids of answers."""
    typer.echo(KEYS)
    total = queue.left()
    put_off: set[str] = set()
    again: dict[str, Any] | None = None
    while True:
        pair = again or next((one for one in queue.claim(person, TAB, [], 1)["pairs"]), None)
        if pair is None or (again is None and pair["pair"] in put_off):
            return
        again = None
        opens = _show(queue, pair, f"{total - queue.left() + 1 + len(put_off)} of {total}", image, opens)
        key = typer.prompt("answer", default="", show_default=False).strip().lower()
        if key == "q":
            return
        if key == "":
            queue.later(person, TAB, pair["pair"])
            put_off.add(pair["pair"])
        elif key == "z":
            again = _take_back(queue, person, answers) or pair
        elif key in DECISIONS:
            again = _keep(queue, person, pair, DECISIONS[key], answers)
        else:
            typer.echo(f"{key!r} is none of: {KEYS}")
            again = pair


def _take_back(queue: QuestionQueue, person: str, answers: list[str]) -> dict[str, Any] | None:
    """Take back the last answer of this sitting; gives its pair."""
    if not answers:
        typer.echo("there is nothing to take back")
        return None
    typer.echo("taken back")
    pair: dict[str, Any] | None = queue.undo(person, TAB, answers.pop())["pair"]
    return pair


def _keep(
    queue: QuestionQueue, person: str, pair: dict[str, Any], decision: Decision, answers: list[str]
) -> dict[str, Any] | None:
    """Keep an answer; gives the pair that is to be shown again, where it was refused."""
    from aas_plugin.annotator.refused import Refused
    from aas_plugin.constraints.consistency import VERBS as verbs

    name = uuid.uuid4().hex[:16]
    try:
        told = queue.answer(id=name, person=person, tab=TAB, pair=pair["pair"], decision=decision)
    except Refused as refused:
        typer.echo(str(refused))
        return None
    answers.append(name)
    against = told["contradiction"]
    if against is not None:
        said = ", ".join(
            f"{_file(queue, one['a'])} {verbs[one['decision']]} {_file(queue, one['b'])} ({one['person']})"
            for one in against["chain"]
        )
        typer.echo(
            f"{decision} contradicts earlier answers: {said}; it is kept without effect, z takes it back, and "
            "`aas annotate` shows all of them with their photos"
        )
    return None


def _show(queue: QuestionQueue, pair: dict[str, Any], place: str, image: Path, opens: bool) -> bool:
    """Show a question; gives whether a viewer is still to be opened."""
    from aas_plugin.annotator.side_by_side import side_by_side
    from aas_plugin.data.images import UnreadableImageError
    from aas_plugin.files import write_atomically

    first, second = (queue.id_path(pair[end])[0] for end in "ab")
    typer.echo(f"\n{place}")
    typer.echo(f"    {first}\n    {second}")
    try:
        picture = side_by_side(queue.root / first, queue.root / second)
    except UnreadableImageError as error:
        typer.echo(f"cannot be shown: {or_elsewhere(error)}")
        image.unlink(missing_ok=True)
        return opens
    write_atomically(image, lambda file: picture.save(file, "JPEG", quality=92))
    typer.echo(f"both photos: {image}")
    # Without a display, the system's viewer may be a browser in this very terminal.
    seen = sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    if opens and seen:
        typer.launch(str(image.resolve()))
    return False


def _file(queue: QuestionQueue, image: int) -> str:
    return queue.id_path(image)[0]


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without an entry for its user
        return "anonymous"
