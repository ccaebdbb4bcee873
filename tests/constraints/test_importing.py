"""Answers that were given elsewhere, for a run that has begun and waits."""

from pathlib import Path

from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.constraints.importing import booked, import_answers
from aas_plugin.constraints.pending import Pending
from aas_plugin.files import write_json_lines


def answer(name, a, b, annotator="Ada"):
    return Answer(name, a, b, "", "", "same", annotator, f"2025-01-01T10:00:0{name[1:]}+00:00", 7, "elsewhere")


def booked_as(answers):
    return [(answer.id, answer.cycle, answer.kind) for answer in answers]


def test_an_answer_takes_over_the_cycle_and_kind_of_the_question_it_answers_once():
    pending = [Pending("a", "b", "over", 2), Pending("c", "d", "under", 2)]
    given = [answer("a1", "b", "a"), answer("a2", "a", "b", "Bob"), answer("a3", "c", "e")]
    assert booked_as(booked(given, pending)) == [("a1", 2, "over"), ("a2", 0, "elsewhere"), ("a3", 0, "elsewhere")]


def test_answers_to_what_a_run_asks_are_asked_and_others_are_imported(tmp_path, ready):
    engine = ready.engine(name="labels")
    engine.execute()
    first = [given for given in engine.run.active.log.answers() if given.cycle == 1]
    rows = [{"a": given.a, "b": given.b, "kind": given.kind, "cycle": 1} for given in first[1:]]
    write_json_lines(tmp_path / "waiting" / "pending.jsonl", rows)
    AnswerLog(tmp_path / "waiting" / "answers.jsonl").append(first[:1])
    done = import_answers(tmp_path / "waiting", [*first, answer("x9", "new", "newer")], Path("set.csv"))
    assert (done.added, done.asked, done.there, done.taken_back) == (len(first), len(first) - 1, 1, 0)
    kept = {found.id: found for found in AnswerLog(tmp_path / "waiting" / "answers.jsonl").answers()}
    assert kept["x9"].cycle == 0
    assert all(kept[given.id] == given for given in first)
