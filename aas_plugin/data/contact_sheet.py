"""A picture of a data set: one row an individual."""

from __future__ import annotations

import pandas as pd
from PIL import Image

from aas_plugin.data.catalogue import Catalogue
from aas_plugin.data.images import read_image

GAP = 4


def contact_sheet(catalogue: Catalogue, rows: int = 6, columns: int = 10, size: int = 96) -> Image.Image:
    """Lay out up to `columns` photos of each of the `rows` most photographed individuals, sides together.

    Without identities photos follow each other in the catalogue's order.

    Args:
        catalogue: the images.
        rows: individuals at most.
        columns: photos of one of them at most.
        size: side of a photo, in pixels.

    Raises:
        AasError: an image cannot be read.
    """
    table = catalogue.table
    if catalogue.has_identities:
        shown = table["identity"].value_counts(sort=False).sort_values(ascending=False, kind="stable").index[:rows]
        sides = table.assign(side=table["orientation"].fillna(""))
        sides = sides.sort_values(["side", "path"])
        groups = [sides.loc[sides["identity"] == name, "path"].to_list() for name in shown]
    else:
        paths = table["path"].to_list()
        groups = [paths[start : start + columns] for start in range(0, min(len(paths), rows * columns), columns)]
    width = columns * (size + GAP) - GAP
    sheet = Image.new("RGB", (width, len(groups) * (size + GAP) - GAP), "white")
    for down, paths in enumerate(groups):
        # Photos from the whole row, not its beginning alone, so that both sides are seen.
        step = max(1.0, len(paths) / columns)
        chosen = pd.unique(pd.Series([paths[int(i * step)] for i in range(min(columns, len(paths)))]))
        for across, path in enumerate(chosen):
            photo = Image.fromarray(read_image(catalogue.root / path, size, size))
            sheet.paste(photo, (across * (size + GAP), down * (size + GAP)))
    return sheet
