"""Answers that deny each other: what was asked again is decided by votes, and what is left never contradicts itself."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from aas_plugin.constraints.answers import Answer
from aas_plugin.constraints.closure import Constraints
from aas_plugin.constraints.evidence import by_votes, constraints_of, evidence_from, evidence_of, standing
from aas_plugin.constraints.replay import replay

INDEX = {name: number for number, name in enumerate("abcdefgh")}


def answer(name, pair, decision, repeats="", contradicts=(), annotator="Ada"):
    return Answer(name, pair[0], pair[1], "", "", decision, annotator, "", 1, "over", contradicts, repeats)


def test_what_was_asked_again_says_what_most_of_its_answers_say():
    answers = [
        answer("1", "ab", "same"),
        answer("2", "ac", "different", "1", ("1",)),
        answer("3", "bd", "different", "1", ("1",)),
        answer("4", "ef", "same"),
    ]
    evidence = evidence_of(answers, INDEX)
    assert evidence.item.tolist() == [0, 0, 0, 1] and evidence.votes.tolist() == [-1, 1]
    assert by_votes(evidence, 8).tolist() == [False, True, True, True]
    assert [one.id for one in standing(answers)] == ["2", "3", "4"]
    constraints = Constraints(8)
    replay(answers, INDEX, constraints)
    assert constraints.must_links.tolist() == [[4, 5]] and len(constraints.cannot_links) == 2


def test_a_tie_says_nothing_and_a_marked_answer_alone_neither():
    answers = [answer("1", "ab", "same"), answer("2", "cd", "different", "1"), answer("3", "ef", "same", "", ("9",))]
    assert not by_votes(evidence_of(answers, INDEX), 8).any()
    assert standing(answers) == []


def test_the_newest_word_of_a_person_on_a_pair_counts_and_two_people_count_twice():
    answers = [
        answer("1", "ab", "same"),
        answer("2", "ba", "different"),
        answer("3", "ab", "different", annotator="Eve"),
        answer("4", "ab", "cannot_tell"),
        answer("5", "ax", "same"),
    ]
    evidence = evidence_of(answers, INDEX)
    assert evidence.ids == ("2", "3") and evidence.votes.tolist() == [-2]


def test_asked_again_of_the_same_photographs_a_person_has_one_vote():
    answers = [
        answer("1", "ab", "same"),
        answer("2", "ab", "different", "1", annotator="Eve"),
        answer("3", "ba", "different", "1"),
    ]
    assert evidence_of(answers, INDEX).votes.tolist() == [-2]
    assert [one.id for one in standing(answers)] == ["2", "3"]
    twice = [answer("1", "ab", "same"), answer("2", "ab", "same", "1"), answer("3", "ab", "different", "1", (), "Eve")]
    assert evidence_of(twice, INDEX).votes.tolist() == [0]
    assert standing(twice) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.booleans(), st.integers(0, 9)), max_size=30))
def test_the_answers_in_force_never_contradict_each_other(told):
    names = "abcdefgh"
    answers = [
        answer(str(k), names[u] + names[v], "same" if same else "different", str(again) if again < k else "")
        for k, (u, v, same, again) in enumerate(told)
        if u != v
    ]
    evidence = evidence_of(answers, INDEX)
    in_force = by_votes(evidence, 8)
    constraints = constraints_of(evidence, in_force, 8)
    again = evidence_from(constraints)
    assert by_votes(again, 8).all()
    votes = evidence.votes[evidence.item]
    assert not (in_force & (np.where(evidence.same, 1, -1) * votes <= 0)).any()
