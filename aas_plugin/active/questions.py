"""A question about two images."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """One pair of images to ask about.

    `u < v` are positions in the training set, `paths` are relative to the catalogue, `kind` says which error
    the answer can resolve ("over" or "under" segmentation, or a sampler's own word).
    """

    u: int
    v: int
    paths: tuple[str, str]
    kind: str
    cycle: int
