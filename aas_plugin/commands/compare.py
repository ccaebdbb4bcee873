"""`aas compare`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aas_plugin.commands.common import (
    DeviceName,
    Modules,
    Params,
    PresetName,
    Sets,
    flag_layers,
    listed,
    loaded,
    of_one_run,
    params_layer,
    valid_name,
)

if TYPE_CHECKING:
    from aas_plugin.comparing.plan import Dataset, Planned, Way
    from aas_plugin.settings.models import RunSettings


def compare(
    adapters: Annotated[str | None, typer.Option("--adapters", help="Base methods, with commas.")] = None,
    samplers: Annotated[str | None, typer.Option("--samplers", help="By name, with commas.")] = None,
    refiners: Annotated[str | None, typer.Option("--refiners", help="By name, with commas.")] = None,
    datasets: Annotated[
        str | None, typer.Option("--datasets", help="By name, or folders of photos, or CSV files, with commas.")
    ] = None,
    seeds: Annotated[str | None, typer.Option("--seeds", help="Whole numbers, with commas.")] = None,
    name: Annotated[str, typer.Option("--name", help="What the names of the runs begin with.")] = "compare",
    preset: PresetName = None,
    data: Annotated[
        Path, typer.Option("--data", help="With --preset paper: where wildlife10k, market1501 and personx may lie.")
    ] = Path("data"),
    params: Params = None,
    sets: Sets = None,
    device: DeviceName = None,
    plugin: Modules = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The report, an HTML file.")] = Path("compare.html"),
) -> None:
    """Train every combination, and report on them; called again, it goes on where it was.

    Without lists: spcl with none, random and aas, on coats, seeds 0 to 2. With --preset paper, what is not given is as
    in the paper's Table 1, on those of its data sets that are there.
    """
    from aas_plugin.comparing import paper
    from aas_plugin.comparing.plan import plan, state_of, ways
    from aas_plugin.errors import AasError
    from aas_plugin.report.build import write_report
    from aas_plugin.runs.data import read_data
    from aas_plugin.runs.folder import runs_folder
    from aas_plugin.runs.results import hashes_of
    from aas_plugin.settings.resolving import resolve

    if output.suffix.lower() not in (".html", ".htm"):
        raise AasError(f"-o {output}: give the name of an HTML file, such as compare.html")
    valid_name(name, "--name")
    as_paper = preset == "paper"
    given = (adapters, samplers, refiners)
    chosen: list[Way]
    if as_paper and given == (None, None, None):
        chosen = list(paper.WAYS)
    else:
        chosen = ways(
            listed(adapters or "spcl", "--adapters", str),
            listed(samplers or "none,random,aas", "--samplers", str),
            listed(refiners or "np3", "--refiners", str),
        )
    sources = _datasets(datasets) if datasets else paper.datasets_there(data) if as_paper else _datasets("coats")
    numbers = listed(seeds, "--seeds", int) if seeds else list(paper.SEEDS if as_paper else paper.SEEDS[:3])
    plugins, runs = loaded(plugin), runs_folder()
    common = _common(preset, params, sets, device, plugin)
    planned = plan(name, sources, chosen, numbers)
    states = {}
    hashes: dict[tuple[str, ...], Mapping[str, str | None]] = {}

    def hashes_there(settings: RunSettings) -> Mapping[str, str | None]:
        key = (settings.dataset.model_dump_json(), settings.evaluation.model_dump_json())
        if key not in hashes:
            hashes[key] = hashes_of(settings, read_data(plugins, settings))
        return hashes[key]

    for run in planned:
        settings = resolve(plugins, [params_layer(params), *_layers(run, preset, sets, device)])
        states[run] = state_of(runs / run.name, settings, partial(hashes_there, settings))
    failed = []
    for number, run in enumerate(planned, start=1):
        if states[run] == "done":
            continue
        typer.echo(f"{number} of {len(planned)}: {run.words}")
        sys.stdout.flush()
        resume = ["--resume"] if states[run] == "begun" else []
        command = [sys.executable, "-m", "aas_plugin", "run", *common, *run.flags, "--run-name", run.name, *resume]
        if subprocess.run(command, env=of_one_run()).returncode != 0:
            failed.append(run.name)
    finished = [run for run in planned if (runs / run.name / "metrics.json").exists()]
    typer.echo(f"{len(finished)} of {len(planned)} runs done")
    if finished:
        write_report([str(runs / run.name) for run in finished], output)
        typer.echo(f"report: {output} and {output.with_suffix('.md')}")
    waiting = [run.name for run in planned if run not in finished and run.name not in failed]
    if waiting:
        typer.echo(f"waiting for answers (aas annotate NAME, then this command again): {', '.join(waiting)}")
    if failed:
        typer.secho(f"failed: {', '.join(failed)}; this command goes on with them", fg="red", err=True)
        raise typer.Exit(1)


def _datasets(text: str) -> list[Dataset]:
    """Data sets by name, folder or file."""
    from aas_plugin.comparing.plan import Dataset, named_apart

    places = listed(text, "--datasets", str)
    return [Dataset(name, ("--dataset", place)) for name, place in zip(named_apart(places), places, strict=True)]


def _common(
    preset: str | None, params: Path | None, sets: list[str] | None, device: str | None, plugin: list[str] | None
) -> list[str]:
    """Flags of `aas run` that all runs have."""
    single = (("--preset", preset), ("--params", params), ("--device", device))
    several = (("--set", sets), ("-p", plugin))
    flags = [word for flag, value in single if value is not None for word in (flag, str(value))]
    return flags + [word for flag, values in several for value in values or [] for word in (flag, value)]


def _layers(run: Planned, preset: str | None, sets: list[str] | None, device: str | None) -> list[dict[str, object]]:
    """The layers of settings that `aas run` makes of a run's flags and the common ones."""
    pairs = list(zip(run.flags[::2], run.flags[1::2], strict=True))
    one = dict(pair for pair in pairs if pair[0] != "--set")
    own = [value for flag, value in pairs if flag == "--set"]
    return flag_layers(
        one["--adapter"], one["--dataset"], one["--sampler"], device, [*(sets or []), *own], None, preset,
        one["--refiner"],
    )  # fmt: skip
