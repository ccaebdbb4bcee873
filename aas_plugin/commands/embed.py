"""`aas embed`: features of photos with a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console

    from aas_plugin.data.catalogue import Catalogue
    from aas_plugin.models.portable import PortableModel

Model = Annotated[
    str,
    typer.Argument(help="A run, its folder, its model.pt, or runs:/ID/model of MLflow. Only from who you trust."),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
Modules = Annotated[list[str] | None, typer.Option("--plugin", "-p", help="Load a plugin module by dotted name.")]


def embed(
    model: Model,
    photos: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of photos, or a CSV file.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Parquet file to write.")] = Path("features.parquet"),
    device: Device = "auto",
    plugin: Modules = None,
) -> None:
    """Embed photos with a trained model: a table of path, identity where it is known, and embedding."""
    from rich.console import Console

    console = Console(highlight=False)
    with console.status("loading"):
        import pandas as pd

        from aas_plugin.files import write_table

    opened = open_trained(model, device, plugin, console)
    catalogue = read_photos(photos)
    features = embed_photos(opened, catalogue, device, console, "embedding")
    table = catalogue.table[["path"]].astype(object)
    if catalogue.has_identities:
        table["identity"] = catalogue.table["identity"].astype(object).where(catalogue.table["identity"].notna(), None)
    table["embedding"] = pd.Series(list(features), dtype=object)
    write_table(output, table)
    console.print(f"{output}: {len(table)} photos, {features.shape[1]} features of unit length", soft_wrap=True)


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


def read_photos(place: Path) -> Catalogue:
    """List photos of a folder, flat or one folder an individual, or of a CSV file.

    Raises:
        AasError: there are none.
    """
    from aas_plugin.data.sources import CsvOptions, FolderOptions, csv, folder

    return csv(CsvOptions(path=place)) if place.is_file() else folder(FolderOptions(path=place))


def embed_photos(model: PortableModel, catalogue: Catalogue, device: str, console: Console, task: str) -> np.ndarray:
    """Embed all photos, as a run would; what the same model embedded before is read from disk.

    Args:
        model: a trained one.
        catalogue: the photos.
        device: as torch names it, or "auto".
        console: where progress is shown.
        task: what the bar is called.

    Returns:
        float32 (n, D) with L2-normalised rows, in the catalogue's order.

    Raises:
        AasError: photos cannot be read; all of them are named.
    """
    import numpy as np

    from aas_plugin.data.catalogue import content_hashes
    from aas_plugin.data.images import ImageStore
    from aas_plugin.models.feature_cache import cached_features
    from aas_plugin.runs.device import choose_device
    from aas_plugin.runs.folder import shared_cache
    from aas_plugin.tracking.terminal import Terminal

    terminal = Terminal(console)
    try:
        images = ImageStore(catalogue.root, catalogue.table["path"].to_list(), model.height, model.width)
        images.check(lambda done, total: terminal.aas_progress(None, f"reading, {task}", done, total))
        return cached_features(
            model.embedder,
            images,
            content_hashes(catalogue),
            np.arange(len(catalogue)),
            choose_device(device),
            shared_cache(),
            progress=lambda done, total: terminal.aas_progress(None, task, done, total),
        )
    finally:
        terminal.close()
