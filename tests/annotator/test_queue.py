"""What is asked of whom, and what becomes of each answer."""

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aas_plugin.active.knowledge import Knowledge
from aas_plugin.annotator.queue import QuestionQueue, Refused
from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.constraints.closure import Contradiction
from aas_plugin.constraints.evidence import by_votes, evidence_of
from aas_plugin.constraints.listed import keep_images, listed_images
from aas_plugin.constraints.matching_images import Images
from aas_plugin.errors import AasError
from aas_plugin.files import write_json_lines

IDS = map("{:016x}".format, itertools.count(1))


class Clock:
    def __init__(self):
        self.now = 1_700_000_000.0

    def __call__(self):
        return self.now


def asked(folder, *pairs, images="abcdefgh", **options):
    """A queue that asks about pairs of one-letter images."""
    rows = [{"a": a, "b": b, "kind": "over", "cycle": 1} for a, b in pairs]
    write_json_lines(folder / "pending.jsonl", rows)
    if not (folder / "images.json").exists():
        keep_images(folder, Images(list(images), [f"hash {image}" for image in images]))
    return QuestionQueue(folder, **options)


def name(pair, images="abcdefgh"):
    return "-".join(map(str, sorted(images.index(one) for one in pair)))


def pairs_of(found, images="abcdefgh"):
    return ["".join(images[one[end]] for end in "ab") for one in found["pairs"]]


def say(queue, pair, decision, person="Ada", tab="1", **more):
    return queue.answer(id=next(IDS), person=person, tab=tab, pair=name(pair), decision=decision, **more)


def offered(queue, person="Ada", tab="1", held=(), want=30):
    return pairs_of(queue.claim(person, tab, list(held), want))


def log(folder):
    return [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]


def test_what_follows_from_answers_is_not_asked_and_comes_back_when_an_answer_is_taken_back(tmp_path):
    queue = asked(tmp_path, "ab", "bc", "ac", "ad", "cd")
    assert offered(queue) == ["ab", "bc", "ac", "ad", "cd"]
    say(queue, "ab", "same")
    assert say(queue, "bc", "same")["gone"] == [name("ac")]
    assert offered(queue) == ["ad", "cd"]
    say(queue, "ad", "different")
    assert queue.state("Ada")["state"] == "empty" and queue.left() == 0
    undone = queue.undo("Ada", "1")
    assert pairs_of({"pairs": [undone["pair"]]}) == ["ad"] and offered(queue) == ["ad", "cd"]
    queue.undo("Ada", "1")
    queue.undo("Ada", "1")
    assert queue.undo("Ada", "1")["answer"] is None
    assert sorted(offered(queue)) == ["ab", "ac", "ad", "bc", "cd"]
    assert QuestionQueue(tmp_path).left() == 5


def test_an_answer_sent_twice_is_written_once_also_by_another_server(tmp_path):
    queue = asked(tmp_path, "ab", "cd")
    given = {"id": "f" * 16, "person": "Ada", "tab": "1", "pair": name("ab"), "decision": "same"}
    first = queue.answer(**given)
    assert queue.answer(**given)["answer"] == first["answer"]
    assert QuestionQueue(tmp_path).answer(**given)["answer"] == first["answer"]
    assert len(log(tmp_path)) == 1
    queue.undo("Ada", "1", answer="f" * 16)
    assert queue.answer(**given)["answer"]["in_effect"] is False and len(log(tmp_path)) == 2
    queue.undo("Ada", "1", answer="f" * 16)
    assert len(log(tmp_path)) == 2


def test_no_pair_is_handed_to_two_people_until_a_lease_ends(tmp_path):
    clock = Clock()
    queue = asked(tmp_path, "ab", "cd", "ef", clock=clock)
    assert offered(queue, "Ada", want=2) == ["ab", "cd"]
    assert offered(queue, "Ben", "2") == ["ef"] and offered(queue, "Ada", "3") == []
    # A server that starts anew knows who has what.
    again = QuestionQueue(tmp_path, clock=clock)
    assert offered(again, "Cy", "4") == []
    clock.now += 601
    assert offered(again, "Cy", "4", want=1) == ["ab"]
    assert offered(again, "Ada", held=[name("ab"), name("cd")], want=2) == ["cd", "ef"]
    say(again, "ab", "same", "Cy", "4")
    with pytest.raises(Refused, match="Cy answered this pair meanwhile"):
        say(again, "ab", "different", "Ada")
    assert len(log(tmp_path)) == 1


def test_who_closed_a_tab_and_comes_back_is_not_kept_waiting(tmp_path):
    clock = Clock()
    queue = asked(tmp_path, "ab", "cd", clock=clock)
    assert offered(queue, "Ada", "1") == ["ab", "cd"] and offered(queue, "Ada", "2") == []
    clock.now += 21
    assert offered(queue, "Ben", "3") == [] and offered(queue, "Ada", "2") == ["ab", "cd"]


def test_a_pair_put_off_comes_after_all_others_and_again_when_nothing_else_is_left(tmp_path):
    queue = asked(tmp_path, "ab", "cd", "ef")
    assert offered(queue, want=1) == ["ab"]
    queue.later("Ada", "1", name("ab"))
    assert offered(queue) == ["cd", "ef", "ab"]
    queue.later("Ada", "1", name("cd"))
    assert offered(queue) == ["ef", "ab", "cd"]
    assert offered(queue, "Ben", "2") == []


def test_an_answer_that_denies_others_is_kept_without_effect_and_shows_the_chain(tmp_path):
    queue = asked(tmp_path, "ab", "bc", "ac", "ad")
    assert offered(queue, "Ben", "2", want=4)[2] == "ac"
    say(queue, "ab", "same", "Ben", "2")
    say(queue, "bc", "same", "Ben", "2")
    # It was on Ben's screen when its answer began to follow.
    told = say(queue, "ac", "different", "Ben", "2")
    assert told["kept"] and not told["answer"]["in_effect"]
    assert [one["pair"] for one in told["contradiction"]["chain"]] == [name("ab"), name("bc")]
    assert log(tmp_path)[-1]["contradicts"] == [one["id"] for one in told["contradiction"]["chain"]]
    assert offered(queue, "Ben", "2") == ["ad"]


def test_changing_ones_mind_against_others_is_shown_and_can_be_mended(tmp_path):
    queue = asked(tmp_path, "ab", "bc", "cd", "ad")
    first = say(queue, "ab", "same")["answer"]
    say(queue, "cd", "same", "Ben", "2")
    say(queue, "bc", "cannot_tell", "Ben", "2")
    say(queue, "ad", "different")
    last = queue.history("Ben")["answers"][0]["id"]
    told = say(queue, "bc", "same", "Ben", "2", replaces=last)
    against = told["contradiction"]
    assert told["kept"] and not told["answer"]["in_effect"]
    assert {(one["person"], one["decision"]) for one in against["chain"]} == {
        ("Ada", "same"),
        ("Ada", "different"),
        ("Ben", "same"),
    }
    assert queue.state("Ada")["contradictions"] == 1 and queue.left() == 0
    # Another server shows it again: nothing was lost.
    assert len(QuestionQueue(tmp_path).contradictions()["contradictions"]) == 1
    change = {"id": next(IDS), "person": "Ben", "tab": "2", "answer": told["answer"]["id"]}
    mended = queue.resolve(**change, changes=[{"answer": first["id"], "decision": "different"}])
    assert mended["contradiction"] is None and queue.state("Ada")["contradictions"] == 0
    size = len(log(tmp_path))
    assert queue.resolve(**change, changes=[{"answer": first["id"], "decision": "different"}])["kept"]
    assert len(log(tmp_path)) == size
    stands = {(one.a + one.b): one.decision for one in AnswerLog(tmp_path / "answers.jsonl").answers()}
    assert stands == {"ab": "different", "cd": "same", "bc": "same", "ad": "different"}
    assert not any(one.contradicts for one in AnswerLog(tmp_path / "answers.jsonl").answers())


@pytest.mark.parametrize("whose", ["new", "old"])
def test_an_answer_set_aside_has_no_effect_is_kept_and_is_not_asked_again(tmp_path, whose):
    queue = asked(tmp_path, "ab", "bc", "ac")
    ab = say(queue, "ab", "same")["answer"]["id"]
    say(queue, "ac", "cannot_tell")
    say(queue, "bc", "same")
    last = queue.history("Ada")["answers"][1]["id"]
    told = say(queue, "ac", "different", replaces=last)
    aside = told["answer"]["id"] if whose == "new" else ab
    change = {"id": next(IDS), "person": "Ada", "tab": "1", "answer": told["answer"]["id"]}
    assert queue.resolve(**change, changes=[{"answer": aside, "decision": None}])["contradiction"] is None
    assert queue.state("Ada")["contradictions"] == 0 and queue.left() == 0
    effect = {one["pair"]: one["in_effect"] for one in queue.history("Ada")["answers"]}
    assert effect[name("ac")] is (whose == "old") and effect[name("ab")] is (whose == "new")


def test_undoing_what_others_denied_gives_them_their_effect(tmp_path):
    queue = asked(tmp_path, "ab", "bc", "ac")
    ab = say(queue, "ab", "same")["answer"]["id"]
    say(queue, "ac", "cannot_tell")
    say(queue, "bc", "same")
    told = say(queue, "ac", "different", replaces=queue.history("Ada")["answers"][1]["id"])
    assert not told["answer"]["in_effect"]
    queue.undo("Ada", "1", answer=ab)
    assert all(one["in_effect"] for one in queue.history("Ada")["answers"])
    # From what is left it follows that they differ.
    assert queue.left() == 0


def test_a_second_look_is_blind_counts_as_such_and_a_third_one_settles_it(tmp_path):
    queue = asked(tmp_path, "ab", "cd", audit=1.0)
    say(queue, "ab", "same")
    assert offered(queue, "Ben", "2") == ["ab", "cd"]
    assert not queue.may_look(name("ab"), "Ben")
    told = say(queue, "ab", "different", "Ben", "2")
    assert told["contradiction"] is None and queue.state(None)["disagreements"] == 1
    assert offered(queue, "Ada") == [] or "ab" not in offered(queue, "Ada")
    assert "ab" not in offered(queue, "Ben", "2")
    assert "ab" in offered(queue, "Cy", "3")
    say(queue, "ab", "same", "Cy", "3")
    assert queue.state(None)["disagreements"] == 0
    records = log(tmp_path)
    assert [one["repeats"] for one in records] == ["", records[0]["id"], records[0]["id"]]


def test_disagreements_go_to_the_referee_who_is_named(tmp_path):
    queue = asked(tmp_path, "ab", audit=1.0, referee="Cy")
    say(queue, "ab", "same")
    say(queue, "ab", "different", "Ben", "2")
    assert offered(queue, "Dot", "4") == [] and offered(queue, "Cy", "3") == ["ab"]


def test_one_person_alone_sees_a_pair_again_only_after_a_while(tmp_path):
    clock = Clock()
    queue = asked(tmp_path, "ab", "cd", audit=1.0, clock=clock)
    say(queue, "ab", "same")
    assert offered(queue) == ["cd"] and queue.left() == 1
    clock.now += 601
    assert offered(queue) == ["ab", "cd"]
    say(queue, "ab", "different")
    assert queue.history("Ada")["answers"][0]["decision"] == "different"


def test_without_an_audit_nothing_is_asked_twice(tmp_path):
    clock = Clock()
    queue = asked(tmp_path, "ab", "cd", clock=clock)
    say(queue, "ab", "same")
    clock.now += 6000
    assert offered(queue, "Ben", "2") == ["cd"]


def test_a_group_is_taken_apart_by_taking_back_what_was_shown(tmp_path):
    queue = asked(tmp_path, "ab", "bc", "cd", "ef")
    for pair in ("ab", "bc", "cd", "ef"):
        say(queue, pair, "same")
    assert queue.groups()["groups"] == [{"photos": [0, 1, 2, 3], "answers": 3}, {"photos": [4, 5], "answers": 1}]
    shown = [one["id"] for one in queue.unmerge_preview([2])["answers"]]
    assert len(shown) == 2
    with pytest.raises(Refused, match="given meanwhile"):
        queue.unmerge(id=next(IDS), person="Ada", tab="1", photos=[2], answers=shown[:1])
    again = {"id": next(IDS), "person": "Ada", "tab": "1", "photos": [2], "answers": shown}
    assert queue.unmerge(**again)["kept"] and queue.unmerge(**again)["kept"]
    assert sorted(offered(queue)) == ["bc", "cd"]
    assert [one["photos"] for one in queue.groups()["groups"]] == [[0, 1], [4, 5]]


def test_questions_that_cannot_be_read_are_told(tmp_path):
    (tmp_path / "pending.jsonl").write_text('{"a": "x"}\n')
    with pytest.raises(AasError, match=r"pending\.jsonl cannot be read .*'b'.*asks anew"):
        QuestionQueue(tmp_path)


def test_a_question_that_is_asked_again_waits_for_its_own_answer_which_may_contradict(tmp_path):
    queue = asked(tmp_path, "ab", "bc")
    first = say(queue, "ab", "same")["answer"]["id"]
    second = say(queue, "bc", "same")["answer"]["id"]
    again = {"a": "a", "b": "c", "kind": "again", "cycle": 2, "repeats": first, "linkage": 0.5}
    write_json_lines(tmp_path / "pending.jsonl", [again])
    assert offered(queue, "Eve", "2") == ["ac"]
    # Votes decide about it, so that nobody is told of the others' answers.
    assert say(queue, "ac", "different", "Eve", "2")["contradiction"] is None and queue.left() == 0
    last = log(tmp_path)[-1]
    assert (last["repeats"], last["contradicts"], last["linkage"]) == (first, [first, second], 0.5)


def test_a_tie_about_other_photos_of_the_same_two_is_nobodys_contradiction(tmp_path):
    queue = asked(tmp_path, "ab", "bc", "ac")
    first = say(queue, "ab", "different")["answer"]["id"]
    again = {"a": "d", "b": "e", "kind": "again", "cycle": 2, "repeats": first}
    others = [{"a": a, "b": b, "kind": "over", "cycle": 2} for a, b in ("bc", "ac")]
    write_json_lines(tmp_path / "pending.jsonl", [again, *others])
    say(queue, "de", "same", "Eve", "2")
    say(queue, "bc", "same")
    # Neither of the two counts, and from the others it follows that a is b.
    assert say(queue, "ac", "same")["contradiction"] is None
    assert queue.contradictions() == {"contradictions": []}


def test_a_queue_of_another_data_set_is_refused(tmp_path):
    asked(tmp_path, "ab")
    write_json_lines(tmp_path / "pending.jsonl", [{"a": "x", "b": "b", "kind": "over", "cycle": 1}])
    with pytest.raises(AasError, match="queue of another data set"):
        QuestionQueue(tmp_path)


def test_answers_edited_by_hand_count_as_they_are_and_contradictions_among_them_are_shown(tmp_path):
    queue = asked(tmp_path, "ab", "bc", "ac")
    say(queue, "ab", "same")
    say(queue, "bc", "same")
    path = tmp_path / "answers.jsonl"
    lines = path.read_text().splitlines()
    added = json.dumps({**json.loads(lines[0]), "id": "hand", "b": "c", "hash_b": "hash c", "decision": "different"})
    path.write_text("\n".join([*lines, added]) + "\n")
    found = queue.contradictions()["contradictions"]
    assert [one["answer"]["id"] for one in found] == ["hand"] and len(found[0]["chain"]) == 2
    path.write_text(lines[0] + "\n")
    assert queue.left() == 2
    path.write_text("nonsense\n" + lines[0] + "\n")
    with pytest.raises(AasError, match="Line 1"):
        queue.left()
    path.write_text(lines[0] + "\n")
    assert queue.left() == 2


def test_a_changed_photo_is_not_judged(tmp_path):
    queue = asked(tmp_path, "ab")
    queue.photo_problem = lambda image: "a.jpg changed since the questions were drawn." if image == 0 else None
    with pytest.raises(Refused, match=r"a\.jpg changed.*was not kept"):
        say(queue, "ab", "same")
    assert say(queue, "ab", "cannot_tell")["kept"]


def test_blind_says_nothing_before_an_answer(tmp_path):
    queue = asked(tmp_path, "ab", blind=True)
    with pytest.raises(Refused) as refused:
        queue.why(name("ab"), "Ada")
    assert refused.value.status == 403
    say(queue, "ab", "same")
    assert queue.why(name("ab"), "Ada")["kind"] == "over"


@pytest.mark.parametrize("pair", ["", "1", "1-", "-", "a-b", "1-1", "0-99", "-1-2", "1-2-3", "٣-1", "1" * 400 + "-2"])
def test_a_name_that_is_no_pair_is_refused(tmp_path, pair):
    with pytest.raises(Refused):
        asked(tmp_path, "ab").answer(id="0" * 16, person="Ada", tab="1", pair=pair, decision="same")


moves = st.lists(
    st.tuples(
        st.sampled_from(["same", "different", "cannot_tell", "undo", "change", "resolve", "set aside"]),
        st.integers(0, 20),
        st.sampled_from(["Ada", "Ben"]),
    ),
    max_size=40,
)


@given(moves)
@settings(max_examples=40, deadline=None)
def test_whatever_people_do_answers_with_an_effect_agree_and_another_server_knows_the_same(tmp_path_factory, moves):
    folder = tmp_path_factory.mktemp("queue")
    pairs = list(map("".join, itertools.combinations("abcde", 2)))
    queue = asked(folder, *pairs, audit=0.3)
    for move, number, person in moves:
        try:
            if move == "undo":
                queue.undo(person, "1")
            elif move == "change":
                own = queue.history(person, limit=50)["answers"]
                if own:
                    one = own[number % len(own)]
                    other = "same" if one["decision"] != "same" else "different"
                    new = {"id": next(IDS), "person": person, "tab": "1", "pair": one["pair"]}
                    queue.answer(**new, decision=other, replaces=one["id"])
            elif move in ("resolve", "set aside"):
                for found in queue.contradictions()["contradictions"][:1]:
                    one = [found["answer"], *found["chain"]][number % (1 + len(found["chain"]))]
                    other = "same" if one["decision"] == "different" else "different"
                    changes = [{"answer": one["id"], "decision": other if move == "resolve" else None}]
                    new = {"id": next(IDS), "person": person, "tab": "1"}
                    left = queue.resolve(**new, answer=found["answer"]["id"], changes=changes)
                    assert left["kept"]
            else:
                offer = queue.claim(person, person, [], 30)["pairs"]
                if offer:
                    new = {"id": next(IDS), "person": person, "tab": person}
                    queue.answer(**new, pair=offer[number % len(offer)]["pair"], decision=move)
        except Refused:
            pass
    other = QuestionQueue(folder, audit=0.3)
    assert other.state("Ada") == queue.state("Ada")
    assert other.contradictions() == queue.contradictions()
    assert other.history("Ben", limit=99) == queue.history("Ben", limit=99)
    records = AnswerLog(folder / "answers.jsonl")
    assert len({one.id for one in records.given()}) == len(records.given())


def read_by_run(folder):
    """What a run makes of the answers in its folder."""
    knowledge = Knowledge(AnswerLog(folder / "answers.jsonl"), listed_images(folder))
    return knowledge.constraints.must_links.tolist(), knowledge.constraints.cannot_links.tolist()


def test_changes_of_one_contradiction_that_deny_each_other_are_told_and_stop_no_run(tmp_path):
    queue = asked(tmp_path, "ab", "bc", "cd", "ad")
    first = say(queue, "ab", "same")["answer"]["id"]
    say(queue, "bc", "same")
    say(queue, "cd", "same")
    last = say(queue, "ad", "different")["answer"]["id"]
    changes = [{"answer": last, "decision": "same"}, {"answer": first, "decision": "different"}]
    told = queue.resolve(id=next(IDS), person="Ada", tab="1", answer=last, changes=changes)
    assert told["contradiction"]["answer"]["pair"] == name("ab") and not told["contradiction"]["answer"]["in_effect"]
    assert {one["pair"] for one in told["contradiction"]["chain"]} == {name("ad"), name("cd"), name("bc")}
    assert read_by_run(tmp_path) == ([[1, 2], [2, 3], [0, 3]], [])


def test_answers_given_while_two_disagreed_stop_no_run_when_they_agree_again(tmp_path):
    queue = asked(tmp_path, "ab", "ad", "bd", audit=1.0)
    say(queue, "ab", "same")
    say(queue, "ab", "different", "Ben", "2")
    say(queue, "ad", "same")
    assert say(queue, "bd", "different")["answer"]["in_effect"]
    queue.undo("Ben", "2")
    (found,) = queue.contradictions()["contradictions"]
    assert found["answer"]["pair"] == name("bd") and read_by_run(tmp_path) == ([[0, 1], [0, 3]], [])
    first = next(one["id"] for one in found["chain"] if one["pair"] == name("ab"))
    queue.undo("Ada", "1", answer=first)
    assert queue.contradictions()["contradictions"] == [] and read_by_run(tmp_path) == ([[0, 3]], [[1, 3]])


def test_looks_that_agree_have_no_effect_once_they_are_set_aside(tmp_path):
    queue = asked(tmp_path, "ab", "bc", "ac", audit=1.0)
    offered(queue)
    for pair, person in (("ab", "Ada"), ("ab", "Ben"), ("bc", "Ada")):
        say(queue, pair, "same", person)
    found = say(queue, "ac", "different")["contradiction"]
    for _ in range(2):
        changes = [{"answer": one["id"], "decision": None} for one in found["chain"] if one["pair"] == name("ab")]
        told = queue.resolve(id=next(IDS), person="Ada", tab="1", answer=found["answer"]["id"], changes=changes)
        found = told["contradiction"] or found
    assert told["contradiction"] is None and queue.state("Ada")["contradictions"] == 0
    assert read_by_run(tmp_path) == ([[1, 2]], [[0, 2]])
    assert len(evidence_of(AnswerLog(tmp_path / "answers.jsonl").answers(), queue.images.index)) == 2


def test_an_unmarked_contradiction_made_by_hand_can_be_set_aside(tmp_path):
    queue = asked(tmp_path, "ab", "bc", "ac")
    offered(queue)
    for pair, decision in (("ab", "same"), ("bc", "same"), ("ac", "different")):
        told = say(queue, pair, decision)
    lines = [{**line, "contradicts": []} for line in log(tmp_path)]
    write_json_lines(tmp_path / "answers.jsonl", lines)
    queue, last = QuestionQueue(tmp_path), told["answer"]["id"]
    with pytest.raises(Contradiction):
        read_by_run(tmp_path)
    queue.resolve(id=next(IDS), person="Ada", tab="1", answer=last, changes=[{"answer": last, "decision": None}])
    assert queue.contradictions()["contradictions"] == [] and read_by_run(tmp_path) == ([[0, 1], [1, 2]], [])


def test_a_disagreement_goes_to_others_where_the_referee_is_one_of_the_two(tmp_path):
    queue = asked(tmp_path, "ab", audit=1.0, referee="Ben")
    say(queue, "ab", "same")
    say(queue, "ab", "different", "Ben", "2")
    assert offered(queue, "Cy", "3") == ["ab"]


def test_a_disagreement_that_a_third_person_cannot_settle_goes_to_a_fourth(tmp_path):
    queue = asked(tmp_path, "ab", audit=1.0)
    say(queue, "ab", "same")
    say(queue, "ab", "different", "Ben", "2")
    say(queue, "ab", "cannot_tell", "Cy", "3")
    assert offered(queue, "Ada") == offered(queue, "Cy", "3") == []
    assert offered(queue, "Di", "4") == ["ab"]
    say(queue, "ab", "different", "Di", "4")
    assert queue.state("Ada")["disagreements"] == 0 and offered(queue, "Ed", "5") == []


@pytest.mark.parametrize("until", [None, "1e999", "NaN"])
def test_a_lease_of_a_clock_that_was_set_back_or_of_a_damaged_file_holds_nothing(tmp_path, until):
    clock = Clock()
    queue = asked(tmp_path, "ab", clock=clock)
    offered(queue)
    clock.now -= 86_400
    if until is not None:
        (tmp_path / "leases.json").write_text(f'{{"{name("ab")}": ["Ada", "1", {until}]}}')
        queue = QuestionQueue(tmp_path, clock=clock)
    assert offered(queue, "Ben", "2") == ["ab"]
    assert offered(queue, "Ada") == []


@pytest.mark.parametrize("listed", [True, False])
def test_a_pair_whose_name_means_other_photos_by_now_is_refused(tmp_path, listed):
    queue = asked(tmp_path, "ab", "cd")
    if not listed:
        (tmp_path / "images.json").unlink()
        queue = QuestionQueue(tmp_path)
    pair = queue.claim("Ada", "1", [], 1)["pairs"][0]
    # A script that lists its photos in another order, or that asks about others in a folder without a list.
    if listed:
        keep_images(tmp_path, Images(list("cdabefgh"), [f"hash {image}" for image in "cdabefgh"]))
    else:
        write_json_lines(
            tmp_path / "pending.jsonl", [{"a": a, "b": b, "kind": "", "cycle": 1} for a, b in ("ef", "ab")]
        )
    given = {"person": "Ada", "tab": "1", "pair": pair["pair"], "decision": "same", "key": pair["key"]}
    with pytest.raises(Refused, match="changed meanwhile"):
        queue.answer(id=next(IDS), **given)
    assert not (tmp_path / "answers.jsonl").exists()
    now = next(one for one in queue.claim("Ada", "1", [], 2)["pairs"] if one["key"] == pair["key"])
    queue.answer(id=next(IDS), **given | {"pair": now["pair"]})
    assert (log(tmp_path)[0]["a"], log(tmp_path)[0]["b"]) == ("a", "b")


def test_answers_that_were_imported_make_no_fewer_questions_come(tmp_path):
    queue = asked(tmp_path, "ab")
    (tmp_path / "begun.json").write_text('{"budget": 5, "cycles": 1}')
    assert queue.state("Ada")["to_come"] == 4
    imported = [{**vars(answer_of("c", other)), "record": "answer"} for other in "defg"]
    write_json_lines(tmp_path / "answers.jsonl", imported)
    assert queue.state("Ada")["to_come"] == 4


def answer_of(a, b):
    hashes = {"hash_a": f"hash {a}", "hash_b": f"hash {b}"}
    told = {"decision": "different", "annotator": "Imp", "time": "2024-01-01T00:00:00+00:00", "cycle": 0, "kind": ""}
    return Answer(id=a + b, a=a, b=b, **hashes, **told)


def test_answers_about_photos_that_left_the_list_are_told_to_be_so(tmp_path):
    queue = asked(tmp_path, "ab", "cd")
    given = {"id": next(IDS), "person": "Ada", "tab": "1", "pair": name("ab"), "decision": "same"}
    queue.answer(**given)
    queue.undo("Ada", "1")
    keep_images(tmp_path, Images(list("cdefgh"), [f"hash {image}" for image in "cdefgh"]))
    write_json_lines(tmp_path / "pending.jsonl", [{"a": "c", "b": "d", "kind": "over", "cycle": 1}])
    with pytest.raises(Refused, match="not in the list any more"):
        queue.answer(**given)
    with pytest.raises(Refused, match="not one of yours"):
        queue.undo("Ada", "1", answer=given["id"])


def test_a_question_that_was_asked_again_is_one_also_when_its_answer_is_taken_back(tmp_path):
    clock = Clock()
    queue = asked(tmp_path, "ab", audit=1.0, clock=clock)
    first = say(queue, "ab", "different")["answer"]["id"]
    say(queue, "ab", "same", "Ben", "2")
    row = {"a": "c", "b": "d", "kind": "over", "cycle": 2, "repeats": first, "linkage": 0.5}
    write_json_lines(tmp_path / "pending.jsonl", [row])
    say(queue, "cd", "different")
    (tmp_path / "pending.jsonl").unlink()
    for person in ("Ada", "Ada", "Ben"):
        queue.undo(person, "1")
    clock.now += 601
    assert sorted(offered(queue)) == ["ab", "cd"]
    say(queue, "cd", "same")
    assert (log(tmp_path)[-1]["repeats"], log(tmp_path)[-1]["linkage"]) == (first, 0.5)
    # A second look of which the first was taken back is the first one.
    say(queue, "ab", "same")
    assert log(tmp_path)[-1]["repeats"] == ""


def test_two_who_agree_outvote_one_on_the_page_as_in_the_run_and_the_second_is_not_told(tmp_path):
    queue = asked(tmp_path, "ab", "bc", "ac", audit=1.0)
    offered(queue)
    say(queue, "ab", "same")
    say(queue, "bc", "same")
    assert not say(queue, "ac", "different")["answer"]["in_effect"]
    told = say(queue, "ac", "different", "Ben", "2")
    assert told["answer"]["in_effect"] and told["contradiction"] is None
    assert [one["answer"]["pair"] for one in queue.contradictions()["contradictions"]] == [name("bc")]
    assert read_by_run(tmp_path) == ([[0, 1]], [[0, 2]])
    evidence = evidence_of(AnswerLog(tmp_path / "answers.jsonl").answers(), queue.images.index)
    assert evidence.pairs[by_votes(evidence, 8)].tolist() == [[0, 1], [0, 2], [0, 2]]
