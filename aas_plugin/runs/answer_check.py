"""The check on answers: did training help? It looks at no identity.

Two figures are told in a cycle's report, each an area under the ROC curve (AUC) of "same" against "different" by
cosine similarity, of the untrained and of the trained model:

- `check.learned_...`: on all answers so far, of the model at the end of the cycle, which was trained on them. It
  decides: training must have taken back `LEAST_SHARE` of the untrained model's errors.
- `check.since_...`: on the answers of a cycle, of the model as it was when they were asked, which was not trained on
  them. It does not decide: questions are chosen where this very model is unsure, and that outweighs what it measures.

Measured on `coats`, seed 0, levels easy, default and hard, with SpCL, ClusterContrast and PPLR: eight models that were
worse than the untrained one (by .009 to .160 mAP) had taken back at most 30 % of its errors on the answers that they
were trained on, seven that were better (by .033 to .312) 39 to 94 %. On the answers given since, four of six models
that were worse looked better than the untrained one.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Literal

import numpy as np

from aas_plugin.constraints.closure import Constraints
from aas_plugin.constraints.following import pairs_that_follow
from aas_plugin.evaluation.answered_pairs import auc_of_answers
from aas_plugin.files import write_atomically
from aas_plugin.runs.answered import answers_until
from aas_plugin.runs.run import NativeRun

LEAST_SHARE = 1 / 3
"""Share of the untrained model's errors on answers that training must take back (ours)."""

FEWEST = 20
"""Pairs of either kind below which nothing is decided."""

Figures = dict[str, float | int | None]


class AnswerCheck:
    """Compares the run's model with the untrained one on answers.

    Attributes:
        run: the run.
        embed: gives the features of catalogue rows by the run's model as it is.
        trains: whether that model ever is another than the untrained one; without, there is nothing to tell.
    """

    def __init__(self, run: NativeRun, embed: Callable[[np.ndarray], np.ndarray], trains: bool = True) -> None:
        self.run = run
        self.embed = embed
        self.trains = trains

    @cached_property
    def untrained(self) -> np.ndarray:
        """Features of the training images by the untrained model, float32 (N, D), kept in the run's folder.

        To be read first while the run's model is untrained.
        """
        path = self.run.folder / "checkpoints" / "untrained.npy"
        features: np.ndarray
        if path.exists():
            try:
                features = np.load(path, allow_pickle=False)
                if features.ndim == 2 and len(features) == len(self.run.train) and features.dtype == np.float32:
                    return features
                why = f"{features.dtype} of the shape {features.shape}"
            except Exception as error:  # Anything can be in a damaged file.
                why = " ".join(str(error).split())[:100]
            warnings.warn(f"{path} is damaged ({why}) and computed anew", stacklevel=2)
        features = self.embed(self.run.train)
        held = io.BytesIO()
        np.save(held, features)
        write_atomically(path, lambda file: file.write(held.getbuffer()))
        return features

    def since(self, cycle: int) -> Figures:
        """Figures on the answers of a cycle, for a model that has not been trained on them yet."""
        return self._compare("since", answers_until(self.run, cycle), answers_until(self.run, cycle - 1))

    def learned(self, cycle: int) -> Figures:
        """Figures on the answers of a cycle and of all before it, for the model that was trained on them."""
        return self._compare("learned", answers_until(self.run, cycle), Constraints(len(self.run.train)))

    def _compare(self, name: str, after: Constraints, before: Constraints) -> Figures:
        if not self.trains:
            return {}
        pairs, same = pairs_that_follow(after, before, self.run.rng(f"check {name}"))
        found: Figures = {f"check.{name}_same": int(same.sum()), f"check.{name}_different": int((~same).sum())}
        if same.all() or not same.any():
            return found
        positions, ends = np.unique(pairs, return_inverse=True)
        ends = ends.reshape(pairs.shape)
        now = self.embed(self.run.train[positions])
        for whose, features in (("untrained", self.untrained[positions]), ("trained", now)):
            scores = np.einsum("pd,pd->p", features[ends[:, 0]], features[ends[:, 1]])
            found[f"check.{name}_{whose}"] = auc_of_answers(scores, same)
        return found


def learned_share(report: Mapping[str, Any]) -> float | None:
    """Share of the untrained model's errors on answers that a cycle's model no longer makes.

    Args:
        report: of the cycle.

    Returns:
        At most 1, below 0 where the model makes more errors. None where too few answers are known to say.
    """
    if min(report.get(f"check.learned_{kind}") or 0 for kind in ("same", "different")) < FEWEST:
        return None
    before, after = (float(report[f"check.learned_{whose}"]) for whose in ("untrained", "trained"))
    return (after - before) / (1 - before) if before < 1 else None


def choose(report: Mapping[str, Any], verdict: str | None = None) -> tuple[Literal["trained", "untrained"], str]:
    """Which model to keep, and why, in a sentence.

    Where answers are too few for a comparison, features that the gate called hopeless leave the untrained model: on all
    such sets that were measured, training ended below it.

    Args:
        report: of the last cycle.
        verdict: of the gate, after the first cycle; None where nothing was asked.
    """
    share = learned_share(report)
    if share is None:
        few = "too few answers are known to compare the trained model with the untrained one"
        if verdict == "hopeless":
            return "untrained", f"{few}, and the first answers called the features hopeless"
        return "trained", few
    told = (
        f"on the answers it was trained on, the trained model tells same from different with an AUC of "
        f"{report['check.learned_trained']:.3f}, the untrained one with {report['check.learned_untrained']:.3f}"
    )
    if share < LEAST_SHARE:
        return "untrained", f"{told}; training that helps takes back at least a third of the errors"
    return "trained", told


def best_cycle(reports: list[dict[str, Any]]) -> dict[str, Any]:
    """The report of the cycle whose model took back most errors on answers; cycle 0, untrained, where none did."""
    return max(reports, key=lambda report: (learned_share(report) or 0.0) if report["cycle"] else 0.0)
