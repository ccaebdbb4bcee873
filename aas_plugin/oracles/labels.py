"""An oracle that answers from the data's identities, with errors and doubts at given rates."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from aas_plugin.active.questions import Question
from aas_plugin.errors import AasError
from aas_plugin.hookspecs import hookimpl


class LabelsOptions(BaseModel):
    """Options of the oracle `labels`."""

    model_config = ConfigDict(extra="forbid")
    error_rate: float = Field(0.0, ge=0, le=1, description="share of decided answers that are wrong")
    cannot_tell_rate: float = Field(0.0, ge=0, le=1, description="share of questions left undecided")


class LabelsOracle:
    """Answers from identities.

    The answer to a pair depends on the seed and the two paths alone, never on the order of questions.

    Args:
        options: how often it is wrong, and how often it cannot tell.
    """

    machine = True

    def __init__(self, options: LabelsOptions) -> None:
        self.options = options

    @hookimpl
    def aas_answer(self, question: Question, identities: Sequence[object] | np.ndarray | None, seed: int) -> str:
        """Answer one question from the identities of both images.

        Raises:
            AasError: one of them has none.
        """
        named = [None if identities is None else identities[image] for image in (question.u, question.v)]
        for path, name in zip(question.paths, named, strict=True):
            if pd.isna(name):
                raise AasError(
                    f"the oracle 'labels' answers from identities, and {path!r} has no identity; leave it out, take "
                    "--sampler none, or ask people by --oracle people"
                )
        if not (self.options.cannot_tell_rate or self.options.error_rate):
            return "same" if named[0] == named[1] else "different"
        key = "\0".join((str(seed), *sorted(question.paths))).encode()
        undecided, wrong = np.random.default_rng(int.from_bytes(hashlib.sha256(key).digest()[:8], "big")).random(2)
        if undecided < self.options.cannot_tell_rate:
            return "cannot_tell"
        same = (named[0] == named[1]) != (wrong < self.options.error_rate)
        return "same" if same else "different"
