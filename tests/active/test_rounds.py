"""Rounds: a cycle's budget in parts, each chosen after the answers to those before."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aas_plugin import ActiveLearner
from aas_plugin.active import rounds
from aas_plugin.sampling.baselines import random_pairs
from aas_plugin.settings.models import ActiveSettings

INDIVIDUALS = np.repeat(np.arange(12), 6)
PATHS = [f"photos/{i:03d}.jpg" for i in range(len(INDIVIDUALS))]
LABELS = np.zeros(len(PATHS), dtype=np.int64)


def features_of(seed=0, spread=0.9):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(12, 24))[INDIVIDUALS] + spread * rng.normal(size=(len(INDIVIDUALS), 24))
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)


def truth(question):
    return "same" if INDIVIDUALS[question.u] == INDIVIDUALS[question.v] else "different"


def learner_of(folder, answer=truth, of=3, budget=20, **more):
    active = ActiveSettings(every=2, cycles=2, budget=budget, rounds=of)
    return ActiveLearner(PATHS, answer, folder, active=active, **more)


def proposal_of(folder, cycle=1):
    return pd.read_parquet(folder / f"cycles/{cycle:02d}/proposal.parquet")


@given(budget=st.integers(0, 100), of=st.integers(1, 12), data=st.data())
def test_rounds_never_ask_more_than_the_budget_and_all_of_it_where_all_is_answered(budget, of, data):
    asked, full = 0, True
    for drawn in range(of):
        allowed = rounds.quota(budget, asked, drawn, of)
        answered = data.draw(st.integers(0, allowed))
        full &= answered == allowed
        asked += answered
    assert asked <= budget
    assert asked == budget or not full
    assert rounds.quota(budget, asked, of, of) == 0


def test_every_round_knows_the_answers_to_those_before(tmp_path):
    seen = []

    def select(views, known, budget, rng):
        inside = [len(learner.constraints.must_links) + len(learner.constraints.cannot_links), budget]
        for links, apart in ((learner.constraints.must_links, False), (learner.constraints.cannot_links, True)):
            for view in (views.a, views.b):
                assert ((view[links[:, 0]] != view[links[:, 1]]) == apart).all()
        seen.append(tuple(inside))
        return random_pairs(len(views.a), budget, rng, known)

    learner = learner_of(tmp_path, select=select, of=4, budget=18)
    report = learner.step(features_of(), LABELS, epoch=0).report
    assert [answers for answers, _ in seen] == sorted({answers for answers, _ in seen})
    assert seen[0] == (0, 5) and len(seen) == 4
    assert report["rounds"] == 4 and report["asked"] == 18


def test_what_became_superfluous_is_asked_elsewhere_in_a_later_round(tmp_path):
    """The pairs of a triangle: two answers settle the third, whose question goes to another pair."""

    def select(known, budget):
        triangles = np.array([(6 * i + a, 6 * i + b) for i in range(12) for a, b in ((0, 1), (1, 2), (0, 2))])
        chosen = triangles[~known(triangles)][:budget]
        return pd.DataFrame({"u": chosen[:, 0], "v": chosen[:, 1], "kind": "triangle"})

    at_once = learner_of(tmp_path / "one", of=1, budget=12, select=select)
    in_rounds = learner_of(tmp_path / "three", of=3, budget=12, select=select)
    one, three = (learner.step(features_of(), LABELS, epoch=0).report for learner in (at_once, in_rounds))
    assert one["asked"] == 8 and one["superfluous"] == 4
    assert 8 < three["asked"] <= 12
    assert three["asked"] + three["superfluous"] == three["proposed"] == len(proposal_of(tmp_path / "three"))


def test_a_round_that_chooses_nothing_ends_the_cycle(tmp_path):
    calls = []

    def select(known, budget):
        calls.append(budget)
        pairs = np.array([(0, 1), (6, 12)])
        pairs = pairs[~known(pairs)]
        return pd.DataFrame({"u": pairs[:, 0], "v": pairs[:, 1], "kind": "few"})

    learner = learner_of(tmp_path, of=9, budget=900, select=select)
    report = learner.step(features_of(), LABELS, epoch=0).report
    assert report["asked"] == 2 and len(calls) == 2
    again = learner.step(features_of(), LABELS, epoch=0).report
    assert len(calls) == 2, "the cycle is complete, and was drawn again"
    assert again["asked"] == 2


def test_people_get_one_round_at_a_time(tmp_path):
    answers = {}

    def person(question):
        return answers.get(question.paths)

    reports = []
    for _ in range(9):
        learner = learner_of(tmp_path, person)
        result = learner.step(features_of(), LABELS, epoch=0)
        reports.append(result.report)
        if not result.waiting:
            break
        pending = [json.loads(line) for line in (tmp_path / "pending.jsonl").read_text().splitlines()]
        assert 0 < len(pending) <= 7
        for row in pending:
            u, v = PATHS.index(row["a"]), PATHS.index(row["b"])
            answers[(row["a"], row["b"])] = "same" if INDIVIDUALS[u] == INDIVIDUALS[v] else "different"
    assert not result.waiting and [report["rounds"] for report in reports] == [1, 2, 3, 3]
    machine = learner_of(tmp_path / "machine")
    assert machine.step(features_of(), LABELS, epoch=0).report["asked"] == reports[-1]["asked"]
    assert proposal_of(tmp_path).equals(proposal_of(tmp_path / "machine"))


@pytest.mark.parametrize("after", [0, 1, 6, 7, 8, 15])
def test_a_kill_in_any_round_changes_nothing(tmp_path, after):
    class Killed(Exception):
        pass

    count = 0

    def answer(question):
        nonlocal count
        if count == after:
            raise Killed
        count += 1
        return truth(question)

    def whole(folder, answering):
        learner = learner_of(folder, answering)
        for epoch in range(4):
            learner.step(features_of(epoch // 2), LABELS, epoch=epoch)
        return learner

    with pytest.raises(Killed):
        whole(tmp_path / "killed", answer)
    killed, unbroken = whole(tmp_path / "killed", truth), whole(tmp_path / "unbroken", truth)
    for cycle in (1, 2):
        assert proposal_of(tmp_path / "killed", cycle).equals(proposal_of(tmp_path / "unbroken", cycle))
    assert np.array_equal(killed.constraints.must_links, unbroken.constraints.must_links)
    assert np.array_equal(killed.constraints.cannot_links, unbroken.constraints.cannot_links)


def test_a_cycle_broken_off_between_rounds_is_not_taken_for_a_finished_one(tmp_path):
    """With all questions so far answered, there is still a round to ask."""
    answered = 0

    def answer(question):
        nonlocal answered
        answered += 1
        return truth(question)

    class Stop(Exception):
        pass

    def select(views, known, budget, rng):
        if answered >= 10:
            raise Stop
        return random_pairs(len(views.a), budget, rng, known)

    learner = ActiveLearner(
        PATHS, answer, tmp_path, active=ActiveSettings(every=1, cycles=1, budget=20, rounds=2), select=select
    )
    with pytest.raises(Stop):
        learner.step(features_of(), LABELS, epoch=0)
    assert len(learner.log.answers()) == 10
    again = ActiveLearner(PATHS, truth, tmp_path, active=ActiveSettings(every=1, cycles=1, budget=20, rounds=2))
    assert again.step(features_of(), LABELS, epoch=0).report["rounds"] == 2


def test_a_table_of_before_there_were_rounds_is_one_round(tmp_path):
    learner = learner_of(tmp_path, lambda question: None, of=1)
    learner.step(features_of(), LABELS, epoch=0)
    path = tmp_path / "cycles/01/proposal.parquet"
    table = pd.read_parquet(path).drop(columns="round")
    table.attrs = {}
    table.to_parquet(path)
    report = learner_of(tmp_path, of=1).step(features_of(), LABELS, epoch=0).report
    assert report["rounds"] == 1 and report["asked"] + report["superfluous"] == len(table)
