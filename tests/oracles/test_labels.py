"""The oracle answers from identities, errs at its rate, and the same way in any order."""

import numpy as np
import pandas as pd
import pytest

from aas_plugin.active.questions import Question
from aas_plugin.errors import AasError
from aas_plugin.oracles.labels import LabelsOptions, LabelsOracle

IDENTITY = np.array([f"i{n % 40}" for n in range(200)], dtype=object)


def questions():
    return [Question(u, v, (f"{u}.jpg", f"{v}.jpg"), "over", 1) for u in range(60) for v in range(u + 1, 100)]


def answers(options, seed=0, order=1):
    oracle = LabelsOracle(LabelsOptions(**options))
    return [oracle.aas_answer(question, IDENTITY, seed) for question in questions()[::order]][::order]


def test_without_errors_it_tells_the_truth():
    for question, answer in zip(questions(), answers({}), strict=True):
        assert answer == ("same" if IDENTITY[question.u] == IDENTITY[question.v] else "different")


def test_rates_are_met():
    given = answers({"error_rate": 0.2, "cannot_tell_rate": 0.3})
    decided = [(a, t) for a, t in zip(given, answers({}), strict=True) if a != "cannot_tell"]
    assert 1 - len(decided) / len(given) == pytest.approx(0.3, abs=0.03)
    assert np.mean([a != t for a, t in decided]) == pytest.approx(0.2, abs=0.03)


def test_answers_do_not_depend_on_order_but_on_the_seed():
    noisy = {"error_rate": 0.5}
    assert answers(noisy) == answers(noisy, order=-1)
    assert answers(noisy) != answers(noisy, seed=1)


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA])
def test_an_image_without_identity_is_named(missing):
    identity = IDENTITY.copy()
    identity[1] = missing
    for known in (identity, None):
        with pytest.raises(AasError, match=r"'[01]\.jpg' has no identity"):
            LabelsOracle(LabelsOptions()).aas_answer(questions()[0], known, 0)
