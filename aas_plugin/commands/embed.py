"""`aas embed`: features of photos with a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aas_plugin.commands.common import UNREADABLE_STATUS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

    import numpy as np
    import pandas as pd
    from rich.console import Console

    from aas_plugin.data.catalogue import Catalogue
    from aas_plugin.models.portable import PortableModel
    from aas_plugin.settings.layers import Layer

Model = Annotated[
    str,
    typer.Argument(help="A run, its folder, its model.pt, or runs:/ID/model of MLflow: only from whom you trust."),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
PhotoSets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="How photos are listed: dataset.columns.path=filePath, e.g."),
]
Modules = Annotated[list[str] | None, typer.Option("--plugin", "-p", help="Load a plugin module by dotted name.")]


def embed(
    model: Model,
    photos: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of photos, or a CSV file.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Parquet file to write.")] = Path("features.parquet"),
    sets: PhotoSets = None,
    device: Device = "auto",
    plugin: Modules = None,
) -> None:
    """Embed photos with a trained model: a table of path, bbox and identity where they are known, and embedding.

    Photos that cannot be read have no embedding but a reason, and the exit status is 3.
    """
    from rich.console import Console

    console = Console(highlight=False)
    with console.status("loading"):
        import pandas as pd

        from aas_plugin.files import write_table

    opened = open_trained(model, device, plugin, console)
    catalogue = read_photos(photos, photo_settings(sets))
    features, unreadable = embed_photos(opened, catalogue, device, console, "embedding")
    table = named_rows(catalogue)
    if catalogue.has_identities:
        table["identity"] = catalogue.table["identity"].astype(object).where(catalogue.table["identity"].notna(), None)
    embedding = pd.Series(list(features), dtype=object)
    table["embedding"] = embedding.where(~embedding.index.isin(list(unreadable)), None)
    if unreadable:
        table["unreadable"] = pd.Series(unreadable, index=table.index, dtype=object)
    write_table(output, table)
    readable = len(table) - len(unreadable)
    console.print(f"{output}: {readable} photos, {features.shape[1]} features of unit length", soft_wrap=True)
    if unreadable:
        console.print(told_unreadable(catalogue, unreadable), soft_wrap=True, markup=False)
        raise typer.Exit(UNREADABLE_STATUS)


def open_trained(model: str, device: str, plugin: list[str] | None, console: Console) -> PortableModel:
    """Load a model onto a device, with the plugins that its classes may come from.

    Raises:
        AasError: there is no such model, plugin or device.
    """
    with console.status("loading"):
        import torch  # noqa: F401 - here, where it is seen that something happens

        from aas_plugin.models.portable import open_model
        from aas_plugin.plugins.manager import load_plugins
        from aas_plugin.runs.device import choose_device
        from aas_plugin.runs.folder import project_root, runs_folder
        from aas_plugin.tracking.mlflow_observer import tracking_uri

        place = choose_device(device)
        load_plugins(plugin or [])
        uri = tracking_uri(project_root(Path.cwd()))
        return open_model(model, runs_folder(), uri).to(place)


def photo_settings(sets: list[str] | None, others: Collection[str] = ()) -> list[Layer]:
    """Settings of `--set`: those of `dataset`, for how photos are listed, and of the sections `others`.

    Raises:
        AasError: another section is set.
    """
    from aas_plugin.errors import AasError
    from aas_plugin.settings.layers import Layer
    from aas_plugin.settings.models import named
    from aas_plugin.settings.resolving import parse_set

    allowed = ("dataset", *others)
    layers = [parse_set(one) for one in sets or []]
    wrong = [key for layer in layers for key in layer if key not in allowed]
    if wrong:
        raise AasError(
            f"--set {wrong[0]}: only settings of {' and '.join(allowed)} count here; a model brings all others along"
        )
    return [
        Layer({key: value if key == "dataset" else named(value) for key, value in layer.items()}, layer.origin)
        for layer in layers
    ]


def read_photos(place: Path, layers: Sequence[Layer] = (), lenient: bool = False) -> Catalogue:
    """List photos of a folder, or of a file or package that lists them; those that are missing, too.

    Args:
        place: the folder or file.
        layers: what `photo_settings` gives.
        lenient: whether they are those of several tables, of which each has some of the columns.

    Raises:
        AasError: there are none, or a setting of `dataset` is none of such a source.
    """
    from functools import reduce

    from pydantic import ValidationError

    from aas_plugin.data.catalogue import MissingFilesError
    from aas_plugin.data.choosing import SOURCES, source_of
    from aas_plugin.data.sources import CsvOptions, csv
    from aas_plugin.errors import AasError
    from aas_plugin.settings.explain import explain
    from aas_plugin.settings.layers import origin
    from aas_plugin.settings.resolving import merge

    nothing: dict[str, Any] = {}
    given = reduce(merge, layers, nothing).get("dataset", {})
    if not isinstance(given, dict):
        raise AasError(f"--set dataset={given}: here its options alone count, such as dataset.unknown=[]")
    source = SOURCES[source_of(place) if place.exists() else "folder"]
    # A gallery may be a folder where photos are a table.
    of_others = {key for other in SOURCES.values() for key in other.options.model_fields}
    own = {key: value for key, value in given.items() if key in source.options.model_fields or key not in of_others}
    try:
        options = source.options.model_validate(own | {"path": place})
        return (
            csv(options, must_exist=False, lenient=lenient) if isinstance(options, CsvOptions) else source.read(options)
        )
    except MissingFilesError as error:
        return error.catalogue
    except ValidationError as error:
        told = explain(error, source.options, "dataset", lambda path, message: origin(layers, path, message))
        raise AasError(told) from None


def named_rows(catalogue: Catalogue) -> pd.DataFrame:
    """What names each image in a table that is written: its photo, and its box and own name where there are any."""
    import pandas as pd

    from aas_plugin.data.boxes import box_in_words, split_box

    rows = catalogue.table[["path"]].astype(object)
    rows["path"] = [split_box(path)[0].as_posix() for path in catalogue.table["path"]]
    in_names = pd.Series([box_in_words(path) for path in catalogue.table["path"]], dtype="string")
    for column in ("bbox", "image_id"):
        cells = catalogue.table[column]
        cells = cells.fillna(in_names) if column == "bbox" else cells
        if cells.notna().any():
            rows[column] = cells.astype(object).where(cells.notna(), None)
    return rows


def told_unreadable(catalogue: Catalogue, unreadable: Mapping[int, str]) -> str:
    """A line for each photo that cannot be read, below their number."""
    paths = catalogue.table["path"]
    lines = [f"  {paths[row]}: {reason}" for row, reason in unreadable.items()]
    return "\n".join([f"{len(lines)} of {len(paths)} photos cannot be read; restore them:", *lines])


def embed_photos(
    model: PortableModel, catalogue: Catalogue, device: str, console: Console, task: str
) -> tuple[np.ndarray, dict[int, str]]:
    """Embed all photos, as a run would; what the same model embedded before is read from disk.

    Args:
        model: a trained one.
        catalogue: the photos.
        device: as torch names it, or "auto".
        console: where progress is shown.
        task: what the bar is called.

    Returns:
        float32 (n, D) with L2-normalised rows, in the catalogue's order, zero where a photo cannot be read, and why
        not, by its row.

    Raises:
        AasError: no photo can be read.
    """
    import numpy as np

    from aas_plugin.data.catalogue import content_hashes
    from aas_plugin.data.images import ImageStore
    from aas_plugin.errors import AasError
    from aas_plugin.models.feature_cache import cached_features
    from aas_plugin.runs.device import choose_device
    from aas_plugin.runs.folder import shared_cache
    from aas_plugin.tracking.terminal import Terminal

    terminal = Terminal(console)
    try:
        images = ImageStore(catalogue.root, catalogue.table["path"].to_list(), model.height, model.width)
        unreadable = images.unreadable(lambda done, total: terminal.aas_progress(None, f"reading, {task}", done, total))
        rows = np.setdiff1d(np.arange(len(catalogue)), list(unreadable))
        if not len(rows):
            first = next(iter(unreadable.values()))
            raise AasError(f"none of the {len(catalogue)} photos in {catalogue.root} can be read (the first: {first})")
        found = cached_features(
            model.embedder,
            images,
            content_hashes(catalogue, rows=rows.tolist()),
            rows,
            choose_device(device),
            shared_cache(),
            progress=lambda done, total: terminal.aas_progress(None, task, done, total),
        )
        features = np.zeros((len(catalogue), found.shape[1]), dtype=np.float32)
        features[rows] = found
        return features, unreadable
    finally:
        terminal.close()
