"""`aas export`: the names of a run's photos in the formats that other programs read."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aas_plugin.commands.common import Modules, loaded
from aas_plugin.exchange.formats import Format

if TYPE_CHECKING:
    from aas_plugin.data.camtrap_dp import Package
    from aas_plugin.data.catalogue import Catalogue
    from aas_plugin.exchange.exporting import Wishes
    from aas_plugin.exchange.gathering import Named


def export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run under runs/, or its folder.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="FILE.csv, or what the --format makes: a folder or file.")
    ] = None,
    format: Annotated[
        Format | None, typer.Option("--format", help="csv is what a FILE.csv gets; others make a folder.")
    ] = None,
    folders: Annotated[
        Path | None, typer.Option("--folders", metavar="DIR", help="Also a folder per individual, of links to photos.")
    ] = None,
    copy: Annotated[bool, typer.Option("--copy", help="Copy photos where links would be made.")] = False,
    least_confidence: Annotated[
        float | None,
        typer.Option("--least-confidence", min=0, max=1, help="Leave names blank that are less sure, such as 0.9."),
    ] = None,
    deployments: Annotated[
        Path | None,
        typer.Option(
            "--deployments",
            metavar="FILE.csv",
            help="Where cameras stood: deploymentID, latitude, longitude, deploymentStart, deploymentEnd, locationID.",
        ),
    ] = None,
    species: Annotated[str | None, typer.Option("--species", help='Scientific name, such as "Panthera leo".')] = None,
    timezone: Annotated[
        str | None, typer.Option("--timezone", help="Of times that say none: Africa/Maputo, or +02:00.")
    ] = None,
    design: Annotated[
        str | None, typer.Option("--sampling-design", help="Camtrap DP: how places were chosen, such as targeted.")
    ] = None,
    method: Annotated[
        list[str] | None, typer.Option("--capture-method", help="Camtrap DP: activityDetection, timeLapse, or both.")
    ] = None,
    contributor: Annotated[
        list[str] | None, typer.Option("--contributor", metavar="NAME", help="Camtrap DP: who contributed.")
    ] = None,
    location: Annotated[
        str | None, typer.Option("--location-id", help="Wildbook: the location, as its own list has it.")
    ] = None,
    occasion: Annotated[
        str, typer.Option("--occasion", help="Capture history: length of an occasion, such as 1d, 7d, 2w or 1m.")
    ] = "1d",
    leave_out_undated: Annotated[
        bool, typer.Option("--leave-out-undated", help="Do without photos of no time where the format needs one.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Put aside what is in the way, under a name with .before in it.")
    ] = False,
    photos: Annotated[
        Path | None, typer.Option("--photos", metavar="FOLDER", help="Where the photos lie, if not where the run says.")
    ] = None,
    plugin: Modules = None,
) -> None:
    """Write who is on each photo: a CSV, folders, a Camtrap DP package, a Wildbook sheet or a capture history.

    Nothing is ever written over. What a format needs and nobody said is asked for, and never made up.
    """
    from aas_plugin.errors import AasError
    from aas_plugin.exchange.deployments import read_deployments
    from aas_plugin.exchange.descriptor import Said
    from aas_plugin.exchange.exporting import Wishes
    from aas_plugin.exchange.gathering import below
    from aas_plugin.exchange.placing import refuse_taken
    from aas_plugin.exchange.refusing import check_said, refuse_inside
    from aas_plugin.exchange.times import parse_zone
    from aas_plugin.exchange.words import count

    if output is None and folders is None:
        raise AasError("say where to write: -o FILE.csv, -o DIR with a --format, or --folders DIR")
    if output is not None and format is None and output.suffix.lower() != ".csv":
        raise AasError(f"{output} is no FILE.csv; say by --format what to write there")
    if photos is not None and not photos.is_dir():
        raise AasError(f"--photos {photos} is no folder; give the one that the photos lie in")
    refuse_taken([target for target in (output, folders) if target is not None], force)
    wishes = Wishes(
        said=check_said(
            Said(species, None if timezone is None else parse_zone(timezone), design, method or (), contributor or ())
        ),
        deployments=None if deployments is None else read_deployments(deployments),
        copy=copy,
        force=force,
        occasion=occasion,
        location=location,
        leave_out_undated=leave_out_undated,
    )
    named = _named(run, photos, plugin)
    for target in (output if format not in (None, "csv") else None, folders):
        if target is not None:
            refuse_inside(target, named)
    if least_confidence is not None:
        named, low, unclear = below(named, least_confidence)
        typer.echo(
            f"left without a name: {count(low, 'photo')} less sure than {least_confidence:g}"
            + (f", and {count(unclear, 'photo')} of which nobody knows how sure" if unclear else "")
        )
    _write(named, output, format or "csv", folders, wishes)
    _count(run)


def _count(run: str) -> None:
    """Say how many individuals there are, where the run can tell."""
    from aas_plugin.commands.waiting import waiting_folder
    from aas_plugin.runs.outlook import count_in_words, read_outlook

    outlook = read_outlook(waiting_folder(run))
    if outlook:
        typer.echo(count_in_words(outlook)[0])


def _write(named: Named, output: Path | None, format: Format, folders: Path | None, wishes: Wishes) -> None:
    from aas_plugin.exchange.exporting import export as write

    for target, kind in ((output, format), (folders, "folders")):
        if target is not None:
            for sentence in write(named, target, kind, wishes):
                typer.echo(sentence)


def _named(run: str, photos: Path | None, plugin: list[str] | None) -> Named:
    """The photos of a run and their names."""
    from aas_plugin.commands.waiting import waiting_folder
    from aas_plugin.data.catalogue import some_of
    from aas_plugin.errors import AasError
    from aas_plugin.exchange.gathering import gather
    from aas_plugin.exchange.words import count
    from aas_plugin.individuals.read import individuals_of
    from aas_plugin.runs.catalogue import catalogue_of
    from aas_plugin.runs.folder import saved_settings

    folder = waiting_folder(run)
    settings = saved_settings(folder)
    plugins = loaded(plugin)
    catalogue: Catalogue | None
    try:
        catalogue = catalogue_of(folder, plugins)
        told = ""
    except AasError as error:
        catalogue, told = None, str(error)
    if told:
        warnings.warn(f"what the data set says of photos is as the run kept it ({told})", stacklevel=2)
    individuals = individuals_of(folder, plugins)
    if catalogue is not None:
        without = sorted(set(catalogue.table["path"]) - set(individuals["path"]))
        if without:
            typer.echo(f"not in it: {count(len(without), 'photo')} that the run did without ({some_of(without)})")
    root = photos or _root(folder, catalogue)
    package = _package(settings)
    searched = package is not None or settings.get("dataset", {}).get("name") == "folder"
    return gather(folder, individuals, root, catalogue, package, searched)


def _root(folder: Path, catalogue: Catalogue | None) -> Path:
    from aas_plugin.annotator.opening import kept_root
    from aas_plugin.errors import AasError

    found = kept_root(folder) or (None if catalogue is None else catalogue.root)
    if found is None:
        raise AasError(f"{folder} does not say where its photos lie, or they are gone; say it by --photos FOLDER")
    return found


def _package(settings: dict[str, object]) -> Package | None:
    """The Camtrap DP package that the data set of a run's settings is; None for any other."""
    from aas_plugin.data.camtrap_dp import is_package, read_package

    choice = settings.get("dataset")
    path = choice.get("path") if isinstance(choice, dict) else None
    return read_package(Path(path)) if isinstance(path, str) and is_package(Path(path).expanduser()) else None
