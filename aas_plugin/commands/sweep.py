"""`aas run --each`: a data set that is several, run one by one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import typer

from aas_plugin.commands.common import of_one_run
from aas_plugin.errors import AasError

if TYPE_CHECKING:
    from aas_plugin.plugins.manager import Plugins
    from aas_plugin.settings.models import RunSettings


def sweep(plugins: Plugins, settings: RunSettings, others: Mapping[str, object]) -> None:
    """Repeat this process's command without `--each` for every subset that is there, each in a process of its own.

    A data set is several when its options have `subset` and `members()`, such as those of `wildlife10k`. A run that
    fails stops no other. At the end failed and missing subsets are named.

    Args:
        plugins: who registered the data set.
        settings: of the command.
        others: values of the command's flags that do not go together with `--each`.

    Raises:
        AasError: one of those is given, the data set is not several, or none of it is there.
        typer.Exit: with status 1, at the end, when a run failed.
    """
    refused = [flag for flag, given in others.items() if given]
    if refused:
        raise AasError(f"--each runs several data sets and names the runs itself; leave out {', '.join(refused)}")
    choice = settings.dataset
    component = plugins.component("dataset", choice.name)
    options = component.options.model_validate(choice.options)
    members = getattr(options, "members", None)
    if members is None:
        raise AasError(f"--each: the data set {choice.name!r} has no subsets; leave --each out, or use wildlife10k")
    found = members()
    failed = []
    arguments = [argument for argument in sys.argv[1:] if argument != "--each"]
    for number, name in enumerate(found.present, start=1):
        typer.echo(f"{name} ({number} of {len(found.present)})")
        sys.stdout.flush()
        command = [sys.executable, "-m", "aas_plugin", *arguments, "--set", f"dataset.subset={name}"]
        if subprocess.run(command, env=of_one_run()).returncode != 0:
            failed.append(name)
    typer.echo(f"{len(found.present) - len(failed)} of {len(found.present)} subsets done")
    if found.missing:
        typer.echo(f"not in the folder: {', '.join(found.missing)}")
    if failed:
        typer.secho(f"failed: {', '.join(failed)}", fg="red", err=True)
        raise typer.Exit(1)
