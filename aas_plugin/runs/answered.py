"""What was known at an earlier time of a run: the answers of its cycles so far."""

from __future__ import annotations

from aas_plugin.constraints.closure import Constraints
from aas_plugin.constraints.replay import replay
from aas_plugin.runs.run import Run


def answers_until(run: Run, cycle: int) -> Constraints:
    """What the answers of a cycle and of all before it amount to; the same whenever it is asked for."""
    learner = run.active
    index = {path: position for position, path in enumerate(learner.paths)}
    constraints = Constraints(len(learner.paths))
    replay([answer for answer in learner.answers() if answer.cycle <= cycle], index, constraints, learner.log.path)
    return constraints
