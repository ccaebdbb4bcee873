"""What commands share: their options, and how settings are gathered from files and flags."""

from __future__ import annotations

import difflib
import os
import re
import shlex
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from aas_plugin.plugins.manager import Plugins

UNREADABLE_STATUS = 3
"""Exit status of what was done, but not with all photos, since some cannot be read."""

OTHERS = "another one that `aas plugins` lists"

Modules = Annotated[list[str] | None, typer.Option("--plugin", "-p", help="Load a plugin module by dotted name.")]
Params = Annotated[
    Path | None,
    typer.Option("--params", help="YAML file of settings; params.yaml is read where there is one."),
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="One setting, e.g. seed=1; config.yaml of a run has all."),
]
AdapterName = Annotated[
    str | None, typer.Option("--adapter", help=f"Base method: spcl, cluster-contrast, pplr, or {OTHERS}.")
]
DatasetName = Annotated[
    str | None,
    typer.Option(
        "--dataset", help=f"A folder of photos, a CSV or JSON file, a Camtrap DP package, coats, or {OTHERS}."
    ),
]
BackboneName = Annotated[
    str | None, typer.Option("--backbone", help=f"resnet50, efficientnet_lite0, timm:MODEL, or {OTHERS}.")
]
DeviceName = Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
SamplerName = Annotated[
    str | None, typer.Option("--sampler", help=f"Which pairs to ask about: aas, cal, none, or {OTHERS}.")
]
RefinerName = Annotated[
    str | None, typer.Option("--refiner", help="How labels are made to agree with the answers: np3, cal or answers.")
]
PresetName = Annotated[
    str | None, typer.Option("--preset", help="paper: the settings of the paper and of the methods' official codes.")
]
RunName = Annotated[str | None, typer.Option("--run-name", help="Folder under runs/.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a run: --run-name, or the last one.")]
FastJaccard = Annotated[
    bool, typer.Option("--fast-jaccard", help="Sparse distances in the place of a checkout's, same labels.")
]
OracleName = Annotated[
    str | None, typer.Option("--oracle", help="Who answers: labels, the known individuals; people; or another one.")
]
Serve = Annotated[
    bool, typer.Option("--serve", help="With --oracle people: open the page, wait for answers, and go on by itself.")
]
Host = Annotated[
    str, typer.Option("--host", help="Address of the page; one beyond this machine, such as 0.0.0.0, makes a token.")
]
Port = Annotated[
    int | None, typer.Option("--port", min=0, max=65535, help="Port of the page; without, 8765 or the next free one.")
]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Do not open the page here.")]
ConstraintSet = Annotated[
    Path | None, typer.Option("--constraints", help="Begin with the answers of a constraint set (CSV or parquet).")
]


def listed(text: str, option: str, kind: type) -> list[Any]:
    """The values between commas.

    Raises:
        AasError: one is none of its kind, or there is none.
    """
    from aas_plugin.errors import AasError

    # A comma inside brackets belongs to a value, such as aas:pi=[1,1,0].
    parts = [part.strip() for part in re.split(r",(?![^\[]*\])", text) if part.strip()]
    try:
        values = [kind(part) for part in parts]
    except ValueError:
        raise AasError(f"{option} {text!r}: write {'whole ' if kind is int else ''}numbers with commas") from None
    if not values:
        raise AasError(f"{option} {text!r}: name at least one")
    return list(dict.fromkeys(values))


def loaded(modules: list[str] | None) -> Plugins:
    """Load all plugins, and `modules`, by dotted names."""
    from aas_plugin.plugins.manager import load_plugins

    return load_plugins(modules or [])


def loads_of(modules: list[str] | None) -> str:
    """The flags that load plugins, for a command that is told to a user; blank for none."""
    return "".join(f" -p {shlex.quote(module)}" for module in modules or [])


def flag_layers(
    adapter: str | None,
    dataset: str | None,
    sampler: str | None,
    device: str | None,
    sets: list[str] | None,
    constraints: Path | None = None,
    preset: str | None = None,
    refiner: str | None = None,
    oracle: str | None = None,
    backbone: str | None = None,
) -> list[dict[str, Any]]:
    """Layers of settings that stand on the command line, weakest first."""
    from aas_plugin.settings.layers import Layer
    from aas_plugin.settings.resolving import parse_set

    chosen = {
        "dataset": None if dataset is None else _dataset(dataset),
        "adapter": {"name": adapter} if adapter else None,
        "sampler": {"name": sampler} if sampler else None,
        "refiner": {"name": refiner} if refiner else None,
        "oracle": {"name": oracle} if oracle else None,
        "backbone": backbone or None,
        "device": device,
        "preset": preset,
    }
    words = {"dataset": dataset, "adapter": adapter, "sampler": sampler, "refiner": refiner, "oracle": oracle}
    layers: list[dict[str, Any]] = [
        Layer({key: value}, f"--{key} {words.get(key, value)}") for key, value in chosen.items() if value is not None
    ]
    layers += map(parse_set, sets or [])
    if constraints is not None:
        layers.append(Layer({"active": {"constraints": str(constraints)}}, f"--constraints {constraints}"))
    return layers


def _dataset(given: str) -> dict[str, str]:
    """The settings of a data set that is given as a folder or file, or by name.

    Raises:
        AasError: it is written as a path, and nothing is there, or a JSON file of no source.
    """
    path = Path(given).expanduser()
    is_csv = path.suffix.lower() == ".csv"
    if path.is_dir() or path.is_file():
        from aas_plugin.data.choosing import source_of

        name = source_of(path)
        if name == "folder":
            _tell_tables(path)
        return {"name": name, "path": given}
    if is_csv or any(mark in given for mark in "/\\") or given.startswith(("~", ".")):
        from aas_plugin.errors import AasError

        what = "file" if is_csv else "folder or file"
        raise AasError(f"data set {given}: there is no such {what}; {_nearest(path)}")
    return {"name": given}


def _nearest(path: Path) -> str:
    """What there is in the place of a path that is missing."""
    turned = Path(str(path).replace("\\", "/"))
    if turned.exists():
        return f"did you mean {turned}?"
    above = next((folder for folder in turned.parents if folder.is_dir()), Path())
    names = sorted(found.name for found in above.iterdir() if not found.name.startswith("."))
    missing = turned.relative_to(above).parts[0]
    if near := difflib.get_close_matches(missing, names, n=1):
        whole = above.joinpath(near[0], *turned.relative_to(above).parts[1:])
        return f"did you mean {whole if whole.exists() else above / near[0]}?"
    return f"{above.resolve()} is the nearest folder that there is"


def _tell_tables(folder: Path) -> None:
    """Warn of CSV files that list the photos of a folder, which count only where they are given themselves."""
    from aas_plugin.data.tables import folded, read_rows
    from aas_plugin.errors import AasError

    for table in sorted(folder.glob("*.csv")):
        try:
            with warnings.catch_warnings():
                # How a table is written that is not used is nothing to tell.
                warnings.simplefilter("ignore")
                columns, _ = read_rows(table)
        except AasError:
            continue
        if any(folded(name) == "path" for name in columns):
            warnings.warn(
                f"{folder} is read as a folder of photos, and what {table.name} in it says is not used; give {table} "
                "itself for that",
                stacklevel=2,
            )
            return


def params_layer(path: Path | None) -> dict[str, Any]:
    """The settings in a parameter file; those of params.yaml, where there is one, without `path`."""
    if path is None:
        default = Path("params.yaml")
        return read_layer(default) if os.path.lexists(default) else {}
    return read_layer(path)


def read_layer(path: Path) -> dict[str, Any]:
    """The settings in a parameter file, or in its section `run`."""
    from aas_plugin.settings.yaml_file import read_settings

    return read_settings(path)


def given_settings(
    params: Path | None, dataset: str | None = None, sets: list[str] | None = None
) -> list[dict[str, Any]]:
    """Layers of settings, weakest first: the parameter file's and what stands on the command line."""
    return [params_layer(params), *flag_layers(None, dataset, None, None, sets)]


def valid_name(name: str, option: str = "--run-name") -> str:
    """A run's name, as it is.

    Raises:
        AasError: it is not the name of a folder.
    """
    from aas_plugin.errors import AasError
    from aas_plugin.files import LONGEST, is_file_name

    if not is_file_name(name):
        raise AasError(
            f'{option} {name!r} must be the name of a folder on every system: without any of /\\:*?"<>| and control '
            f"characters, no dot or dash in front, no dot or blank behind, at most {LONGEST} bytes, and no name of a "
            "device such as con"
        )
    return name


def run_folder(name: str | None) -> Path:
    """The folder of a run by its name, or of the last one.

    Raises:
        AasError: there is none, or the name is not that of a folder.
    """
    from aas_plugin.errors import AasError
    from aas_plugin.runs.folder import runs_folder

    runs = runs_folder()
    if name is not None:
        folder = runs / valid_name(name)
        if not (folder / "config.yaml").exists():
            raise AasError(f"{folder} holds no run (no config.yaml); leave out --resume to begin one")
        return folder
    found = sorted(runs.glob("*/config.yaml"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise AasError(f"no run to go on with in {runs.resolve()}; leave out --resume to begin one")
    return found[-1].parent


def of_one_run() -> dict[str, str]:
    """The environment for one of several runs: an MLflow run that it names is the parent of all of them."""
    environment = dict(os.environ)
    given = environment.pop("MLFLOW_RUN_ID", None)
    return {**environment, "MLFLOW_PARENT_RUN_ID": given} if given else environment


def show_warnings() -> None:
    """Show a user's warnings as one yellow line each on stderr, the same one once, and no other ones."""
    shown: set[str] = set()

    def show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        text = " ".join(str(message).split())
        if category is UserWarning and text not in shown:
            shown.add(text)
            typer.secho(f"warning: {text}", fg="yellow", err=True)

    warnings.showwarning = show_warning  # type: ignore[assignment]
