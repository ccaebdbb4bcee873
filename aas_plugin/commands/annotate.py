"""`aas annotate`: a page on which people answer the questions of a run, or of anything else that left some."""

from __future__ import annotations

import shlex
import time
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from aas_plugin.commands.common import Host, Modules, NoBrowser, Port, loads_of
from aas_plugin.commands.waiting import photos_of, waiting_folder

SECONDS = 0.5


def annotate(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run under runs/, its folder, or a folder with a pending.jsonl.")
    ],
    host: Host = "127.0.0.1",
    port: Port = None,
    no_browser: NoBrowser = False,
    photos: Annotated[
        Path | None, typer.Option("--photos", metavar="FOLDER", help="Where the photos lie, if not where the run says.")
    ] = None,
    blind: Annotated[
        bool | None, typer.Option("--blind/--no-blind", help="Say nothing of a pair before it is answered.")
    ] = None,
    audit: Annotated[
        float | None,
        typer.Option("--audit", min=0, max=1, help="Share of answered pairs that are looked at twice, such as 0.05."),
    ] = None,
    referee: Annotated[
        str | None, typer.Option("--referee", metavar="NAME", help="Who looks at pairs on which two people disagree.")
    ] = None,
    plugin: Modules = None,
) -> None:
    """Serve a page on which people answer the questions that a run waits for, until Ctrl-C.

    Each answer is on the disk before the page says so. What is not given here is as the run's settings say.
    """
    from pydantic import ValidationError

    from aas_plugin.annotator.opening import go_on_sentence, open_page, questions
    from aas_plugin.annotator.progress import run_status
    from aas_plugin.errors import AasError
    from aas_plugin.oracles.people import PeopleOptions
    from aas_plugin.settings.explain import explain

    folder = waiting_folder(run)
    if not any((folder / name).exists() for name in ("pending.jsonl", "answers.jsonl", "config.yaml")):
        raise AasError(f"{folder} asks nothing and has no answers; give a run, or a folder with a pending.jsonl")
    saved, seed = _of_run(folder)
    given = {"blind": blind, "audit": audit, "referee": referee}
    try:
        options = PeopleOptions(**{**saved, **{name: value for name, value in given.items() if value is not None}})
    except ValidationError as error:
        raise AasError(explain(error, PeopleOptions, where=lambda *_: f"the page of {folder}")) from None
    loads = loads_of(plugin)
    root = photos or photos_of(folder, plugin)
    go_on = go_on_sentence(folder, loads)
    queue, serving = open_page(folder, root, options, go_on=go_on, host=host, port=port, seed=seed)
    left = queue.left()
    typer.echo(f"{questions(left)} to answer on {serving.url}" if left else f"Nothing to ask now; {serving.url}")
    typer.echo("Ctrl-C ends the page; every answer is kept.")
    if not no_browser:
        webbrowser.open(serving.url)
    try:
        while True:
            time.sleep(SECONDS)
            if left and not queue.left():
                typer.echo(f"All questions are answered. {go_on}")
            left = queue.left()
    except KeyboardInterrupt:
        serving.stop()
        left = queue.left()
        if not left and run_status(folder) == "finished":
            go_on = "The run has finished."
        told = f"{questions(left)} left; answer them by: aas annotate {shlex.quote(run)}{loads}" if left else go_on
        typer.echo(f"\n{told}")


def _of_run(folder: Path) -> tuple[dict[str, object], int]:
    """Settings of the page, and the seed, as a run was begun with; its own for a run of another oracle."""
    from aas_plugin.runs.folder import saved_settings

    if not (folder / "config.yaml").exists():
        return {}, 0
    settings = saved_settings(folder)
    oracle = settings.get("oracle", {})
    of_people = isinstance(oracle, dict) and oracle.get("name") == "people"
    options = {name: value for name, value in oracle.items() if name != "name"} if of_people else {}
    return options, int(settings.get("seed", 0))
