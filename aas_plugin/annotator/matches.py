"""The keypoints that match in two photos, drawn when somebody asks for them."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any

from aas_plugin.annotator.photos import Photos
from aas_plugin.annotator.queue import QuestionQueue
from aas_plugin.annotator.refused import Refused
from aas_plugin.data.images import UnreadableImageError
from aas_plugin.errors import AasError

_ONE_AT_A_TIME = Lock()


def matches_picture(queue: QuestionQueue, photos: Photos, pair: str, person: str) -> bytes:
    """A JPEG of both photos with lines between the keypoints that match, as the run compares them.

    Args:
        queue: says whether this person may see it now.
        photos: of its images.
        pair: its name.
        person: who asks.

    Raises:
        Refused: not before an answer, or a photo cannot be read.
    """
    from aas_plugin.data.photo_list import bare_photos
    from aas_plugin.local.draw import draw_matches
    from aas_plugin.local.plugin import LocalEvidence, LocalOptions

    if not queue.may_look(pair, person):
        raise Refused("matches are shown once you have answered this pair", 403)
    images = [int(image) for image in pair.split("-")]
    for problem in map(photos.problem, images):
        if problem is not None:
            raise Refused(problem, 410)
    files = [photos.file(image) for image in images]
    listed = bare_photos([str(file) for file in files], ["a", "b"])
    try:
        # Warnings are those of the whole process; two at a time would also need twice the memory.
        with _ONE_AT_A_TIME, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            options = LocalOptions.model_validate(_options(queue.folder))
            picture, _ = draw_matches(files, LocalEvidence(options).find(listed, None))
    except UnreadableImageError as error:  # it names folders, which may be called after the individual
        raise Refused("no matches can be drawn, since one of these photos cannot be read; restore it", 410) from error
    except (AasError, ValueError) as error:
        raise Refused(f"no matches can be drawn: {error}", 410) from error
    written = BytesIO()
    picture.save(written, "JPEG", quality=88)
    return written.getvalue()


def _options(folder: Path) -> dict[str, Any]:
    """How the run compares keypoints; nothing, which is the defaults, where it does not."""
    from aas_plugin.runs.folder import saved_settings

    if not (folder / "config.yaml").exists():
        return {}
    evidence = saved_settings(folder).get("evidence", {})
    of_local = isinstance(evidence, dict) and evidence.get("name") == "local"
    return {key: value for key, value in evidence.items() if key != "name"} if of_local else {}
