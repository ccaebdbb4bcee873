"""The area under the curve of answers, against counting couples."""

import numpy as np
import pytest

from aas_plugin.evaluation.answered_pairs import auc_of_answers


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_share_of_couples_in_the_right_order(seed):
    rng = np.random.default_rng(seed)
    scores, same = rng.integers(0, 6, 30) / 5, rng.random(30) < 0.4
    couples = [(a, b) for a in scores[same] for b in scores[~same]]
    right = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in couples)
    assert auc_of_answers(scores, same) == pytest.approx(right / len(couples))


def test_one_kind_alone_says_nothing():
    for same in (True, False):
        assert auc_of_answers(np.array([0.1, 0.9]), np.array([same, same])) is None
