"""What was known at an earlier time of a run: the answers of its cycles so far, and labels in which they hold."""

from __future__ import annotations

import numpy as np

from aas_plugin.active.learner import MakeGraph
from aas_plugin.clustering.graph import Graph
from aas_plugin.constraints.closure import Constraints
from aas_plugin.constraints.np3 import np3
from aas_plugin.constraints.replay import replay
from aas_plugin.runs.run import Run


def answers_until(run: Run, cycle: int) -> Constraints:
    """What the answers of a cycle and of all before it amount to; the same whenever it is asked for."""
    learner = run.active
    index = {path: position for position, path in enumerate(learner.paths)}
    constraints = Constraints(len(learner.paths))
    replay([answer for answer in learner.log.answers() if answer.cycle <= cycle], index, constraints, learner.log.path)
    return constraints


def refined_by(constraints: Constraints, labels: np.ndarray, graph: Graph | MakeGraph) -> np.ndarray:
    """Labels, int64 (N,), in which the constraints hold, as `ActiveLearner.refine` makes them of all answers."""
    if not any(constraints.violations(labels)):
        return labels
    made = graph() if callable(graph) else graph
    return np3(labels, constraints.must_links, constraints.cannot_links, made.distance)
