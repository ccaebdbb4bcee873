"""Which observations of a Camtrap DP package say something of an image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from aas_plugin.data.boxes import split_box
from aas_plugin.data.catalogue import some_of
from aas_plugin.errors import AasError
from aas_plugin.exchange.observations import BOX, Size, shares_of
from aas_plugin.exchange.times import parse_moment
from aas_plugin.exchange.words import count

Row = Mapping[str, str]
"""A row of a table by column, blank where nothing is known."""

NEAR = 1e-3
"""Share of a photo by which two numbers of one box may differ, besides a pixel."""


def own_rows(path: str, rows: Sequence[int], observations: Sequence[Row], size: Size) -> list[int]:
    """The observations that an image is: of its box, or of no box for a whole photo; several where one box has several.

    Args:
        path: of the image.
        rows: observations of its medium, by position.
        observations: all of them.
        size: of a photo.
    """
    wanted, box = shares_of(path, size), split_box(path)[1]
    animals = [
        row
        for row in rows
        if observations[row]["observationLevel"] == "media" and observations[row]["observationType"] == "animal"
    ]
    if box is None:
        return [row for row in animals if "" in (observations[row][name] for name in BOX)]
    # Data sets may round boxes to whole pixels.
    most = NEAR + (0.0 if box.shares else 1 / min(size(path)))
    away = {row: _distance(wanted, observations[row]) for row in animals}
    least = min([most, *away.values()])
    return [row for row in animals if away[row] <= least + 1e-9]


def matching_row(found: Sequence[int], observations: Sequence[Row], species: str | None) -> int | None:
    """The one of an image's observations that its name is written into; None where it is not clear which.

    Args:
        found: positions of observations that the image is.
        observations: all of them.
        species: scientific name that counts where there are several; None for any.
    """
    if len(found) > 1 and species is not None:
        found = [row for row in found if observations[row]["scientificName"] == species]
    return found[0] if len(found) == 1 else None


class Events:
    """What a package's observations say of media that have none of their own."""

    def __init__(self, observations: Sequence[Row]) -> None:
        self._of_medium: dict[str, list[Row]] = defaultdict(list)
        self._of_deployment: dict[str, list[tuple[datetime, datetime, Row]]] = defaultdict(list)
        for row in observations:
            if row["mediaID"]:
                self._of_medium[row["mediaID"]].append(row)
            elif row["observationLevel"] == "event":
                start, end = _time(row["eventStart"]), _time(row["eventEnd"] or row["eventStart"])
                if start is not None and end is not None:
                    self._of_deployment[row["deploymentID"]].append((start, end, row))

    def about(self, medium: Row) -> list[Row]:
        """Observations of a medium, else those of events of its deployment that hold its time."""
        if own := self._of_medium.get(medium["mediaID"]):
            return own
        at = _time(medium["timestamp"])
        events = self._of_deployment.get(medium["deploymentID"], [])
        return [row for start, end, row in events if at is not None and start <= at <= end]

    def event(self, medium: Row) -> str:
        """The event of a medium; blank where it has none, or several."""
        found = {row["eventID"] for row in self.about(medium)} - {""}
        return found.pop() if len(found) == 1 else ""

    def species(self, medium: Row) -> str:
        """The species of the animals on a medium; blank where it is not known, or there are several."""
        animals = (row for row in self.about(medium) if row["observationType"] == "animal")
        found = {row["scientificName"] for row in animals} - {""}
        return found.pop() if len(found) == 1 else ""


def species_of(paths: Sequence[str], media: Sequence[Row], events: Events, given: str | None) -> dict[str, str]:
    """The species of images by path: the only one that a package names there, else the one given.

    Args:
        paths: n images.
        media: of each its medium.
        events: what the package says.
        given: scientific name; None where nobody gave one.

    Raises:
        AasError: of some nothing says which.
    """
    found = {path: events.species(medium) or given or "" for path, medium in zip(paths, media, strict=True)}
    lost = [path for path in paths if not found[path]]
    if lost:
        raise AasError(
            f"the package does not say of which species {count(len(lost), 'image')} may be ({some_of(lost)}); give it "
            'by --species "Panthera leo"'
        )
    return found


def _distance(wanted: Sequence[str], row: Row) -> float:
    """The largest difference between the numbers of two boxes, in shares; infinite where the row has none."""
    try:
        return max(abs(float(one) - float(row[name])) for one, name in zip(wanted, BOX, strict=True))
    except ValueError:
        return float("inf")


def _time(text: str) -> datetime | None:
    moment = parse_moment(text)
    return None if moment is None else moment.time
