"""The evidence `local`: keypoints that two photos share, as a plugin object."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.sparse import csr_array

from aas_plugin.data.boxes import split_box
from aas_plugin.data.photo_list import PhotoList
from aas_plugin.data.pieces import Pieces
from aas_plugin.fusion.sources import Source
from aas_plugin.hookspecs import hookimpl
from aas_plugin.local.draw import contact_sheet
from aas_plugin.local.keypoints import FORMAT, Detector, Keypoints, keypoints_of, names_of
from aas_plugin.local.lnbnn import lnbnn_scores, matching_key
from aas_plugin.local.regions import Region, Shape
from aas_plugin.local.verify import verified
from aas_plugin.plugins.registry import Progress, Registry

Ints = NDArray[np.int64]

LOCAL = "local"
"""Folder of keypoints and matches in the cache that runs share."""


class LocalOptions(BaseModel):
    """Settings of the evidence `local`."""

    model_config = ConfigDict(extra="forbid")

    keypoints: Literal["sift", "aliked"] = Field(
        "sift", description="what finds and describes them; aliked is better on coats, slower, and a package of its own"
    )
    crop: tuple[float, float, float, float] | None = Field(
        None,
        description="left, top, right and bottom of the part that counts, in shares of the photo or its bbox",
    )
    shape: Shape = Field("ellipse", description="ellipse or box: of that part")
    size: int = Field(320, ge=64, le=4096, description="pixels of the longer side of that part when it is looked at")
    most: int = Field(400, ge=10, description="keypoints of a photo at most, the strongest")
    verify: int = Field(
        10, ge=0, description="best partners of a photo of which is looked whether keypoints move together"
    )
    sittings: Literal["date", "name", "none"] = Field(
        "date", description="what tells photos of one sitting: the column date, or the last number in a file's name"
    )

    @model_validator(mode="after")
    def _a_part(self) -> LocalOptions:
        if self.crop is not None:
            left, top, right, bottom = self.crop
            if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
                raise ValueError("crop must be left < right and top < bottom, all from 0 to 1")
        return self

    @property
    def region(self) -> Region:
        """The part of a photo that counts."""
        return Region() if self.crop is None else Region(*self.crop, self.shape)


class LocalEvidence:
    """How well keypoints of two photos match.

    Photos of which an orientation is known are compared with those of the same orientation, and with those of none.

    Args:
        options: see `LocalOptions`.
    """

    def __init__(self, options: LocalOptions) -> None:
        self.options = options

    def find(self, photos: PhotoList, cache: Path | None, progress: Progress | None = None) -> list[Keypoints]:
        """Keypoints of photos, from the cache where they are there; those without any are a warning.

        Raises:
            AasError: the package of the detector is not installed.
        """
        options = self.options
        folder = cache / LOCAL if cache is not None else None
        found, problems = keypoints_of(
            photos, _detector(options.keypoints), options.region, options.size, options.most, folder, progress
        )
        if problems:
            place, why = next(iter(problems.items()))
            warnings.warn(
                f"{len(problems)} of {len(photos)} photos have no keypoint, so features alone speak for them; the "
                f"first is {photos.paths[place]}: {why}",
                stacklevel=2,
            )
        return found

    def look(self, photos: PhotoList) -> Image.Image:
        """Some photos as they are looked at."""
        return contact_sheet(photos, self.options.region)

    @hookimpl
    def aas_pair_scores(
        self, photos: PhotoList, cache: Path | None, progress: Callable[[str], Progress]
    ) -> list[Source]:
        """Match all photos by their keypoints; also whether two are of one sitting, where that is known."""
        options = self.options
        if options.crop is None and not any(photos.masks) and not any(split_box(path)[1] for path in photos.paths):
            warnings.warn(
                "keypoints of whole photos count, those of the background, too: give the part with the animal by "
                "--set evidence.crop=[left,top,right,bottom] in shares, or a column bbox or mask; `aas data show "
                "--sheet` shows what counts",
                stacklevel=2,
            )
        found = self.find(photos, cache, progress("finding keypoints"))
        names = names_of(photos)
        first, copy_of = np.unique(names, return_index=True, return_inverse=True)[1:]
        # More copies than votes would hide each other, so that each content is matched once.
        once = [found[place] for place in first.tolist()]
        groups = comparable_groups(photos.orientation[first])
        kept = None
        if cache is not None:
            looked_at = f"{FORMAT} {_detector(options.keypoints).key} {options.region} {options.size} {options.most}"
            told = [f"{names[place]} {len(found[place].places)}" for place in first.tolist()]
            kept = Pieces(cache / LOCAL, f"matches-{matching_key([looked_at, *told], groups)}", "matches")
        scores = lnbnn_scores([points.descriptors for points in once], groups, kept, progress("matching keypoints"))
        applies = _applies(photos.orientation, np.array([len(points.places) > 0 for points in found]))
        sources = [Source("keypoints", _of_copies(scores, copy_of), applies=applies)]
        if options.verify and scores.nnz:
            together = verified(scores, once, options.verify, kept, progress("verifying matches"))
            sources.append(Source("geometry", _of_copies(together, copy_of), applies=applies))
        moment = self._moments(photos)
        if moment is not None:
            sources.append(Source("sitting", lambda pairs: _nearness(moment, pairs), is_similarity=False))
        return sources

    def _moments(self, photos: PhotoList) -> NDArray[np.float64] | None:
        """When each photo was taken, or its number, float64 (N,); None where that is not known, or not wanted."""
        if self.options.sittings == "none":
            return None
        moment = photos.date
        if self.options.sittings == "name":
            numbers = [re.findall(r"\d+", split_box(path)[0].stem) for path in photos.paths]
            moment = np.array([float(found[-1]) if found else np.nan for found in numbers])
        return moment if len(np.unique(moment[~np.isnan(moment)])) > 1 else None


def _of_copies(scores: csr_array, copy_of: Ints) -> csr_array:
    """Scores of photos by those of contents; two copies match as well as any two contents do.

    Args:
        scores: float64 CSR (C, C) of contents.
        copy_of: int64 (N,), the content of each photo.
    """
    if len(copy_of) == scores.shape[0]:
        order = copy_of
        return csr_array(scores[order][:, order])
    whole = csr_array(scores[copy_of][:, copy_of]).tocoo()
    by_content = np.argsort(copy_of, kind="stable")
    alike = np.split(by_content, np.flatnonzero(np.diff(copy_of[by_content])) + 1)
    pairs = [(u, v) for same in alike if len(same) > 1 for u in same.tolist() for v in same.tolist() if u != v]
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    most = float(scores.data.max()) if scores.nnz else 1.0
    rows, columns = np.concatenate([whole.row, ends[:, 0]]), np.concatenate([whole.col, ends[:, 1]])
    values = np.concatenate([whole.data, np.full(len(ends), most)])
    found = csr_array((values, (rows, columns)), shape=whole.shape)
    found.sort_indices()
    return found


def comparable_groups(orientation: NDArray[np.object_]) -> list[Ints]:
    """Photos that may show the same side, a group an orientation, each with those of which it is not known.

    Args:
        orientation: object (N,), text or None.

    Returns:
        Places, int64, ascending; all of them in one group where hardly any orientation is known.
    """
    unknown = np.array([one is None for one in orientation], dtype=bool)
    names = sorted({str(one) for one in orientation[~unknown]})
    # Else those without would be matched once an orientation.
    if not names or unknown.mean() > 0.5:
        return [np.arange(len(orientation), dtype=np.int64)]
    return [np.flatnonzero(unknown | (orientation == name)).astype(np.int64) for name in names]


def _applies(orientation: NDArray[np.object_], has_keypoints: NDArray[np.bool_]) -> Callable[[Ints], NDArray[np.bool_]]:
    """Tells of pairs whether both show the same side, as far as known, and both have keypoints."""
    side = {name: number for number, name in enumerate(sorted({str(one) for one in orientation if one is not None}))}
    number = np.array([-1 if one is None else side[str(one)] for one in orientation], dtype=np.int64)

    def applies(pairs: Ints) -> NDArray[np.bool_]:
        ends, seen = number[pairs], has_keypoints[pairs]
        same_side = (ends[:, 0] == ends[:, 1]) | (ends < 0).any(axis=1)
        return np.asarray(same_side & seen.all(axis=1))

    return applies


def _nearness(moment: NDArray[np.float64], pairs: Ints) -> NDArray[np.float64]:
    """How near in time two photos are, float64 (P,), NaN where unknown; the sign is left to answers."""
    return -np.log1p(np.abs(moment[pairs[:, 0]] - moment[pairs[:, 1]]) / _unit(moment))


def _unit(moment: NDArray[np.float64]) -> float:
    """The usual time from one photo to the next."""
    known = np.unique(moment[~np.isnan(moment)])
    return float(np.median(np.diff(known))) if len(known) > 1 else 1.0


def _detector(name: str) -> Detector:
    if name == "aliked":
        from aas_plugin.local.aliked import Aliked

        return Aliked()
    from aas_plugin.local.sift import Sift

    return Sift()


class NoEvidence:
    """Nothing beside the features."""

    @hookimpl
    def aas_pair_scores(self) -> list[Source]:
        """Give none."""
        return []


def register_evidence(registry: Registry) -> None:
    """Register the evidence `none` and `local`."""
    registry.register("evidence", "none", lambda options: NoEvidence())
    registry.register("evidence", "local", LocalEvidence, LocalOptions)
