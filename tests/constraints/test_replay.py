"""Answers become constraints on the images of a catalogue."""

import pytest

from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.constraints.closure import Constraints, Contradiction
from aas_plugin.constraints.replay import replay

INDEX = {"p/0.jpg": 0, "p/1.jpg": 1, "p/2.jpg": 2, "p/3.jpg": 3}


def answer(name, a, b, decision, contradicts=()):
    return Answer(name, f"p/{a}.jpg", f"p/{b}.jpg", "", "", decision, "Ada", "", 0, "over", contradicts)


def test_answers_become_constraints_tagged_with_their_ids():
    answers = [
        answer("a1", 2, 0, "same"),
        answer("a2", 0, 3, "different"),
        answer("a3", 3, 1, "cannot_tell"),
        answer("a4", 1, 3, "cannot_tell"),
        answer("a5", 0, 9, "same"),
        answer("a6", 9, 8, "cannot_tell"),
        answer("a7", 2, 3, "same", contradicts=("a1", "a2")),
    ]
    constraints = Constraints(4)
    replayed = replay(answers, INDEX, constraints)
    assert replayed.constraints is constraints
    assert constraints.must_links.tolist() == [[0, 2]]
    assert constraints.cannot_links.tolist() == [[0, 3]]
    assert replayed.cannot_tell == {(1, 3)}
    assert replayed.unknown == 2


def test_constraints_follow_paths_when_the_catalogue_grows():
    index = {"new.jpg": 0} | {path: number + 1 for path, number in INDEX.items()}
    replayed = replay([answer("a1", 0, 2, "same")], index, Constraints(5))
    assert replayed.constraints.must_links.tolist() == [[1, 3]]


def test_no_answers():
    replayed = replay([], INDEX, Constraints(4))
    assert (replayed.cannot_tell, replayed.unknown) == (set(), 0)
    assert len(replayed.constraints.must_links) == 0


def test_a_contradictory_log_shows_the_chain_and_is_mended_by_a_revocation(tmp_path):
    log = AnswerLog(tmp_path / "answers.jsonl")
    log.append([answer("a1", 0, 1, "same"), answer("a2", 2, 1, "different"), answer("a3", 0, 2, "same")])
    with pytest.raises(Contradiction) as error:
        replay(log.answers(), INDEX, Constraints(4), log.path)
    assert str(error.value) == (
        f"Answer a3 in {log.path} says 'same' of p/0.jpg and p/2.jpg, but p/0.jpg is the same as p/1.jpg (a1), "
        "p/1.jpg differs from p/2.jpg (a2); remove or revoke one of these answers."
    )
    assert error.value.chain == [(0, 1, True, "a1"), (1, 2, False, "a2")]
    log.revoke("a2", "Ada")
    replayed = replay(log.answers(), INDEX, Constraints(4), log.path)
    assert replayed.constraints.must_links.tolist() == [[0, 1], [0, 2]]
