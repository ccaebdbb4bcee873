"""`aas report`: one page about several runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    runs: Annotated[list[str], typer.Argument(metavar="RUNS", help="Run folders, or names under runs/.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="HTML file to write; the same as Markdown comes beside it.")
    ] = Path("report.html"),
) -> None:
    """Compare finished runs on one page: results, curves, a test between samplers, pairs that were asked."""
    from aas_plugin.report.build import write_report

    count, left_out = write_report(runs, output)
    typer.echo(f"{count} {'run' if count == 1 else 'runs'} in {output} and {output.with_suffix('.md')}")
    for run in left_out:
        typer.echo(f"left out: {run.name}: {run.reason}")
