"""A constraint set loses nothing, says the same in any order, and tells where it contradicts itself."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.constraints.consistency import KEEPS, check, refuse_contradictions, resolve, stats
from aas_plugin.constraints.sets import from_log, locate, merge, read_set, set_hash, write_set
from aas_plugin.errors import AasError


def answer(name, a, b, decision="same", annotator="Ada", minute=None, **more):
    minute = minute if minute is not None else int(name[1:])
    facts = {"hash_a": f"h{a}", "hash_b": f"h{b}", "time": f"2025-01-01T10:{minute:02d}:00+00:00"}
    facts |= {"annotator": annotator, "cycle": 1, "kind": "over"} | more
    return Answer(id=name, a=a, b=b, decision=decision, **facts)


def ids(answers):
    return [one.id for one in answers]


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
name = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12) | st.sampled_from(
    ["bär, 1.jpg", 'the "old" one.jpg', " x ", "007", "NA", "nan", "1e5", "=1+1", "\ufeffx", "a\rb", "a\r\nb", ";", "'"]
)
some_answers = st.lists(
    st.builds(
        Answer,
        id=name,
        a=name,
        b=name,
        hash_a=text,
        hash_b=text,
        decision=st.sampled_from(["same", "different", "cannot_tell"]),
        annotator=text,
        time=st.datetimes().map(lambda time: time.isoformat() + "Z") | text,
        cycle=st.integers(0, 99),
        kind=text,
        contradicts=st.lists(name, max_size=3).map(tuple),
        repeats=st.just("") | name,
        linkage=st.none() | st.floats(0, 1),
    ),
    max_size=6,
    unique_by=lambda one: one.id,
)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@settings(max_examples=60)
@given(answers=some_answers)
def test_a_set_comes_back_from_its_file_as_it_was(tmp_path_factory, ending, answers):
    path = tmp_path_factory.getbasetemp() / f"set.{ending}"
    write_set(path, answers)
    written = path.read_bytes()
    back = read_set(path)
    assert set(back) == set(answers) and len(back) == len(answers)
    write_set(path, reversed(back))
    assert path.read_bytes() == written
    assert set_hash(back) == set_hash(answers)


def test_answers_stand_in_the_order_of_time_whatever_its_zone(tmp_path):
    first = answer("b", "x", "y", minute=0, time="2025-01-01T12:00:00+03:00")
    second = answer("a", "x", "z", minute=0, time="2025-01-01T10:00:00Z")
    never = answer("c", "z", "y", minute=0, time="")
    write_set(tmp_path / "set.csv", [second, never, first])
    assert ids(read_set(tmp_path / "set.csv")) == ["c", "b", "a"]


def test_a_set_of_a_log_lacks_what_was_taken_back(tmp_path):
    log = AnswerLog(tmp_path / "answers.jsonl")
    log.append([answer("a2", "x", "y"), answer("a1", "x", "z", "cannot_tell"), answer("a3", "y", "z", "different")])
    log.revoke("a2", "Bob")
    assert ids(from_log(tmp_path)) == ids(from_log(log.path)) == ["a1", "a3"]
    with pytest.raises(AasError, match=r"elsewhere has no answers"):
        from_log(tmp_path / "elsewhere")


def test_a_file_saved_by_a_spreadsheet_is_read(tmp_path):
    path = tmp_path / "set.csv"
    write_set(path, [answer("a1", "bär, 1.jpg", "y", contradicts=("a0",))])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n") + b"\r\n")
    (back,) = read_set(path)
    assert (back.a, back.contradicts) == ("bär, 1.jpg", ("a0",))


HEAD = "id,a,b,hash_a,hash_b,decision,annotator,time,cycle,kind"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no table"),
        ("id,a,b\n", "lacks the column 'hash_a'"),
        (HEAD + "\nx,p,q,,,maybe,,,0,over\n", "line 2 is no answer: answer x has the unknown decision 'maybe'"),
        (HEAD + '\n"x\n",p,q,,,same,,,0,over\ny,p,q,,,same,,,one,over\n', "line 4 is no answer: the cycle"),
        (HEAD + "\nx,,q,,,same,,,0,over\n", "'a' is blank"),
        (HEAD + "\nx,p,q\n", "line 2: 3 cells under 10 columns"),
        (HEAD + ",contradicts\nx,p,q,,,same,,,0,over,y\n", "line 2 is no answer"),
        (HEAD + "\nx,p,q,,,same,,,0,over\nx,p,r,,,same,,,0,over\n", "two answers have the id x"),
    ],
)
def test_a_bad_csv_is_named_with_the_place(tmp_path, content, message):
    path = tmp_path / "set.csv"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(AasError, match=message):
        read_set(path)


def test_a_set_that_a_spreadsheet_saved_is_read(tmp_path):
    row = "x,b\xe4r/1.jpg,q,,,same,me,,2,over,[],,0.5"
    for number, text in enumerate(
        (
            f"{HEAD},contradicts,repeats,linkage\n{row}\n".replace(",", ";"),
            f"sep=;\r\n{HEAD.upper()},Contradicts,Repeats,Linkage,,\r\n{row},,\r\n,,,,,,,,,,,,,,\r\n".replace(",", ";"),
            f"{HEAD},contradicts,repeats,linkage\n{row}\n".replace(",", "\t"),
        )
    ):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(text.encode("cp1252"))
        with pytest.warns(UserWarning, match="Windows-1252"):
            (answer,) = read_set(path)
        assert (answer.a, answer.decision, answer.cycle, answer.linkage) == ("b\xe4r/1.jpg", "same", 2, 0.5)


def test_a_file_that_is_no_set_is_named(tmp_path):
    (tmp_path / "set.parquet").write_text("no parquet")
    pd.DataFrame({"id": ["x"]}).to_parquet(tmp_path / "other.parquet")
    for file, message in [
        ("none.csv", "no such file"),
        ("set.xlsx", r"ends in \.csv or \.parquet"),
        ("set.parquet", "cannot be read as parquet"),
        ("other.parquet", "lacks the column"),
    ]:
        with pytest.raises(AasError, match=message):
            read_set(tmp_path / file)
    (tmp_path / "file").touch()
    with pytest.raises(AasError, match=r"set\.csv cannot be written"):
        write_set(tmp_path / "file" / "set.csv", [])


def test_merging_keeps_every_answer_once_and_the_order_of_sets_does_not_matter():
    ada = [answer("a1", "x", "y"), answer("a3", "y", "z", "different")]
    bob = [answer("b2", "x", "y", annotator="Bob")]
    begun_from_ada = [replace(one, a=f"herd/{one.a}", b=f"herd/{one.b}", cycle=0) for one in ada]
    expected = [ada[0], bob[0], ada[1]]
    for sets in itertools.permutations([ada, bob, begun_from_ada]):
        assert merge(sets) == expected


@pytest.mark.parametrize(
    "change", [{"decision": "different"}, {"annotator": "Eve"}, {"a": "w", "hash_a": ""}, {"hash_b": "other"}]
)
def test_one_id_for_two_answers_is_an_error(change):
    one = answer("a1", "x", "y")
    with pytest.raises(AasError, match="two answers have the id a1"):
        merge([[one], [replace(one, **change)]])


def test_a_contradiction_is_told_with_its_chain():
    answers = [
        answer("a1", "w", "x"),
        answer("a2", "y", "x", annotator="Bob"),
        answer("a3", "y", "z", "different"),
        answer("a4", "w", "z", annotator="Eve"),
        answer("a5", "w", "v", "cannot_tell"),
        answer("a6", "x", "z", contradicts=("a2", "a3")),
    ]
    (conflict,) = check(reversed(answers)).contradictions
    assert conflict.answer.id == "a4" and ids(conflict.chain) == ["a1", "a2", "a3"]
    with pytest.raises(AasError) as error:
        refuse_contradictions(answers, "herd.csv")
    assert str(error.value).startswith(
        "herd.csv contradicts itself in 1 place: w is the same as z (Eve, 2025-01-01T10:04:00+00:00, a4), but "
        "w is the same as x (Ada, 2025-01-01T10:01:00+00:00, a1), y is the same as x (Bob,"
    )
    assert "aas constraints merge" in str(error.value) and "newest|first|majority" in str(error.value)
    assert "always the same as itself" in str(check([answer("a1", "x", "x", "different")]).contradictions[0])


def test_disagreements_missing_and_changed_images_are_reported():
    answers = [
        answer("a1", "x", "y"),
        answer("a2", "y", "x", "cannot_tell", annotator="Bob"),
        answer("a3", "x", "z", "different"),
        answer("a4", "x", "z", "different", annotator="Bob"),
        answer("a5", "gone", "z"),
    ]
    report = check(answers, {"x": "hx", "y": "new", "z": "", "unasked": "hu"})
    assert [ids(given) for given in report.disagreements] == [["a1", "a2"]]
    assert (report.missing, report.about_missing, report.changed) == (["gone"], 1, ["y"])
    assert report.contradictions == []
    alone = check([*answers, answer("a6", "y", "z", "different", hash_a="other")])
    assert (alone.missing, alone.about_missing, alone.changed) == ([], 0, ["y"])


def test_images_are_found_by_their_content_and_by_path_only_where_that_says_nothing():
    answers = [answer("a1", "herd/x", "herd/y"), answer("a2", "herd/x", "z"), answer("a3", "twin", "void", hash_b="")]
    answers.append(answer("a4", "z", "x", hash_a="hmoved"))
    content = {
        "moved": "hmoved",
        "x": "hherd/x",
        "z": "hherd/y",
        "y": "hherd/y",
        "t1": "htwin",
        "t2": "htwin",
        "blank": "",
    }
    found = [(one.id, one.a, one.b) for one in locate(answers, content)]
    assert found == [("a1", "x", "y"), ("a2", "x", "z"), ("a3", "twin", "void"), ("a4", "moved", "x")]


PAIR = [
    answer("a1", "x", "y"),
    answer("a2", "x", "y", "different", annotator="Bob"),
    answer("a3", "x", "y", annotator="Eve"),
    answer("a4", "y", "x", "different", annotator="Bob"),
    answer("a5", "x", "y", "cannot_tell", annotator="Dan"),
]
TRIANGLE = [answer("a1", "x", "y"), answer("a2", "y", "z"), answer("a3", "x", "z", "different")]
VOTED = [*TRIANGLE, answer("a4", "x", "z", "different", annotator="Bob"), answer("a5", "y", "z", annotator="Bob")]


@pytest.mark.parametrize(
    ("answers", "keep", "kept"),
    [
        (PAIR, "first", ["a1", "a3", "a5"]),
        (PAIR, "newest", ["a2", "a4", "a5"]),
        (PAIR, "majority", ["a1", "a3", "a5"]),
        (PAIR[:2], "majority", []),
        (PAIR[1:], "first", ["a2", "a4", "a5"]),
        (TRIANGLE, "first", ["a1", "a2"]),
        (TRIANGLE, "newest", ["a2", "a3"]),
        (TRIANGLE, "majority", ["a1", "a2"]),
        (VOTED, "majority", ["a2", "a3", "a4", "a5"]),
        ([answer("a1", "x", "y"), answer("a2", "x", "y", "different")], "majority", ["a2"]),
    ],
)
def test_which_answers_are_kept(answers, keep, kept):
    left, dropped = resolve(answers, keep)
    assert ids(left) == kept
    assert ids(conflict.answer for conflict in dropped) == [name for name in ids(answers) if name not in kept]


links = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.integers(0, 5),
        st.sampled_from(["same", "different", "cannot_tell"]),
        st.sampled_from("AB"),
    ).filter(lambda link: link[0] != link[1]),
    max_size=14,
)


@pytest.mark.parametrize("keep", KEEPS)
@given(links=links)
def test_a_settled_set_is_consistent_and_tells_of_every_answer_dropped(keep, links):
    answers = [answer(f"a{i}", f"{u}", f"{v}", word, who) for i, (u, v, word, who) in enumerate(links)]
    kept, dropped = resolve(reversed(answers), keep)
    assert check(kept).contradictions == []
    assert sorted([*ids(kept), *ids(conflict.answer for conflict in dropped)]) == sorted(ids(answers))
    assert [one for one in answers if one.decision == "cannot_tell"] == [
        one for one in kept if one.decision == "cannot_tell"
    ]
    if not check(answers).contradictions:
        assert kept == answers
    for conflict in dropped:
        if conflict.votes is None:
            assert set(conflict.chain) <= set(kept)
            assert check([*(replace(one, time="") for one in conflict.chain), conflict.answer]).contradictions
    if keep != "majority":
        decided = [one for one in answers if one.decision != "cannot_tell"]
        assert not decided or decided[-1 if keep == "newest" else 0] in kept


@given(labels=st.lists(st.integers(0, 2), min_size=2, max_size=7), data=st.data())
def test_the_closure_is_counted_as_by_the_definition(labels, data):
    n = len(labels)
    pairs = data.draw(st.lists(st.sampled_from(list(itertools.combinations(range(n), 2))), max_size=8))
    answers = [
        answer(f"a{i}", f"{u}", f"{v}", "same" if labels[u] == labels[v] else "different")
        for i, (u, v) in enumerate(pairs)
    ]
    same, differ = np.eye(n, dtype=bool), np.zeros((n, n), dtype=bool)
    for u, v in pairs:
        target = same if labels[u] == labels[v] else differ
        target[u, v] = target[v, u] = True
    for _ in range(n):
        same = (same.astype(int) @ same) > 0
    differ = (same.astype(int) @ differ @ same) > 0
    numbers = stats(answers)
    assert numbers["must_links_closure"] == np.triu(same, 1).sum()
    assert numbers["cannot_links_closure"] == np.triu(differ, 1).sum()
    assert numbers["must_link_groups"] == len({tuple(row) for row in same.tolist() if sum(row) > 1})


def test_numbers_of_a_set():
    answers = [*PAIR, answer("a7", "y", "z", "different", annotator="Bob")]
    numbers = stats(answers)
    assert (numbers["answers"], numbers["same"], numbers["different"], numbers["cannot_tell"]) == (6, 2, 3, 1)
    assert (numbers["pairs"], numbers["images"], numbers["people"], numbers["contradictions"]) == (2, 3, 4, 2)
    assert (numbers["first"][-14:-9], numbers["last"][-14:-9]) == ("10:01", "10:07")
    assert {name: own["answers"] for name, own in numbers["annotators"].items()} == {
        "Ada": 1,
        "Bob": 3,
        "Dan": 1,
        "Eve": 1,
    }
    assert numbers["annotators"]["Bob"]["different"] == 3
    empty = stats([])
    assert (empty["answers"], empty["cannot_links_closure"], empty["first"]) == (0, 0, None)
