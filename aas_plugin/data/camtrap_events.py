"""The animals of a Camtrap DP package that are said of events, on each of their photos."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from aas_plugin.data.boxes import Box
from aas_plugin.data.told import Told
from aas_plugin.data.zones import moments


class Seen(NamedTuple):
    """An animal that an observation names.

    Attributes:
        medium: which it is on, by its id.
        box: where on it; None where that is not said.
        individual: its name, blank where nobody knows.
        species: its scientific name, blank likewise.
        number: how many animals the observation is of, as it is written.
    """

    medium: str
    box: Box | None
    individual: str
    species: str
    number: str = ""


def animals_of_events(
    media: pd.DataFrame, of_events: pd.DataFrame, spoken_of: dict[str, set[str]], told: Told
) -> Iterator[Seen]:
    """The animals of events, on each photo that has the event's id, or is of its deployment and time, and of no event.

    Args:
        media: of the package.
        of_events: observations of events.
        spoken_of: media that observations of media are of, with the ids of the events that these name.
        told: where events without a photo are counted.
    """
    if of_events.empty:
        return
    # By media, and the other way round.
    own = {
        medium: ({event} | spoken_of.get(medium, set())) - {""}
        for medium, event in zip(media["mediaID"], media["eventID"], strict=True)
    }
    members: dict[str, list[str]] = defaultdict(list)
    for medium, events in own.items():
        for event in events:
            members[event].append(medium)
    taken, start, end = moments(media["timestamp"], of_events["eventStart"], of_events["eventEnd"])
    # Photos of another event are not of this one.
    free = media.assign(taken=taken)[taken.notna() & ~media["mediaID"].map(own).astype(bool)].sort_values("taken")
    deployed = {
        key: (rows["taken"].to_numpy(), rows["mediaID"].to_numpy()) for key, rows in free.groupby("deploymentID")
    }
    columns = ["deploymentID", "eventID", "individualID", "scientificName", "count"]
    spans = zip(start.to_numpy(), end.fillna(start).to_numpy(), strict=True)
    for one, (first, last) in zip(of_events[columns].itertuples(index=False), spans, strict=True):
        deployment, event, *facts = one
        within = list(members.get(event, ()))
        if deployment in deployed and not np.isnat(first):
            times, names = deployed[deployment]
            within += names[np.searchsorted(times, first) : np.searchsorted(times, last, side="right")].tolist()
        if not within:
            told.out["observations of events without a photo"] += 1
        for medium in within:
            yield Seen(medium, None, *facts)
