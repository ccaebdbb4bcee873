"""Why a pair was asked, in words and numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aas_plugin.active.begun import proposal_path
from aas_plugin.files import read_table

WHY = {
    "over": "Is one individual spread over two groups? The photos are the most typical ones of two groups that look "
    "alike (over-segmentation).",
    "under": "Does one group mix individuals? Of two ways to group the photos, one puts these two together and the "
    "other apart (under-segmentation).",
    "random": "Drawn by chance among all pairs whose answer was not known.",
    "similar": "The most similar pair whose answer was not known.",
    "margin": "The pair whose distance is nearest to the radius of the clustering.",
    "pivot": "A cluster's most typical photo, and another one of the cluster.",
    "far": "Two photos of one cluster that are far apart.",
    "clusters": "Are two clusters one individual? Of all such questions this one decides most photos in doubt.",
    "merge": "Is one cluster one individual? It was joined of two parts, of which these photos are, and may be wrong.",
    "atom": "Is one cluster one individual? It was joined of two parts, of which these photos are, and may be wrong.",
    "explore": "Are two clusters one individual? They share no neighbours, but their photos are alike on average.",
    "trial: evidence": "On trial: of all pairs that keypoints put first. Do they find the same individuals?",
    "trial: features": "On trial: of all pairs that features put first, to compare keypoints with.",
    "trial: both": "On trial: both keypoints and features put this pair first.",
    "likely": "The pair that is most likely the same by features and keypoints, of those not known.",
    "again": "An earlier answer about the same two individuals is in doubt: asked once more, by other photos.",
}

IN_CLUSTERS = (
    "had both photos in clusters",
    "had one of the photos in no cluster",
    "had neither photo in a cluster",
)
"""By view A; groups that a question is about are those of both views."""


def why_asked(kind: str, sampler: str) -> str:
    """A sentence or two about a kind of question; for the kinds of other samplers, who chose it."""
    return WHY.get(kind, f"Chosen by the sampler {sampler}, as a question of the kind {kind}.")


def facts_of(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a sampler knew of a pair, each as what it is and its value.

    Args:
        row: of the proposal; empty where nothing is known.
    """
    facts = []
    if not math.isnan(row.get("similarity", math.nan)):
        facts.append(("similarity", f"{row['similarity']:.2f} (0: nothing in common, 1: alike)"))
    if not math.isnan(row.get("probability", math.nan)):
        facts.append(("chance in a single draw", _percent(row["probability"])))
    if 0 <= row.get("type", -1) < len(IN_CLUSTERS):
        facts.append(("DBSCAN", IN_CLUSTERS[int(row["type"])]))
    regions = [int(row[side]) for side in ("region_u", "region_v") if row.get(side, -1) >= 0]
    if regions:
        same = len(set(regions)) == 1
        facts.append(
            ("unclear group", f"{regions[0]}") if same else ("unclear groups", f"{regions[0]} and {regions[1]}")
        )
    return facts


def proposed_pairs(folder: Path, cycle: int) -> dict[frozenset[str], dict[str, Any]]:
    """The rows of a cycle's proposal by the paths of both images; none where it cannot be read."""
    try:
        rows = read_table(proposal_path(folder, cycle)).to_dict("records")
        return {frozenset((row["path_u"], row["path_v"])): {str(k): v for k, v in row.items()} for row in rows}
    except (OSError, ValueError, KeyError):
        return {}


def _percent(share: float) -> str:
    """A share as percent, with as many digits as a small one needs."""
    return f"{100 * share:.0f} %" if share >= 0.095 else f"{100 * share:.2g} %"
