"""Groups of images that answers put together, and what holds them together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from aas_plugin.constraints.answer_state import AnswerState
from aas_plugin.constraints.answers import Answer
from aas_plugin.constraints.closure import components

MOST = 200


def must_link_groups(state: AnswerState, most: int = MOST) -> list[dict[str, Any]]:
    """Groups of two images and more, the largest first: `photos`, and the number of `answers` within each.

    Args:
        state: of the answers.
        most: how many groups are given.
    """
    links = state.constraints.must_links
    group = components(state.constraints.n, links)
    members: dict[int, list[int]] = {}
    for image in np.unique(links).tolist():
        members.setdefault(int(group[image]), []).append(image)
    counts = np.bincount(group[links[:, 0]], minlength=1)
    found = sorted(members.items(), key=lambda one: -len(one[1]))
    return [{"photos": images, "answers": int(counts[number])} for number, images in found[:most]]


def between(state: AnswerState, images: Sequence[int]) -> list[Answer]:
    """The answers in effect that say "same" of one of these images and one that is not among them."""
    chosen = set(images)
    return [
        answer
        for answer in state.answers.values()
        if answer.id in state.in_effect
        and answer.decision == "same"
        and len(chosen.intersection(state.place(answer))) == 1
    ]
