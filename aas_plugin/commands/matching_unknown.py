"""What `aas match` says of its probabilities: how far they go, and where they go no further."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from aas_plugin.evaluation.leave_one_out import Ints, Scores, leave_one_out
from aas_plugin.evaluation.matching import Similarity
from aas_plugin.evaluation.unknown import Calibration, calibrate, log_odds

Floats = NDArray[np.float64]

FEW = 10
"""Individuals with two photos below which a calibration is a rough guide (ours)."""

FAR = 0.1
"""Expected calibration error above which, and above that of chance, probabilities are not to be trusted (ours)."""

BLIND = 0.6
"""Balanced accuracy on individuals that were held out below which scores hardly tell unknown ones (ours)."""


class Chances:
    """Probabilities of photos, calibrated on the gallery.

    Args:
        similarity: of gallery photos to all of them.
        individual: int64 (G,), of the gallery.
        hashes: G, equal where files are.
        probable: whether similarities are probabilities.

    Attributes:
        calibration: None where the gallery does not allow for one.
    """

    def __init__(self, similarity: Similarity, individual: Ints, hashes: list[str], probable: bool) -> None:
        copy = np.unique(np.array(hashes, dtype=str), return_inverse=True)[1].astype(np.int64)
        trials = leave_one_out(similarity, individual, copy)
        self._probable = probable
        self._copies = len(individual) - len(trials.individual)
        self.calibration: Calibration | None = calibrate(
            trials._replace(scores=log_odds(trials.scores)) if probable else trials
        )

    def of(self, scores: Scores, share: float) -> tuple[Floats, Floats]:
        """P(unknown), float64 (P,), and P(each individual), float64 (P, I), of float32 (P, I); NaN without calibration.

        Args:
            scores: best similarities of photos by individual.
            share: of photos that show an unknown individual, in [0, 1].
        """
        if self.calibration is None:
            return np.full(len(scores), np.nan), np.full(scores.shape, np.nan)
        told = log_odds(scores) if self._probable else scores
        return self.calibration.unknown(told, share), self.calibration.each(told, share)

    def told(self) -> str:
        """How well calibrated the probabilities are, in a sentence, with a warning where they are not to be trusted."""
        found = self.calibration
        copies = (
            f"; {self._copies} copies in the gallery count as one photo with their originals" if self._copies else ""
        )
        if found is None:
            return (
                "probability and p_unknown are blank: the gallery cannot calibrate them, which takes two individuals, "
                f"one of them with two different photos{copies}"
            )
        if math.isnan(found.error):
            return (
                "do not trust probability and p_unknown: one individual alone has two different photos, so that they "
                f"cannot be checked; add second photos of others{copies}"
            )
        text = (
            f"p_unknown is off by {found.error:.3f} (expected calibration error; chance alone: {found.by_chance:.3f}) "
            f"and decides {found.accuracy:.0%} rightly, by cross-validation over individuals on {found.trials} gallery "
            f"photos{copies}"
        )
        warning = self._warning(found)
        return f"{text}; {warning}" if warning else text

    def _warning(self, found: Calibration) -> str:
        if found.individuals < FEW:
            return f"a rough guide only, as no more than {found.individuals} individuals have two photos"
        if found.error > max(FAR, 2 * found.by_chance):
            return "do not trust it: it is far off"
        if found.accuracy < BLIND:
            return "these features hardly tell unknown individuals from known ones"
        return ""
