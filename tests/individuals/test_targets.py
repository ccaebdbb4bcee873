"""Targets of labelling: how they are written, and when they are met."""

import pytest

from aas_plugin.errors import AasError
from aas_plugin.individuals.targets import Target, most_questions, parse_targets, reached


def outlook(answers=0, merges=None, splits=None):
    told = {"answers": answers}
    for name, high in (("wrong_merges", merges), ("wrong_splits", splits)):
        told[name] = None if high is None else {"value": high / 2, "low": 0, "high": high}
    return told


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("wrong merges <= 1", [("wrong merges", 1)]),
        ("  Wrong  Merges<=0 ", [("wrong merges", 0)]),
        ("wrong splits ≤ 5", [("wrong splits", 5)]),
        ("wrong merges <= 1 and wrong splits <= 5 AND questions <= 200",
         [("wrong merges", 1), ("wrong splits", 5), ("questions", 200)]),
    ],
)  # fmt: skip
def test_targets_are_read_and_written_in_one_form(text, targets):
    found = parse_targets(text)
    assert found == tuple(Target(*one) for one in targets)
    assert parse_targets(" and ".join(map(str, found))) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "wrong merges",
        "wrong merges < 1",
        "merges <= 1",
        "wrong merges <= -1",
        "wrong merges <= 1.5",
        "questions <= ²",
        "wrong merges <= 1 or questions <= 2",
        "wrong merges <= 1 and",
        "questions <= 1 and questions <= 2",
    ],
)
def test_anything_else_is_one_sentence_with_the_forms(text):
    with pytest.raises(AasError, match=r"wrong merges <= 1.*wrong splits <= 5.*questions <= 200") as raised:
        parse_targets(text)
    assert "\n" not in str(raised.value)


def test_the_upper_end_of_an_interval_has_to_keep_the_promise():
    target = Target("wrong merges", 1)
    assert target.met(outlook(merges=1))
    assert not target.met(outlook(merges=1.01))
    assert not target.met(outlook())


def test_all_goals_are_met_or_the_limit_of_questions_is_reached():
    both = parse_targets("wrong merges <= 1 and wrong splits <= 5")
    assert not reached(both, outlook(merges=1, splits=6))
    assert reached(both, outlook(merges=1, splits=5))
    limited = parse_targets("wrong merges <= 1 and questions <= 200")
    assert most_questions(limited) == 200 and most_questions(both) is None
    assert not reached(limited, outlook(answers=199, merges=2))
    assert reached(limited, outlook(answers=200, merges=2))
    assert reached(limited, outlook(answers=20, merges=1))
    assert not reached((), outlook(answers=10**6, merges=0, splits=0))
