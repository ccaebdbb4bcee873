"""A run's folder as a run leaves it, of a few drawn photos, without the training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.files import write_table
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.runs.data import read_data
from aas_plugin.runs.facts import write_facts
from aas_plugin.runs.folder import UNREADABLE, lay_out
from aas_plugin.runs.status import write_origin, write_status
from aas_plugin.settings.resolving import resolve

NA = pd.NA

CAMERA_TRAPS = pd.DataFrame(
    [
        ("north/IMG 1.jpg", NA, "2024-05-01 06:10:00", "north", 0),
        ("north/IMG 2.jpg", NA, "2024-05-01 06:10:30", "north", 0),
        ("south/IMG 1.jpg", NA, "2024-05-03 23:59:00", "south", 0),
        ("south/IMG 2.jpg", NA, "2024-05-09 12:00:00", "south", 1),
        ("south/ü#1.jpg", NA, "2024-05-09 12:00:00", "south", -1),
        ("south/two.jpg", "[0, 0, 20, 15]", "2024-05-09 13:00:00", "south", 0),
        ("south/two.jpg", "[20, 15, 40, 30]", "2024-05-09 13:00:00", "south", 1),
    ],
    columns=["path", "bbox", "date", "camera", "label"],
)
"""Seven images on six photos of two cameras: three individuals, one on a single photo; photos are 40 x 30 pixels."""

DEPLOYMENTS = (
    "deploymentID,locationID,latitude,longitude,deploymentStart,deploymentEnd\n"
    "north,hill,-25.0,31.5,2024-05-01T00:00:00+02:00,2024-05-06T12:00:00+02:00\n"
    "south,river,-25.01,31.52,2024-05-01T00:00:00+02:00,2024-05-11T00:00:00+02:00\n"
)


def draw(root: Path, table: pd.DataFrame, exif: dict[str, str] | None = None) -> Path:
    """Draw the photos of a table, with the time in `exif` written into them, and write the table beside them."""
    rng = np.random.default_rng(0)
    for path in table["path"].unique():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8))
        told = Image.Exif()
        if exif and path in exif:
            told.get_ifd(0x8769)[0x9003] = exif[path]
        image.save(place, exif=told)
    table.drop(columns="label").to_csv(root / "photos.csv", index=False)
    return root / "photos.csv"


def made_run(
    folder: Path, dataset: dict, labels: list[int], same: list[tuple[int, int, str]] = (), sampler: str = "none"
) -> Path:
    """Write what a run of a data set leaves: settings, facts, the last labels and answers.

    Args:
        folder: of the run.
        dataset: settings of the data set.
        labels: of all its images, in its order.
        same: answers "same": rows of both images, and who said so.
        sampler: by name.
    """
    plugins = load_plugins()
    settings = resolve(plugins, [{"dataset": dataset, "sampler": {"name": sampler}, "unreadable": "leave_out"}])
    data = read_data(plugins, settings)
    folder.mkdir(parents=True)
    lay_out(folder, settings, {"data_hash": data.digest})
    write_origin(folder, data.catalogue, data.digest)
    write_facts(folder, data.catalogue)
    if data.left_out:
        listed = pd.DataFrame({"path": list(data.left_out), "reason": list(data.left_out.values())})
        listed.to_csv(folder / UNREADABLE, index=False)
    write_table(folder / "cycles" / "00" / "labels.parquet", pd.DataFrame({"path": data.paths, "label": labels}))
    write_status(folder, "finished")
    AnswerLog(folder / "answers.jsonl").append(
        Answer(
            f"answer{number}", data.paths[a], data.paths[b], data.hashes[a], data.hashes[b], "same", who,
            f"2024-06-01T10:00:0{number}+00:00", 1, "under",
        )
        for number, (a, b, who) in enumerate(same)
    )  # fmt: skip
    return folder


def camera_traps(folder: Path, table: pd.DataFrame = CAMERA_TRAPS, **more) -> Path:
    """A run of `CAMERA_TRAPS` in `folder/runs/mine`, with the photos in `folder/photos`; Ada said 0 and 1 are one."""
    file = draw(folder / "photos", table, more.pop("exif", None))
    (folder / "deployments.csv").write_text(DEPLOYMENTS)
    more.setdefault("same", [(0, 1, "Ada")])
    return made_run(folder / "runs" / "mine", {"name": "csv", "path": str(file)}, table["label"].to_list(), **more)
