"""The pure part of answering in a terminal: the questions that are left, and the picture of a pair."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.constraints.closure import Contradiction
from aas_plugin.data.images import UnreadableImageError
from aas_plugin.errors import AasError
from aas_plugin.files import write_json_lines
from aas_plugin.oracles.pending import Sitting, side_by_side


def sitting(folder, *pairs):
    write_json_lines(folder / "pending.jsonl", [{"a": a, "b": b, "kind": "over", "cycle": 1} for a, b in pairs])
    return Sitting(folder, Path("nowhere"), "Ada")


def left(sitting):
    return [question.a + question.b for question in sitting.left()]


def test_what_is_left_follows_the_answers_also_when_one_is_taken_back(tmp_path):
    one = sitting(tmp_path, "ab", "bc", "ac", "ad", "cd")
    one.answer(one.questions[0], "same")
    one.answer(one.questions[1], "same")
    assert left(one) == ["ad", "cd"]
    one.answer(one.questions[3], "different")
    assert left(one) == []
    assert one.take_back() == one.questions[3] and left(one) == ["ad", "cd"]
    assert one.take_back() == one.questions[1] and left(one) == ["bc", "ac", "ad", "cd"]
    assert one.take_back() == one.questions[0] and one.take_back() is None
    assert left(one) == ["ab", "bc", "ac", "ad", "cd"]
    assert left(Sitting(tmp_path, Path(), "Bob")) == left(one)


def test_a_question_that_was_put_off_comes_last_of_all_in_another_sitting(tmp_path):
    one = sitting(tmp_path, "ab", "cd")
    one.put_off(one.questions[0])
    assert one.next() == one.questions[1]
    one.answer(one.questions[1], "cannot_tell")
    assert one.next() is None and left(one) == ["ab"]
    assert Sitting(tmp_path, Path(), "Ada").next() == one.questions[0]


def test_a_contradiction_names_its_chain_and_leaves_everything_as_it_was(tmp_path):
    one = sitting(tmp_path, "ab", "bc", "ac")
    for question in one.questions[:2]:
        one.answer(question, "same")
    before = (tmp_path / "answers.jsonl").read_bytes()
    with pytest.raises(Contradiction, match=r"a is the same as b \(\w+\), b is the same as c"):
        one.answer(one.questions[2], "different")
    assert (tmp_path / "answers.jsonl").read_bytes() == before
    assert left(one) == []


def test_questions_that_cannot_be_read_are_told(tmp_path):
    (tmp_path / "pending.jsonl").write_text('{"a": "x"}\n')
    with pytest.raises(AasError, match=r"pending\.jsonl cannot be read .*'b'.*asks anew"):
        Sitting(tmp_path, Path(), "Ada")


def photo(path, width, height, **more):
    Image.new("RGB", (width, height), (0, 0, 250)).save(path, **more)
    return path


@pytest.mark.parametrize("sizes", [((4000, 3000), (3000, 4000)), ((90, 60), (5000, 100)), ((3, 900), (2, 700))])
def test_two_photos_are_of_one_height_and_never_wider_than_a_screen(tmp_path, sizes):
    paths = [photo(tmp_path / f"{number}.png", *size) for number, size in enumerate(sizes)]
    pair = np.asarray(side_by_side(*paths))
    assert pair.shape[1] <= 1600
    white = (pair == 255).all(axis=(0, 2))
    gap = np.flatnonzero(white)
    # Blue, a thin white gap from top to bottom, blue.
    assert len(gap) == 8 and gap[-1] - gap[0] == 7 and gap[0] > 0 and gap[-1] < pair.shape[1] - 1
    assert (pair[:, ~white] == (0, 0, 250)).all()
    widths = gap[0], pair.shape[1] - gap[-1] - 1
    for (width, height), drawn in zip(sizes, widths, strict=True):
        assert abs(drawn - width / height * pair.shape[0]) <= 1


def test_a_photo_stands_upright_as_its_camera_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    first = photo(tmp_path / "turned.jpg", 100, 50, exif=exif)
    second = photo(tmp_path / "upright.png", 50, 100)
    assert side_by_side(first, second).size == (50 + 8 + 50, 100)
    with pytest.raises(UnreadableImageError, match=r"lost\.png"):
        side_by_side(first, tmp_path / "lost.png")


def test_a_question_that_is_asked_again_waits_for_its_own_answer_which_may_contradict(tmp_path):
    answer = {"hash_a": "", "hash_b": "", "annotator": "Ada", "time": "", "cycle": 1, "kind": "over"}
    log = AnswerLog(tmp_path / "answers.jsonl")
    log.append([Answer(name, *pair, decision="same", **answer) for name, pair in (("1", "ab"), ("2", "bc"))])
    asked = {"a": "a", "b": "c", "kind": "again", "cycle": 2, "repeats": "1", "linkage": 0.5}
    (tmp_path / "pending.jsonl").write_text(json.dumps(asked) + "\n", encoding="utf-8")
    sitting = Sitting(tmp_path, tmp_path, "Eve")
    (question,) = sitting.left()
    sitting.answer(question, "different")
    assert sitting.left() == []
    last = AnswerLog(log.path).answers()[-1]
    assert (last.decision, last.repeats, last.contradicts) == ("different", "1", ("1", "2"))
    assert last.linkage == 0.5
