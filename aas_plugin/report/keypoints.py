"""The keypoints that match of a pair that was asked, where a run compared keypoints."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import Any

from aas_plugin.errors import AasError
from aas_plugin.report.photos import Photos
from aas_plugin.report.read import FinishedRun


class Matches:
    """Draws pairs of one run; nothing for a run without the evidence `local`.

    Args:
        run: the run.
        photos: finds its photos.
    """

    def __init__(self, run: FinishedRun, photos: Photos) -> None:
        self._photos = photos
        given = run.settings.get("evidence", {})
        self._options = {key: value for key, value in given.items() if key != "name"}
        self._drawn = given.get("name") == "local"

    def picture(self, answer: dict[str, Any]) -> tuple[bytes, str] | None:
        """A JPEG of both photos with the keypoints that match, and that in words; None where it cannot be drawn.

        Args:
            answer: the record of the answer log.
        """
        if not self._drawn:
            return None
        from aas_plugin.data.photo_list import bare_photos
        from aas_plugin.local.draw import draw_matches
        from aas_plugin.local.plugin import LocalEvidence, LocalOptions

        paths = [self._photos.path(answer[side], answer.get(f"hash_{side}", "")) for side in ("a", "b")]
        if None in paths:
            return None
        photos = bare_photos([str(path) for path in paths], ["a", "b"])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = LocalEvidence(LocalOptions.model_validate(self._options)).find(photos, None)
                picture, count = draw_matches(photos.paths, found)
        except (AasError, ValueError):
            return None
        written = BytesIO()
        picture.save(written, "JPEG", quality=82)
        return written.getvalue(), f"{count} keypoints match" if count else "no keypoints match"
