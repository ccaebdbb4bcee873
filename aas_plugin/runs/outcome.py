"""What a run's end is told in: did training help, by the evaluation that is printed anyway, and by answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

UNTRAINED = ("mAP", "mINP", "top1", "BAKS", "AUC_ROC", "ARI")
"""Figures of the untrained model that stand in `metrics.json`, as `untrained.mAP` and so on."""

NOTHING_TRAINED = "the method trains nothing"
"""Why the untrained model is kept where there is no other one."""

ADVICE = (
    "look at the photos and features with aas data check, train for fewer epochs, take another backbone or method, "
    "or answer more questions"
)


def falls_below(final: Mapping[str, Any]) -> bool:
    """Whether a run, by its `metrics.json`, ends below the untrained model's mAP."""
    untrained, last = final.get("untrained.mAP"), final.get("mAP")
    return untrained is not None and last is not None and last < untrained


def unmeasured_in_words(identity: Sequence[object], test: Sequence[object]) -> str:
    """Why a run has no mAP, and how to get one.

    Args:
        identity: individual of each photo, None where it is not known.
        test: the same of each test photo.
    """
    photos = Counter(name for name in identity if name is not None)
    if not photos:
        return "There is no mAP because no photo has an individual; name those of some in a CSV with path and identity."
    if max(photos.values()) < 2:
        return (
            "There is no mAP because every individual has one photo, and it takes two, one to search for and one to "
            "find; add second photos of some individuals, or count the same individual under one name."
        )
    if not any(name is not None for name in test):
        return (
            "There is no mAP because no test photo has an individual; put some into the test split (column split of a "
            "CSV), or name the individuals of those that are in it."
        )
    return (
        "There is no mAP because no test photo has an individual with a photo in the gallery; take a larger "
        "evaluation.test_share, or a smaller evaluation.held_out."
    )


def kept_in_words(final: Mapping[str, Any]) -> str:
    """Which model `model.pt` is, and why; "" for a run that keeps none.

    Args:
        final: its `metrics.json`.
    """
    if "kept" not in final:
        return ""
    return f"model.pt is the {final['kept']} model: {final['kept_because']}."


def outcome_in_words(final: Mapping[str, Any]) -> str:
    """What is to be told of a run beside its numbers; "" where training helped as far as anybody can tell.

    Args:
        final: its `metrics.json`.
    """
    if final.get("kept_because") == NOTHING_TRAINED:
        return ""
    below = falls_below(final)
    if final.get("kept") == "untrained":
        words = f"Training did not help: {final['kept_because']}"
        if final.get("trained_model"):
            words += f". model.pt is the untrained model, the trained one is in {final['trained_model']}"
        if "untrained.mAP" in final and "mAP" in final:
            words += f" (test mAP: untrained {final['untrained.mAP']:.3f}, trained {final['mAP']:.3f})"
    elif below:
        words = f"Training did not help: the untrained model had mAP {final['untrained.mAP']:.3f}, this one has "
        words += f"{final['mAP']:.3f}"
        if final.get("trained_model"):
            words += ". Answers do not say so, and the evaluation may not choose: model.pt is the trained model, the "
            words += "untrained one is in model-untrained.pt"
    else:
        return ""
    return f"{words}. What to try: {ADVICE}."
