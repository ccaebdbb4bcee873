"""The step, from somebody else's loop: it asks when it is time, keeps answers, and returns labels that fit."""

import json
import uuid

import numpy as np
import pytest

from aas_plugin import ActiveLearner
from aas_plugin.annotator.queue import QuestionQueue
from aas_plugin.constraints.closure import Contradiction
from aas_plugin.errors import AasError
from aas_plugin.settings.models import ActiveSettings

INDIVIDUALS = np.repeat(np.arange(12), 6)
PATHS = [f"photos/{i:03d}.jpg" for i in range(len(INDIVIDUALS))]


def make_features(spread=0.9, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(12, 24))
    features = centres[INDIVIDUALS] + spread * rng.normal(size=(len(INDIVIDUALS), 24))
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)


def truth(question):
    return "same" if INDIVIDUALS[question.u] == INDIVIDUALS[question.v] else "different"


def make_learner(folder, answer=truth, budget=20, **settings):
    return ActiveLearner(
        PATHS, answer, folder, active=ActiveSettings(every=2, cycles=3, budget=budget, rounds=1), **settings
    )


LABELS = np.zeros(len(PATHS), dtype=np.int64)


def test_labels_satisfy_every_answer_and_questions_stay_under_the_budget(tmp_path):
    learner = make_learner(tmp_path)
    for epoch in range(6):
        result = learner.step(make_features(seed=epoch // 2), LABELS, epoch=epoch)
        assert (result.report is not None) == (epoch % 2 == 0)
        if result.report is not None:
            assert 0 < result.report["asked"] <= 20
        for answer in learner.log.answers():
            u, v = PATHS.index(answer.a), PATHS.index(answer.b)
            assert (result.labels[u] == result.labels[v]) == (answer.decision == "same")


def test_no_pair_is_asked_twice_and_none_whose_answer_follows(tmp_path):
    asked = []

    def answer(question):
        assert learner.constraints.entails(question.u, question.v) is None
        asked.append((question.u, question.v))
        return truth(question)

    learner = make_learner(tmp_path, answer)
    for epoch in range(6):
        learner.step(make_features(), LABELS, epoch=epoch)
    assert len(asked) == len(set(asked)) == len(learner.log.answers())


def test_a_pair_that_cannot_be_told_is_no_constraint_and_not_asked_again(tmp_path):
    learner = make_learner(tmp_path, lambda question: "cannot_tell")
    for epoch in range(6):
        result = learner.step(make_features(), LABELS, epoch=epoch)
    pairs = [(answer.a, answer.b) for answer in learner.log.answers()]
    assert len(pairs) == len(set(pairs)) > 0
    assert len(learner.constraints.must_links) == len(learner.constraints.cannot_links) == 0
    assert (result.labels == 0).all()


def test_waiting_for_people_and_going_on(tmp_path):
    slow = make_learner(tmp_path, lambda question: None)
    result = slow.step(make_features(), LABELS, epoch=0)
    assert result.waiting
    waiting = [json.loads(line) for line in (tmp_path / "pending.jsonl").read_text().splitlines()]
    assert len(waiting) == result.report["pending"] > 0
    assert {"a", "b", "kind", "cycle"} <= set(waiting[0])

    seen = []

    def answer(question):
        seen.append(question.paths)
        return truth(question)

    again = make_learner(tmp_path, answer)
    # Other features, as after a restart: the questions that were asked are the ones that count.
    result = again.step(make_features(seed=9), LABELS, epoch=0)
    assert not result.waiting
    assert set(seen) <= {(row["a"], row["b"]) for row in waiting}
    assert not (tmp_path / "pending.jsonl").exists()


def people(folder, wrong=()):
    """Somebody who answers all that is left, right but for the calls in `wrong`."""
    called = []

    def wait():
        queue = QuestionQueue(folder)
        called.append(queue.left())
        while offer := queue.claim("Ada", "1", [], 1)["pairs"]:
            u, v = (PATHS.index(queue.images.paths[offer[0][end]]) for end in "ab")
            same = (INDIVIDUALS[u] == INDIVIDUALS[v]) != (len(called) in wrong)
            told = {"person": "Ada", "tab": "1", "pair": offer[0]["pair"], "decision": "same" if same else "different"}
            queue.answer(id=uuid.uuid4().hex[:16], **told)
        return True

    return wait, called


def test_a_step_that_waits_for_people_ends_as_one_that_need_not(tmp_path):
    active = ActiveSettings(every=2, cycles=3, budget=20, rounds=4)
    at_once = ActiveLearner(PATHS, truth, tmp_path / "at once", active=active)
    wait, called = people(tmp_path / "waits")
    waits = ActiveLearner(PATHS, lambda question: None, tmp_path / "waits", active=active, wait=wait)
    for epoch in range(6):
        expected = at_once.step(make_features(seed=epoch), LABELS, epoch=epoch)
        result = waits.step(make_features(seed=epoch), LABELS, epoch=epoch)
        assert not result.waiting and result.labels.tolist() == expected.labels.tolist()
    assert len(called) > 6 and not (tmp_path / "waits" / "pending.jsonl").exists()
    mine, theirs = waits.answers(), at_once.answers()
    assert [(one.a, one.b, one.decision) for one in mine] == [(one.a, one.b, one.decision) for one in theirs]


def test_a_step_whose_people_go_home_ends_and_is_taken_up_again(tmp_path):
    patient = iter([False])
    learner = ActiveLearner(PATHS, lambda question: None, tmp_path, wait=lambda: next(patient))
    assert learner.step(make_features(), LABELS, epoch=0).waiting
    wait, _ = people(tmp_path)
    again = ActiveLearner(PATHS, lambda question: None, tmp_path, wait=wait)
    assert not again.step(make_features(), LABELS, epoch=0).waiting


def test_what_people_take_back_or_change_between_two_steps_counts_in_the_next_one(tmp_path):
    learner = make_learner(tmp_path)
    before = learner.step(make_features(), LABELS, epoch=0).labels
    queue = QuestionQueue(tmp_path)
    same = next(one for one in learner.answers() if one.decision == "same")
    u, v = PATHS.index(same.a), PATHS.index(same.b)
    assert before[u] == before[v]
    others = [one.id for one in learner.answers() if one.id != same.id]
    for one in others:
        queue.undo(same.annotator, "1", answer=one)
    given = {"id": "f" * 16, "person": same.annotator, "tab": "1", "pair": f"{u}-{v}", "decision": "different"}
    queue.answer(**given, replaces=same.id)
    after = learner.step(make_features(), LABELS, epoch=1).labels
    assert after[u] != after[v]
    assert len(learner.constraints.must_links) == 0 and len(learner.constraints.cannot_links) == 1


def test_stopped_between_two_answers_it_ends_as_if_it_was_not(tmp_path):
    whole = make_learner(tmp_path / "whole")
    expected = whole.step(make_features(), LABELS, epoch=0)

    class Stop(Exception):
        pass

    def stops(question):
        if len(broken.log.answers()) == 7:
            raise Stop
        return truth(question)

    broken = make_learner(tmp_path / "broken", stops)
    with pytest.raises(Stop):
        broken.step(make_features(), LABELS, epoch=0)
    resumed = make_learner(tmp_path / "broken")
    assert len(resumed.log.answers()) == 7
    result = resumed.step(make_features(), LABELS, epoch=0)
    np.testing.assert_array_equal(result.labels, expected.labels)
    answers = [[(a.a, a.b, a.decision) for a in learner.log.answers()] for learner in (whole, resumed)]
    assert answers[0] == answers[1]
    assert result.report["asked"] == expected.report["asked"]


def test_answers_hold_when_the_list_of_images_grew_and_changed_order(tmp_path):
    learner = make_learner(tmp_path)
    learner.step(make_features(), LABELS, epoch=0)
    order = np.random.default_rng(1).permutation(len(PATHS))
    names = ["new.jpg", *(PATHS[i] for i in order)]
    grown = ActiveLearner(names, truth, tmp_path, active=ActiveSettings(cycles=0), resume=False)
    features = np.concatenate([make_features()[:1], make_features()[order]])
    labels = grown.step(features, np.zeros(len(names), dtype=np.int64), epoch=0).labels
    for answer in learner.log.answers():
        same = labels[names.index(answer.a)] == labels[names.index(answer.b)]
        assert same == (answer.decision == "same")


def test_contradictory_answers_in_the_log_show_their_chain(tmp_path):
    learner = make_learner(tmp_path)
    learner.step(make_features(), LABELS, epoch=0)
    lines = (tmp_path / "answers.jsonl").read_text().splitlines()
    record = next(json.loads(line) for line in lines if '"same"' in line)
    record |= {"id": "opposite", "decision": "different"}
    with (tmp_path / "answers.jsonl").open("a") as file:
        file.write(json.dumps(record) + "\n")
    with pytest.raises(Contradiction, match=rf"{record['a']}.*{record['b']}"):
        make_learner(tmp_path)


def test_an_absolute_budget_a_share_and_none(tmp_path):
    pairs = len(PATHS) * (len(PATHS) - 1) // 2
    assert make_learner(tmp_path, budget=7).budget == 7
    assert make_learner(tmp_path, budget=0.01).budget == -(-pairs // 100)
    assert make_learner(tmp_path, budget=1e-9).budget == 1
    silent = make_learner(tmp_path, budget=0)
    assert silent.step(make_features(), LABELS, epoch=0).report["asked"] == 0


@pytest.mark.parametrize(
    ("features", "labels"),
    [(np.ones((3, 4)), LABELS), (np.ones(len(PATHS)), LABELS), (np.ones((len(PATHS), 4)), LABELS[:5])],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, features, labels):
    with pytest.raises(AasError, match="is needed"):
        make_learner(tmp_path).step(features, labels, epoch=0)


def test_a_path_that_stands_twice_is_refused(tmp_path):
    with pytest.raises(AasError, match=r"'a\.jpg' stands twice"):
        ActiveLearner(["a.jpg", "b.jpg", "a.jpg"], truth, tmp_path)


def test_an_oracle_that_says_something_else_is_refused(tmp_path):
    with pytest.raises(AasError, match="'maybe'"):
        make_learner(tmp_path, lambda question: "maybe").step(make_features(), LABELS, epoch=0)


def test_identical_images_and_two_images(tmp_path):
    for n in (1, 2, len(PATHS)):
        features = np.zeros((n, 4), dtype=np.float32)
        features[:, 0] = 1
        learner = ActiveLearner(PATHS[:n], truth, tmp_path / str(n), active=ActiveSettings(budget=5, rounds=1))
        result = learner.step(features, np.full(n, -1), epoch=0)
        assert len(result.labels) == n


def test_codes_for_nobody_are_none_of_the_identities_given(tmp_path):
    names = ["Tom", "NA", "unknown", "", None, float("nan"), "?", "Nana"]
    paths = [f"{number}.jpg" for number in range(8)]
    given = {"paths": paths, "answer": lambda question: "same", "identities": names}
    assert ActiveLearner(**given, folder=tmp_path / "1").identities == ["Tom", *[None] * 6, "Nana"]
    kept = ActiveLearner(**given, folder=tmp_path / "2", unknown=())
    assert kept.identities == ["Tom", "NA", "unknown", None, None, None, "?", "Nana"]
