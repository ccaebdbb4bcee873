"""Pseudo-labels in which answers hold: by a refiner, asked where it has to be, and checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from aas_plugin.active.questions import call_with_needed, hook_or_function
from aas_plugin.clustering.graph import Graph
from aas_plugin.constraints.closure import Constraints
from aas_plugin.constraints.evidence import Evidence, evidence_from
from aas_plugin.constraints.np3 import np3
from aas_plugin.errors import AasError

MakeGraph = Callable[[], Graph]


class PaperRefiner:
    """NP3 with the paper's settings.

    Attributes:
        keeps_satisfied: labels that break no answer stay as they are.
    """

    keeps_satisfied = True

    def __call__(
        self, labels: np.ndarray, must_links: np.ndarray, cannot_links: np.ndarray, graph: Graph
    ) -> np.ndarray:
        """Merge and split: see `np3`."""
        return np3(labels, must_links, cannot_links, graph.between)


def keeps_satisfied(refiner: Any) -> bool:
    """Whether a refiner leaves labels as they are that break no constraint, and others as far as it can."""
    return bool(getattr(refiner, "keeps_satisfied", False))


def refined_by(
    refiner: Any, links: Constraints, labels: np.ndarray, graph: Graph | MakeGraph, evidence: Evidence | None = None
) -> np.ndarray:
    """Labels in which constraints hold.

    Args:
        refiner: a plugin object with the hook `aas_refine`, or a function of the same arguments. Where its attribute
            `keeps_satisfied` is True, it is not asked about labels that break no constraint.
        links: over N images.
        labels: int64 (N,), -1 for un-clustered.
        graph: distances between the images, or a function that makes them when they are needed.
        evidence: the answers behind the constraints, and those set aside; without, each constraint is an answer.

    Returns:
        int64 (N,), 0..K-1 and -1; the labels as they are where the refiner is not asked.

    Raises:
        AasError: the refiner gives no labels of these images, or some in which a constraint does not hold.
    """
    if keeps_satisfied(refiner) and not any(links.violations(labels)):
        return labels
    refined = call_with_needed(
        hook_or_function(refiner, "aas_refine"),
        labels=labels,
        must_links=links.must_links,
        cannot_links=links.cannot_links,
        evidence=evidence_from(links) if evidence is None else evidence,
        graph=graph() if callable(graph) else graph,
    )
    refined = np.asarray(refined)
    if refined.shape != labels.shape or refined.dtype.kind not in "iu":
        raise AasError(
            f"the refiner gave {refined.dtype} of the shape {refined.shape}; whole numbers ({len(labels)},) are needed"
        )
    must, cannot = links.violations(refined)
    if must or cannot:
        raise AasError(f"{must} must-links and {cannot} cannot-links do not hold in the labels that the refiner gave")
    return refined.astype(np.int64, copy=False)
