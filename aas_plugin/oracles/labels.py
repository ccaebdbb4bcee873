"""An oracle that answers from the data's identities, with errors and doubts at given rates."""

from __future__ import annotations

import hashlib

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from aas_plugin.active.questions import Question
from aas_plugin.errors import AasError
from aas_plugin.hookspecs import hookimpl
from aas_plugin.runs.run import Run


class LabelsOptions(BaseModel):
    """Options of the oracle `labels`."""

    model_config = ConfigDict(extra="forbid")
    error_rate: float = Field(0.0, ge=0, le=1, description="share of decided answers that are wrong")
    cannot_tell_rate: float = Field(0.0, ge=0, le=1, description="share of questions left undecided")


class LabelsOracle:
    """Answers from identities. The answer to a pair depends on the seed and the two paths alone, never on order."""

    def __init__(self, options: LabelsOptions) -> None:
        self.options = options

    @hookimpl
    def aas_answer(self, run: Run, question: Question) -> str:
        """Answer one question; raises `AasError` when an image's individual is not known."""
        rows = run.train[[question.u, question.v]]
        first, second = run.identity[rows]
        if first is None or second is None:
            path = question.paths[0] if first is None else question.paths[1]
            raise AasError(
                f"the oracle 'labels' answers from identities, and {path!r} of {run.catalogue.name!r} has none; "
                "use --sampler none or an oracle that asks people"
            )
        key = "\0".join((str(run.settings.seed), *sorted(question.paths))).encode()
        seed = int.from_bytes(hashlib.sha256(key).digest()[:8], "big")
        undecided, wrong = np.random.default_rng(seed).random(2)
        if undecided < self.options.cannot_tell_rate:
            return "cannot_tell"
        same = (first == second) != (wrong < self.options.error_rate)
        return "same" if same else "different"
