"""Observations of Camtrap DP: which individual is where on which photo, and who said so."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from importlib.metadata import version
from typing import Any

import pandas as pd

from aas_plugin.data.boxes import split_box
from aas_plugin.exchange.gathering import OF_LABELS, Named

COLUMNS = (
    "observationID", "deploymentID", "mediaID", "eventID", "eventStart", "eventEnd", "observationLevel",
    "observationType", "cameraSetupType", "scientificName", "count", "lifeStage", "sex", "behavior", "individualID",
    "individualPositionRadius", "individualPositionAngle", "individualSpeed", "bboxX", "bboxY", "bboxWidth",
    "bboxHeight", "classificationMethod", "classifiedBy", "classificationTimestamp", "classificationProbability",
    "observationTags", "observationComments",
)  # fmt: skip
"""Columns of observations in Camtrap DP 1.0.2, in their order."""

BOX = ("bboxX", "bboxY", "bboxWidth", "bboxHeight")
MACHINE = f"aas-plugin {version('aas-plugin')}"

Size = Callable[[str], tuple[int, int]]
"""Width and height of the upright photo of a path."""


def new_observations(named: Named, media: pd.DataFrame, species: Mapping[str, str], size: Size) -> pd.DataFrame:
    """An observation for each image.

    Args:
        named: n images and their names.
        media: n rows, under the same index: `mediaID`, `deploymentID`, `eventID` and `timestamp` with its zone.
        species: scientific name by path.
        size: of a photo.

    Returns:
        n rows of strings with `COLUMNS`, blank where nothing is known.
    """
    count: dict[str, int] = {}
    rows = []
    for photo, of in zip(named.photos.to_dict("records"), media.to_dict("records"), strict=True):
        count[of["mediaID"]] = count.get(of["mediaID"], 0) + 1
        rows.append(
            {
                "observationID": f"{of['mediaID']}_{count[of['mediaID']]}",
                "deploymentID": of["deploymentID"],
                "mediaID": of["mediaID"],
                "eventID": of["eventID"],
                "eventStart": of["timestamp"],
                "eventEnd": of["timestamp"],
                "observationLevel": "media",
                "observationType": "animal",
                "scientificName": species[photo["path"]],
                "count": "1",
                **dict(zip(BOX, shares_of(photo["path"], size), strict=True)),
                **classification(photo, named.named_at),
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=str).fillna("")


def classification(photo: Mapping[Hashable, Any], named_at: str) -> dict[str, str]:
    """Who named an image, how and when.

    By a human where people answered about it: then they are named, and the time is that of the last answer. By a
    machine where nobody did, or a simulated annotator. Nothing is said of how a name came about that the data set had
    itself, nor where there is none.

    Args:
        photo: a row of `Named.photos`.
        named_at: when machines named it.
    """
    if pd.isna(photo["individual"]):
        return {"individualID": ""}
    found = {"individualID": str(photo["individual"])}
    people = [] if pd.isna(photo["people"]) else str(photo["people"]).split(" | ")
    persons = [one for one in people if not one.startswith(OF_LABELS)]
    if photo["answers"] > 0 and persons:
        found |= {"classificationMethod": "human", "classifiedBy": " | ".join(persons)}
        found["classificationTimestamp"] = str(photo["told"])
    elif not pd.isna(photo["known"]) and photo["known"] == photo["individual"]:
        return found
    else:
        found |= {"classificationMethod": "machine", "classifiedBy": MACHINE}
        found["classificationTimestamp"] = named_at
    if not pd.isna(photo["confidence"]):
        found["classificationProbability"] = f"{min(max(float(photo['confidence']), 0.0), 1.0):.6g}"
    return found


def shares_of(path: str, size: Size) -> tuple[str, str, str, str]:
    """The box of an image in shares of its photo; blank for a whole photo."""
    _, box = split_box(path)
    if box is None:
        return "", "", "", ""
    width, height = (1, 1) if box.shares else size(path)
    left, top = max(box[0] / width, 0.0), max(box[1] / height, 0.0)
    right, bottom = min((box[0] + box[2]) / width, 1.0), min((box[1] + box[3]) / height, 1.0)
    return f"{left:.8g}", f"{top:.8g}", f"{right - left:.8g}", f"{bottom - top:.8g}"
