"""A used folder: going on and beginning anew are told apart, and nothing is silenced."""

import json

import numpy as np
import pytest

from aas_plugin import ActiveLearner
from aas_plugin.active.begun import EARLIER
from aas_plugin.errors import AasError
from aas_plugin.settings.models import ActiveSettings

INDIVIDUALS = np.repeat(np.arange(10), 5)
N = len(INDIVIDUALS)
LABELS = np.zeros(N, dtype=np.int64)
A = [f"a/{i:02d}.jpg" for i in range(N)]
B = [f"b/{i + N:02d}.jpg" for i in range(N)]


def features(seed):
    rng = np.random.default_rng(seed)
    found = rng.normal(size=(10, 16))[INDIVIDUALS] + 0.9 * rng.normal(size=(N, 16))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


class Training:
    """A training in a folder, and the questions that it was asked."""

    def __init__(self, folder, paths=A, answers=10**6, **options):
        self.asked = []
        self.answers = answers
        active = ActiveSettings(every=1, rounds=1, cycles=options.pop("cycles", 2), budget=options.pop("budget", 8))
        self.learner = ActiveLearner(paths, self.answer, folder, active=active, **options)

    def answer(self, question):
        if len(self.asked) >= self.answers:
            return None
        self.asked.append(question.paths)
        return "same" if INDIVIDUALS[question.u] == INDIVIDUALS[question.v] else "different"

    def epochs(self, count=2, seed=0):
        self.reports = [self.learner.step(features(seed), LABELS, epoch=epoch).report for epoch in range(count)]
        return self


def test_other_images_in_a_used_folder_are_refused_and_asked_when_told_to(tmp_path):
    first = Training(tmp_path).epochs()
    for resume in (None, True):
        with pytest.raises(AasError, match=r"was begun with something else .images: .*resume=False"):
            Training(tmp_path, B, resume=resume)
    second = Training(tmp_path, B, resume=False).epochs()
    assert [report["asked"] for report in second.reports] == [len(second.asked[:8]), len(second.asked[8:])]
    assert second.asked and {path[0] for pair in second.asked for path in pair} == {"b"}
    assert second.reports[-1]["asked_total"] == len(second.asked)
    assert second.reports[-1]["imported"] == len(first.asked)
    assert len(second.learner.log.answers()) == len(first.asked) + len(second.asked)


@pytest.mark.parametrize(
    ("options", "words"), [({"seed": 1}, "seed: 0 -> 1"), ({"budget": 9}, r"budget: 8\.0 -> 9\.0")]
)
def test_another_seed_or_setting_is_refused_by_its_name(tmp_path, options, words):
    Training(tmp_path).epochs(1)
    with pytest.raises(AasError, match=words):
        Training(tmp_path, **options)


def test_training_again_on_the_same_images_is_told_apart_from_going_on(tmp_path):
    first = Training(tmp_path).epochs()
    with pytest.raises(AasError, match=r"all questions of .*resume=True.*resume=False"):
        Training(tmp_path)
    on = Training(tmp_path, resume=True).epochs(seed=1)
    assert not on.asked
    assert [report["asked"] for report in on.reports] == [report["asked"] for report in first.reports]
    anew = Training(tmp_path, resume=False).epochs(seed=1)
    assert anew.asked and not set(anew.asked) & set(first.asked)
    assert anew.reports[-1]["asked_total"] == len(anew.asked)
    kept = sorted((tmp_path / EARLIER / "01" / "cycles").glob("*/proposal.parquet"))
    assert [path.parent.name for path in kept] == ["01", "02"]
    assert Training(tmp_path, resume=False).epochs(seed=2).reports[-1]["imported"] > len(first.asked)
    assert (tmp_path / EARLIER / "02").is_dir()


def test_what_was_broken_off_goes_on_without_a_word(tmp_path):
    Training(tmp_path, answers=3).epochs(1)
    second = Training(tmp_path, answers=5).epochs(1)
    assert len(second.asked) > 0 and second.reports[0]["asked"] == 3 + len(second.asked)
    third = Training(tmp_path).epochs()
    assert third.reports[1]["asked_total"] == len(third.learner.log.answers())
    assert third.reports[1]["imported"] == 0


def test_a_shorter_training_that_never_asks_needs_no_word(tmp_path):
    Training(tmp_path, budget=0).epochs()
    Training(tmp_path, budget=0).epochs()


def test_a_folder_in_which_nothing_was_asked_yet_takes_other_settings(tmp_path):
    Training(tmp_path)
    first = Training(tmp_path, budget=5, answers=2).epochs(1)
    second = Training(tmp_path, budget=5).epochs(1)
    assert second.reports[0]["asked"] == len(first.asked) + len(second.asked) == 5


def test_questions_of_nobody_knows_which_training_are_not_taken_for_this_one(tmp_path):
    Training(tmp_path).epochs(1)
    for damage in ("", "{", "[]"):
        (tmp_path / "begun.json").write_text(damage)
        with pytest.raises(AasError, match="nothing says of which images"):
            Training(tmp_path)
    (tmp_path / "begun.json").unlink()
    assert not Training(tmp_path, resume=True).epochs(1).asked
    assert json.loads((tmp_path / "begun.json").read_text())["seed"] == 0


def test_answers_of_others_to_what_is_pending_count_as_asked(tmp_path):
    waiting = Training(tmp_path, answers=0).epochs(1)
    assert waiting.reports[0]["pending"] == 8
    rows = [json.loads(line) for line in (tmp_path / "pending.jsonl").read_text().splitlines()]
    other = Training(tmp_path / "other")
    from aas_plugin.active.asking import Scribe
    from aas_plugin.active.questions import Question

    with Scribe(waiting.learner.log, "imported", None, machine=True) as scribe:
        for row in rows:
            u, v = A.index(row["a"]), A.index(row["b"])
            question = Question(u, v, (row["a"], row["b"]), row["kind"], 0)
            scribe.write(question, other.answer(question))
    report = Training(tmp_path).epochs(1).reports[0]
    assert (report["asked"], report["superfluous"], report["imported"]) == (len(rows), 0, 0)
