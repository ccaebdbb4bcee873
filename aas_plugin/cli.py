"""The command line: one command a file in `commands`, quick to start."""

from __future__ import annotations

import errno
import sys

import typer

from aas_plugin.commands.annotate import annotate
from aas_plugin.commands.answer import answer
from aas_plugin.commands.check import check
from aas_plugin.commands.common import show_warnings
from aas_plugin.commands.compare import compare
from aas_plugin.commands.constraints import constraints_app
from aas_plugin.commands.count import count
from aas_plugin.commands.drive import drive
from aas_plugin.commands.embed import embed
from aas_plugin.commands.evaluate import evaluate
from aas_plugin.commands.export import export
from aas_plugin.commands.label import label
from aas_plugin.commands.log import log
from aas_plugin.commands.match import match
from aas_plugin.commands.pack import pack
from aas_plugin.commands.plugins import list_plugins
from aas_plugin.commands.report import report
from aas_plugin.commands.run import run
from aas_plugin.commands.show import show
from aas_plugin.commands.simulate import simulate
from aas_plugin.commands.split import split

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    # Errors with a way out are one sentence; the rest are read by developers, who want a plain traceback.
    pretty_exceptions_enable=False,
    help="Active learning for unsupervised animal re-identification: ask little, repair pseudo-labels, train.",
)
data_app = typer.Typer(no_args_is_help=True, help="Look at data sets, pack and split them.")

app.command()(label)
app.command(context_settings={"allow_extra_args": True})(run)
app.command(context_settings={"allow_extra_args": True})(drive)
app.command()(simulate)
app.command()(compare)
app.command()(annotate)
app.command()(answer)
app.command()(evaluate)
app.command()(report)
app.command()(export)
app.command()(count)
app.command()(log)
app.command()(embed)
app.command()(match)
app.command("plugins")(list_plugins)
app.add_typer(data_app, name="data")
app.add_typer(constraints_app, name="constraints")
data_app.command("show")(show)
data_app.command("check")(check)
data_app.command("pack")(pack)
data_app.command("split")(split)


def main() -> None:
    """Run the command line; what a user can mend is one sentence and exit status 2."""
    from aas_plugin.errors import AasError
    from aas_plugin.files import BROKEN, disk_trouble

    show_warnings()
    try:
        app()
    except AasError as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        sys.exit(2)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            told = f"{str(error.filename)[:60]}... is too long for the name of a file; shorten it"
        elif error.errno in BROKEN:
            told = disk_trouble(error)
        else:
            raise
        typer.secho(f"error: {told}", fg="red", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.secho("interrupted", fg="yellow", err=True)
        sys.exit(130)
