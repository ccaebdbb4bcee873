"""The answer log loses nothing: not to kills, half-written lines or a full disk."""

import dataclasses
import json
import os
import signal
import subprocess
import sys

import pytest

from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.errors import AasError


def answer(name, decision="same", **more):
    facts = {"hash_a": "aa", "hash_b": "bb", "annotator": "Ada", "time": "2025-01-01T10:00:00Z"}
    facts |= {"a": "x/1.jpg", "b": "x/2.jpg", "cycle": 0, "kind": "over"} | more
    return Answer(id=name, decision=decision, **facts)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs" / "answers.jsonl"


@pytest.fixture
def filled(path):
    AnswerLog(path).append([answer("a1"), answer("a2")])
    return path


def ids(path):
    return [a.id for a in AnswerLog(path).answers()]


def test_answers_come_back_as_they_were_given(path):
    given = [
        answer("a1", a="bär/\udce9 1.jpg", b='"quoted"\n.jpg'),
        answer("a2", "cannot_tell", cycle=3),
        answer("a3", "different", contradicts=("a1", "a2")),
    ]
    log = AnswerLog(path)
    assert log.answers() == [] and not path.exists()
    log.append(given[:1])
    log.append([])
    log.append(given[1:])
    assert log.answers() == AnswerLog(path).answers() == given
    assert len(path.read_text().splitlines()) == 3


def test_revoked_answers_stay_in_the_log_and_count_no_more(filled):
    log = AnswerLog(filled)
    written = filled.read_bytes()
    log.revoke("a1", "Bob")
    log.revoke("a1", "Bob")
    assert [a.id for a in log.answers()] == ids(filled) == ["a2"]
    assert filled.read_bytes().startswith(written)
    (revocation,) = filled.read_text().splitlines()[2:]
    assert json.loads(revocation)["annotator"] == "Bob"


def test_an_unknown_answer_cannot_be_revoked(filled):
    with pytest.raises(AasError, match=r"a9 is not in .*answers\.jsonl"):
        AnswerLog(filled).revoke("a9", "Bob")


def test_an_id_is_used_once_even_after_revocation(filled):
    log = AnswerLog(filled)
    log.revoke("a1", "Bob")
    written = filled.read_bytes()
    for answers in ([answer("a3"), answer("a1")], [answer("a4"), answer("a4")]):
        with pytest.raises(AasError, match="already in"):
            log.append(answers)
    assert filled.read_bytes() == written


def test_an_unknown_decision_is_an_error():
    with pytest.raises(ValueError, match="'maybe'"):
        answer("a1", "maybe")


def test_fields_of_a_newer_version_are_tolerated(filled):
    record = {"record": "answer", **dataclasses.asdict(answer("a3")), "certainty": 0.7}
    del record["contradicts"]
    with filled.open("a") as file:
        file.write(json.dumps(record) + "\n")
    assert AnswerLog(filled).answers()[-1] == answer("a3")


@pytest.mark.parametrize(
    "tail", [b'{"record": "answer", "id": "a3', b'{"record"\n', '{"a": "b\u00e4'.encode()[:-1], b"\0\0\0", b"{\n\n"]
)
def test_a_half_written_last_line_is_set_aside(filled, tail):
    written = filled.read_bytes()
    filled.write_bytes(written + tail)
    log = AnswerLog(filled)
    assert "answers.jsonl.damaged" in log.damaged
    assert [a.id for a in log.answers()] == ["a1", "a2"]
    assert filled.read_bytes() == written
    beside = filled.with_name("answers.jsonl.damaged")
    assert beside.read_bytes() == tail.strip() + b"\n"
    assert AnswerLog(filled).damaged is None

    filled.write_bytes(written + b"{")
    AnswerLog(filled).append([answer("a3")])
    assert ids(filled) == ["a1", "a2", "a3"]
    assert beside.read_bytes() == tail.strip() + b"\n{\n"


def test_a_last_line_cut_anywhere_keeps_the_others(filled):
    written = filled.read_bytes()
    first = written.index(b"\n") + 1
    for cut in range(first + 1, len(written) - 1, 7):
        filled.write_bytes(written[:cut])
        log = AnswerLog(filled)
        assert [a.id for a in log.answers()] == ["a1"] and log.damaged


def test_a_whole_last_line_without_its_newline_is_kept(filled):
    written = filled.read_bytes()
    filled.write_bytes(written[:-1])
    log = AnswerLog(filled)
    assert log.damaged is None and [a.id for a in log.answers()] == ["a1", "a2"]
    log.append([answer("a3")])
    assert ids(filled) == ["a1", "a2", "a3"]


@pytest.mark.parametrize("line", [b'{"record": "ans', b"{}", b"[]", b'{"record": "oath"}', b"\xff"])
def test_a_bad_line_in_the_middle_is_an_error_that_names_it(filled, line):
    first, second = filled.read_bytes().splitlines()
    filled.write_bytes(b"\n".join([first, b"", line, second, b""]))
    with pytest.raises(AasError, match=r"Line 3 of .*answers\.jsonl"):
        AnswerLog(filled)
    assert second in filled.read_bytes()


def test_a_bad_line_that_appears_later_is_named_by_its_place_in_the_file(filled):
    log = AnswerLog(filled)
    with filled.open("a") as file:
        file.write("{}\n")
    with pytest.raises(AasError, match="Line 3 of"):
        log.answers()


def test_lines_removed_by_hand_may_leave_blanks(filled):
    filled.write_bytes(b"\n" + filled.read_bytes().replace(b"\n", b"\r\n") + b"\n \n")
    log = AnswerLog(filled)
    assert log.damaged is None and [a.id for a in log.answers()] == ["a1", "a2"]


def test_a_log_cut_while_in_use_is_an_error(filled):
    log = AnswerLog(filled)
    filled.write_bytes(b"")
    with pytest.raises(AasError, match="cut while it was in use"):
        log.answers()


def test_two_logs_on_one_file_see_each_others_answers(filled):
    engine, page = AnswerLog(filled), AnswerLog(filled)
    page.append([answer("a3")])
    page.revoke("a1", "Bob")
    assert [a.id for a in engine.answers()] == ["a2", "a3"]
    engine.append([answer("a4")])
    with pytest.raises(AasError, match="already in"):
        page.append([answer("a4")])
    assert [a.id for a in page.answers()] == ["a2", "a3", "a4"]


WRITER = """
import itertools, sys
from aas_plugin.constraints.answers import Answer, AnswerLog
log = AnswerLog(sys.argv[1])
for i in itertools.count():
    name = f"{sys.argv[2]}{i}"
    log.append([Answer(name, "a" * 5000, "b", "", "", "same", "Ada", "", 0, "over")])
    print(name, flush=True)
"""


def start_writer(path, name):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name], stdout=subprocess.PIPE, text=True, cwd=os.getcwd()
    )


def test_kill_9_loses_no_acknowledged_answer_of_two_writers(path):
    acknowledged = []
    for turn in range(3):
        writers = [start_writer(path, f"{turn}{name}") for name in "vw"]
        for writer in writers:
            acknowledged += [writer.stdout.readline().strip() for _ in range(20)]
        assert AnswerLog(path).damaged is None
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
        for writer in writers:
            acknowledged += writer.communicate()[0].split()
    assert len(acknowledged) >= 120
    found = ids(path)
    assert set(acknowledged) <= set(found)
    assert len(set(found)) == len(found)


FULL_DISK = """
import resource, sys
from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.errors import AasError
log = AnswerLog(sys.argv[1])
size = log.path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 300, resource.RLIM_INFINITY))
answers = [Answer(f"n{i}", "a", "b", "", "", "same", "Ada", "", 0, "over") for i in range(50)]
try:
    log.append(answers)
except AasError as error:
    print(error)
    assert isinstance(error.__cause__, OSError)
assert log.path.stat().st_size == size
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.append(answers)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no file size limit")
def test_a_write_that_fails_half_way_leaves_the_log_as_it_was(filled):
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(filled)], capture_output=True, text=True, check=True)
    assert str(filled) in done.stdout and "try again" in done.stdout
    assert ids(filled) == ["a1", "a2", *(f"n{i}" for i in range(50))]


def test_a_log_that_is_a_folder_is_an_error_that_names_it(tmp_path):
    with pytest.raises(AasError, match=str(tmp_path)):
        AnswerLog(tmp_path)
