"""The command line: thin commands over the package, quick to start."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from aas_plugin.config import RunSettings
    from aas_plugin.plugins import Plugins

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    # Errors with a way out are one sentence; the rest are read by developers, who want a plain traceback.
    pretty_exceptions_enable=False,
    help="Active learning for unsupervised animal re-identification: ask little, repair pseudo-labels, train.",
)
data_app = typer.Typer(no_args_is_help=True, help="Look at data sets.")
app.add_typer(data_app, name="data")

RUNS = Path("runs")

Modules = Annotated[list[str] | None, typer.Option("--plugin", "-p", help="Load a plugin module by dotted name.")]
Params = Annotated[
    Path | None,
    typer.Option("--params", help="YAML file of settings; params.yaml is read where there is one."),
]
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting, e.g. seed=1.")]
AdapterName = Annotated[str | None, typer.Option("--adapter", help="Base method.")]
DatasetName = Annotated[
    str | None, typer.Option("--dataset", help="Data set by name, or a folder of photos, or a CSV file.")
]
DeviceName = Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]


@app.command(context_settings={"allow_extra_args": True})
def run(
    context: typer.Context,
    adapter: AdapterName = None,
    dataset: DatasetName = None,
    sampler: Annotated[str | None, typer.Option("--sampler", help="Which pairs to ask about.")] = None,
    params: Params = None,
    sets: Sets = None,
    run_name: Annotated[str | None, typer.Option("--run-name", help="Folder under runs/.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run: --run-name, or the last one.")] = False,
    device: DeviceName = None,
    plugin: Modules = None,
    codebase: Annotated[
        Path | None, typer.Option("--codebase", help="Checkout whose own script trains; its flags follow after --.")
    ] = None,
    fast_jaccard: Annotated[
        bool, typer.Option("--fast-jaccard", help="With --codebase: sparse distances, same labels.")
    ] = False,
) -> None:
    """Train a base method, asking about the pairs worth asking, and log every cycle."""
    from rich.console import Console

    # The script of a checkout puts something of its own in the place of stdout.
    console = Console(highlight=False, file=sys.stdout)
    _show_warnings(console)
    with console.status("loading"):
        import torch  # noqa: F401 - here, where it is seen that something happens

        from aas_plugin.config import DrivenSettings, resolve, resolve_driven
        from aas_plugin.engine import Engine
        from aas_plugin.prepare import default_name, lock, prepare, saved_settings
        from aas_plugin.tracking.mlflow_observer import MlflowObserver
        from aas_plugin.tracking.terminal import Terminal

    plugins = _plugins(plugin)
    flags = _flags(adapter, dataset, sampler, device, sets)
    folder = _run_folder(run_name) if resume else None
    saved = saved_settings(folder) if folder is not None else {}
    explicit = [_read(params)] if params is not None else []
    layers = [saved, *explicit, *flags] if resume else [_params(params), *flags]
    driven = codebase is not None or "codebase" in saved
    settings: RunSettings | DrivenSettings
    if driven:
        given = {"path": str(codebase.resolve()), "fast_jaccard": fast_jaccard} if codebase is not None else {}
        own = {"arguments": context.args} if context.args else {}
        settings = resolve_driven(plugins, [*layers, {"codebase": {**given, **own}}])
    else:
        _refuse(context.args, fast_jaccard)
        settings = resolve(plugins, layers)
    folder = folder or RUNS / _valid_name(run_name or default_name(settings, RUNS))
    observer = MlflowObserver(Path.cwd(), _git_commit()) if settings.tracking.mlflow else None
    ui = f"mlflow ui --backend-store-uri {observer.uri}" if observer is not None else None
    plugins.load("terminal", Terminal(console, ui), "built in")
    if observer is not None:
        plugins.load("mlflow", observer, "built in")
    if isinstance(settings, DrivenSettings):
        from aas_plugin.codebases.driver import Driver
        from aas_plugin.codebases.rows import row_of

        driver = Driver(plugins, settings, row_of(plugins, settings), folder, resume)
        with lock(folder):
            driver.execute()
    else:
        with lock(folder):
            Engine(prepare(plugins, settings, folder, resume)).execute()


@app.command()
def evaluate(
    run_name: Annotated[str | None, typer.Argument(help="A run under runs/; without, the untrained backbone.")] = None,
    adapter: AdapterName = None,
    dataset: DatasetName = None,
    params: Params = None,
    sets: Sets = None,
    device: DeviceName = None,
    plugin: Modules = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Evaluate the last checkpoint of a run, or the untrained backbone, by the open-set protocol."""
    import tempfile

    from rich.console import Console

    console = Console(highlight=False, stderr=as_json)
    _show_warnings(console)
    with console.status("loading"):
        import torch  # noqa: F401 - here, where it is seen that something happens

        from aas_plugin.checkpoint import load_checkpoint
        from aas_plugin.config import resolve
        from aas_plugin.errors import AasError
        from aas_plugin.evaluation.protocol import choose_protocol
        from aas_plugin.evaluation.protocol import evaluate as measure
        from aas_plugin.prepare import prepare, saved_settings
        from aas_plugin.tracking.terminal import Terminal

    plugins = _plugins(plugin)
    terminal = Terminal(console)
    plugins.load("terminal", terminal, "built in")
    flags = _flags(adapter, dataset, None, device, sets)
    with tempfile.TemporaryDirectory() as scratch:
        if run_name is None:
            ready = prepare(plugins, resolve(plugins, [_params(params), *flags]), Path(scratch) / "untrained")
        else:
            saved = RUNS / run_name
            folder = Path(scratch) / saved.name
            layers = [saved_settings(saved), *([_read(params)] if params is not None else []), *flags]
            ready = prepare(plugins, resolve(plugins, layers), folder)
            if not any(flags) and params is None and (saved / "protocol.json").exists():
                shutil.copy(saved / "protocol.json", folder)
        ready.plugins.hook.aas_setup(run=ready)
        # The untrained backbone chooses the exemplars, as it did in training.
        features = ready.plugins.hook.aas_embed(run=ready, rows=ready.train)
        protocol = choose_protocol(ready, features)
        if run_name is not None:
            state = load_checkpoint(RUNS / run_name / "checkpoints", ready.device)
            if state is None:
                raise AasError(f"{RUNS / run_name} has no checkpoint; let its first epoch end")
            ready.plugins.hook.aas_load_state(run=ready, state=state["adapter"])
        metrics = measure(ready, protocol)
    terminal.close()
    if as_json:
        typer.echo(json.dumps({name: None if value != value else value for name, value in metrics.items()}))
    elif not metrics:
        console.print("Nothing to evaluate: no test image has an individual with a gallery to search.")
    else:
        console.print(f"{len(protocol.query)} queries, {len(protocol.gallery)} gallery images")
        for name, value in metrics.items():
            console.print(f"{name:>8}  {value:.4f}")


@app.command("plugins")
def list_plugins(
    plugin: Modules = None,
    shims: Annotated[bool, typer.Option("--shims", help="List what --codebase may patch, and why.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List loaded plugins: where each is from, which hooks it implements, what it offers."""
    if shims:
        _list_shims(as_json)
        return
    rows = _plugins(plugin).describe()
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("plugin", "from", "hooks", "offers")
    for row in rows:
        offers = "\n".join(row["offers"]) if row["error"] is None else f"broken: {row['error']}"
        table.add_row(row["name"], row["from"], "\n".join(row["hooks"]), offers)
    Console().print(table)


def _list_shims(as_json: bool) -> None:
    from aas_plugin.codebases.shims import SHIMS

    when = {"modern": "with modern libraries", "cpu": "without a GPU"}
    rows = [{"name": shim.name, "when": when[shim.kind], "why": shim.why} for shim in SHIMS]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("shim", "when needed", "without it")
    for row in rows:
        table.add_row(*row.values())
    Console().print(table)


@data_app.command("show")
def show(
    dataset: Annotated[str | None, typer.Argument(help="Data set by name, or a folder, or a CSV file.")] = None,
    params: Params = None,
    sets: Sets = None,
    plugin: Modules = None,
    sheet: Annotated[Path | None, typer.Option("--sheet", help="Write a contact sheet to this file.")] = None,
) -> None:
    """Count images and individuals of a data set, and draw a contact sheet."""
    from aas_plugin.config import resolve
    from aas_plugin.prepare import load_data

    plugins = _plugins(plugin)
    settings = resolve(plugins, [_params(params), *_flags(None, dataset, None, None, sets)])
    catalogue = load_data(plugins, settings)
    typer.echo(f"{catalogue.name}  ({catalogue.root})")
    for name, count in catalogue.describe().items():
        typer.echo(f"{count:>8} {name}")
    train = len(catalogue.rows_of("train"))
    budget = settings.active.budget
    typer.echo(f"{train * (train - 1) // 2:>8} pairs to ask about, active.budget {budget:g} a cycle")
    if sheet is not None:
        from aas_plugin.data.contact_sheet import contact_sheet

        contact_sheet(catalogue).save(sheet)
        typer.echo(f"contact sheet: {sheet}")


def main() -> None:
    """Run the command line; what a user can mend is one sentence and exit status 2."""
    from aas_plugin.errors import AasError

    try:
        app()
    except AasError as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.secho("interrupted", fg="yellow", err=True)
        sys.exit(130)


def _plugins(modules: list[str] | None) -> Plugins:
    from aas_plugin.plugins import load_plugins

    return load_plugins(modules or [])


def _flags(
    adapter: str | None, dataset: str | None, sampler: str | None, device: str | None, sets: list[str] | None
) -> list[dict[str, Any]]:
    from aas_plugin.config import parse_set

    layers: list[dict[str, Any]] = []
    if dataset is not None:
        path = Path(dataset)
        if path.is_dir():
            layers.append({"dataset": {"name": "folder", "path": dataset}})
        elif path.suffix.lower() == ".csv" or path.is_file():
            layers.append({"dataset": {"name": "csv", "path": dataset}})
        else:
            layers.append({"dataset": {"name": dataset}})
    layers += [{kind: {"name": name}} for kind, name in (("adapter", adapter), ("sampler", sampler)) if name]
    if device is not None:
        layers.append({"device": device})
    return [*layers, *map(parse_set, sets or [])]


def _refuse(arguments: list[str], fast_jaccard: bool) -> None:
    from aas_plugin.errors import AasError

    wrong = [*map(repr, arguments), *(["--fast-jaccard"] if fast_jaccard else [])]
    if wrong:
        raise AasError(f"{', '.join(wrong)}: only a run with --codebase takes that; settings are given by --set")


def _params(path: Path | None) -> dict[str, Any]:
    if path is None:
        default = Path("params.yaml")
        return _read(default) if default.exists() else {}
    return _read(path)


def _read(path: Path) -> dict[str, Any]:
    from aas_plugin.config import read_params

    return read_params(path)


def _valid_name(name: str) -> str:
    from aas_plugin.errors import AasError

    if not name or name.startswith(".") or any(character in name for character in '/\\\0:*?"<>|'):
        raise AasError(f"--run-name {name!r} must be the name of a folder, without slashes or a leading dot")
    return name


def _run_folder(name: str | None) -> Path:
    from aas_plugin.errors import AasError

    if name is not None:
        return RUNS / _valid_name(name)
    found = sorted(RUNS.glob("*/config.yaml"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise AasError(f"no run to go on with in {RUNS.resolve()}; leave out --resume to begin one")
    return found[-1].parent


def _git_commit() -> str | None:
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()


def _show_warnings(console: Console) -> None:
    def show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if category is UserWarning:
            console.print(f"warning: {message}", style="yellow", markup=False)

    warnings.showwarning = show_warning  # type: ignore[assignment]
