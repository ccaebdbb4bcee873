"""What counts as a look, how far looks agree, and what is said of each person."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aas_plugin.constraints.agreement import agreement, kappa, looks, people_report
from aas_plugin.constraints.answers import SET_ASIDE, Answer, Revocation

DECISIONS = ("same", "different", "cannot_tell")


def answer(name, pair, decision, person="Ada", repeats="", contradicts=(), reason=""):
    return Answer(name, pair[0], pair[1], "", "", decision, person, "", 1, "over", contradicts, repeats, reason=reason)


def back(*names, reason):
    return {name: Revocation(name, "Ada", "", reason) for name in names}


def ids(pairs):
    return [[look.id for look in pair] for pair in pairs]


def test_a_second_look_is_at_the_same_pair_by_whomever():
    answers = [
        answer("1", "ab", "same"),
        answer("2", "ba", "same", "Bob", repeats="1"),
        answer("3", "ac", "same", "Bob", repeats="1"),
        answer("4", "ac", "same", "Bob", repeats="3"),
        answer("5", "cd", "same"),
        answer("6", "cd", "same", "Eve"),
    ]
    assert ids(looks(answers)) == [["1", "2"], ["3", "4"], ["5", "6"]]


def test_what_one_changes_unasked_is_the_look_and_what_others_denied_was_one():
    answers = [
        answer("1", "ab", "same"),
        answer("2", "ab", "different"),
        answer("3", "cd", "same"),
        answer("4", "cd", "different"),
        answer("5", "cd", "different", "Bob", repeats="4"),
        answer("6", "ef", "same"),
        answer("7", "ef", "different"),
    ]
    taken = {
        **back("1", reason="undo"),
        **back("3", reason="contradiction"),
        **back("6", reason="changed"),
    }
    assert ids(looks(answers, taken)) == [["2"], ["3", "5"], ["7"]]
    denied = [replace(answers[0], contradicts=("9",)), answers[1]]
    assert ids(looks(denied, back("1", reason="undo"))) == [["1"]]


def test_an_answer_that_was_set_aside_is_one_look():
    old = answer("1", "ab", "same")
    aside = replace(old, id="2", reason=SET_ASIDE, contradicts=("9",))
    assert ids(looks([old, aside], back("1", reason="contradiction"))) == [["1"]]
    assert ids(looks([aside])) == [["2"]]


def test_of_one_persons_answers_to_one_question_the_newest_counts():
    answers = [answer("1", "ab", "same"), answer("2", "ab", "different"), answer("3", "ab", "same", "Bob")]
    assert ids(looks(answers)) == [["2", "3"]]


def table(counts):
    """Pairs of looks of Ada and Bob, by how often they say what."""
    found = []
    for (one, other), count in counts.items():
        for _ in range(count):
            number = len(found)
            pair = (f"a{number}", f"b{number}")
            found.append([answer(f"{number}", pair, one), answer(f"{number}+", pair, other, "Bob", f"{number}")])
    return found


def test_kappa_of_two_people_is_cohens():
    pairs = table({("same", "same"): 20, ("same", "different"): 5, ("different", "same"): 10, ("different",) * 2: 15})
    assert agreement(pairs) == pytest.approx(0.7)
    assert kappa(pairs) == pytest.approx(0.4)
    assert kappa([pair[::-1] for pair in pairs]) == pytest.approx(0.4)


def test_cannot_tell_against_a_decision_is_disagreement_and_says_nothing_of_errors():
    pairs = table({("same", "same"): 3, ("cannot_tell", "different"): 1, ("cannot_tell", "cannot_tell"): 1})
    assert agreement(pairs) == pytest.approx(0.8)
    told = people_report([look for pair in pairs for look in pair])
    assert [one["error_rate"] for one in told["people"]] == [0, 0]
    assert [one["cannot_tell"] for one in told["people"]] == [2, 1]
    assert [one["checked"] for one in told["people"]] == [5, 5]


def test_where_nothing_is_checked_or_all_is_alike():
    assert people_report([]) == {"people": [], "checked_pairs": 0, "agreement": None, "kappa": None}
    alone = people_report([answer("1", "ab", "same")])
    one = {"person": "Ada", "answers": 1, "cannot_tell": 0, "checked": 0, "error_rate": None, "interval": None}
    assert alone == {"people": [one], "checked_pairs": 0, "agreement": None, "kappa": None}
    alike = people_report([look for pair in table({("same", "same"): 4}) for look in pair])
    assert (alike["agreement"], alike["kappa"]) == (1, None)
    nobody = people_report([look for pair in table({("cannot_tell",) * 2: 4}) for look in pair])
    assert (nobody["agreement"], nobody["kappa"]) == (1, None)
    assert [one["error_rate"] for one in nobody["people"]] == [None, None]
    again = people_report([answer("1", "ab", "same"), answer("2", "ab", "different", repeats="1")])
    assert (again["agreement"], again["kappa"], again["checked_pairs"]) == (0, None, 1)
    assert again["people"][0]["interval"][1] == 0.5


def test_machines_are_no_people():
    pairs = table({("same", "same"): 4, ("same", "different"): 1})
    answers = [replace(one, annotator="oracle:labels") if one.annotator == "Bob" else one for p in pairs for one in p]
    told = people_report(answers)
    assert [one["person"] for one in told["people"]] == ["Ada"] and told["checked_pairs"] == 0


def test_errors_that_were_found_and_mended_still_count():
    wrong, right = answer("1", "ab", "same"), answer("2", "ab", "different")
    audit = answer("3", "ab", "different", "Bob", repeats="1")
    in_force = [audit, right]
    told = people_report(in_force, [wrong, audit, right], back("1", reason="contradiction"))
    assert (told["agreement"], told["checked_pairs"]) == (0, 1)
    assert [one["answers"] for one in told["people"]] == [1, 1]


PAIR = st.tuples(*[st.sampled_from(DECISIONS)] * 3, st.permutations(["Ada", "Bob", "Eve"]), st.integers(1, 3))


@settings(max_examples=10, deadline=None)
@given(st.lists(PAIR, max_size=10), st.randoms(use_true_random=False))
def test_the_order_of_answers_does_not_matter(drawn, random):
    answers = [
        answer(f"{k}{person}", (f"a{k}", f"b{k}"), decision, person)
        for k, (*decisions, people, number) in enumerate(drawn)
        for decision, person in list(zip(decisions, people, strict=True))[:number]
    ]
    told, again = people_report(answers), people_report(random.sample(answers, len(answers)))
    assert (told["checked_pairs"], told["agreement"]) == (again["checked_pairs"], again["agreement"])
    for one, other in zip(told["people"], again["people"], strict=True):
        assert one | {"error_rate": 0, "interval": 0} == other | {"error_rate": 0, "interval": 0}
        assert (one["error_rate"] is None) == (other["error_rate"] is None)
        if one["interval"] is not None:
            assert [one["error_rate"], *one["interval"]] == pytest.approx([other["error_rate"], *other["interval"]])
