"""A learner that waits goes on once nothing is left on the page: both know alike what is still to be answered."""

import itertools

import numpy as np
import pandas as pd
import pytest

from aas_plugin.active.learner import ActiveLearner
from aas_plugin.active.refining import PaperRefiner
from aas_plugin.annotator.queue import QuestionQueue
from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.settings.models import ActiveSettings

IMAGES = "abcdefgh"
IDS = map("{:016x}".format, itertools.count(1))


def say(queue, pair, decision, person="Ada"):
    name = "-".join(map(str, sorted(map(IMAGES.index, pair))))
    queue.answer(id=next(IDS), person=person, tab="1", pair=name, decision=decision)


def say_same(queue, number=0):
    """Answer all that the page asks."""
    while asked := queue.claim("Ada", "1", [], 1)["pairs"]:
        say(queue, "".join(IMAGES[asked[0][end]] for end in "ab"), "same")


def known_before(folder, *pairs):
    """Answers "same" that lie in a folder before its questions are drawn."""
    given = {"decision": "same", "annotator": "Imp", "time": "2024-01-01T00:00:00+00:00", "cycle": 0, "kind": "over"}
    answers = [
        Answer(id=f"i{number}", a=a, b=b, hash_a=f"hash {a}", hash_b=f"hash {b}", **given)
        for number, (a, b) in enumerate(pairs)
    ]
    AnswerLog(folder / "answers.jsonl").append(answers)


def step(folder, chosen, sitting, refiner=None, **more):
    """Take a step that asks about these pairs; `sitting` is called whenever it waits, with the page's queue.

    Gives what the page had left after each sitting, and the result; at most five sittings.
    """
    left = []

    def wait():
        queue = QuestionQueue(folder, audit=more.get("audit", 0.0))
        sitting(queue, len(left))
        left.append(queue.left())
        assert len(left) < 5, "the learner waits for what the page does not ask"
        return True

    def select(views, known, budget):
        pairs = [pair for pair in (tuple(map(IMAGES.index, one)) for one in chosen) if not known(np.array([pair]))[0]]
        return pd.DataFrame({"u": [u for u, _ in pairs], "v": [v for _, v in pairs], "kind": "over"})

    select.stops = True
    features = np.random.default_rng(0).normal(size=(len(IMAGES), 4)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    learner = ActiveLearner(
        list(IMAGES),
        lambda question: None,
        folder,
        hashes=[f"hash {image}" for image in IMAGES],
        select=select,
        refiner=refiner or PaperRefiner(),
        active=ActiveSettings(every=1, cycles=1, budget=3, rounds=1),
        wait=wait,
        elsewhere={"x": "hash x"},
    )
    return left, learner.step(features, np.repeat([0, 1], 4), epoch=0)


def test_what_follows_from_a_second_and_a_third_look_is_known_to_both(tmp_path):
    def sitting(queue, number):
        say(queue, "ab", "different")
        say(queue, "ab", "same", "Ben")
        say(queue, "ab", "same", "Cy")
        say(queue, "bc", "different")

    left, result = step(tmp_path, ["ab", "bc", "ac"], sitting, audit=1.0)
    assert left == [0] and not result.waiting


class Doubts(PaperRefiner):
    """Sets aside what answers say of the first two images."""

    def aas_set_aside(self, evidence):
        return (evidence.pairs == [0, 1]).all(axis=1)


@pytest.mark.parametrize("chosen", [["bc", "ac"], ["ac"]])
def test_what_follows_from_an_answer_that_the_run_set_aside_is_asked(tmp_path, chosen):
    known_before(tmp_path, *["ab", "bc"][: 3 - len(chosen)])
    left, result = step(tmp_path, chosen, say_same, Doubts())
    assert left == [0] * len(chosen) and not result.waiting
    assert {answer.a + answer.b for answer in AnswerLog(tmp_path / "answers.jsonl").answers()} == {"ab", "bc", "ac"}


def test_what_follows_through_a_photo_that_is_not_trained_on_is_asked(tmp_path):
    known_before(tmp_path, "ax", "bx")
    left, result = step(tmp_path, ["ab"], say_same)
    assert left == [0] and not result.waiting
