"""`aas count`."""

from __future__ import annotations

from typing import Annotated

import typer


def count(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run of `aas label` under runs/, or its folder.")],
) -> None:
    """Say how many animals are on the photos of a labelling run, with an interval, and on what that rests."""
    from aas_plugin.commands.waiting import waiting_folder
    from aas_plugin.errors import AasError
    from aas_plugin.runs.folder import saved_settings
    from aas_plugin.runs.outlook import count_in_words, read_outlook
    from aas_plugin.settings.labelling import LABEL

    folder = waiting_folder(run)
    adapter = saved_settings(folder).get("adapter")
    outlook = read_outlook(folder)
    if not outlook:
        if isinstance(adapter, dict) and adapter.get("name") == LABEL:
            raise AasError(f"{folder} has no outlook.json; go on: aas label --resume --run-name {folder.name}")
        raise AasError(
            f"{folder} is no run of `aas label`, which draws the random checks that counting takes; begin one with its "
            f"answers: aas constraints export {folder.name} -o answers.csv, then aas label PHOTOS --set "
            "active.constraints=answers.csv"
        )
    for sentence in count_in_words(outlook):
        typer.echo(sentence)
