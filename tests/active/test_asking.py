"""Answers on their way to the disk: those of people at once, those of a machine together, none lost."""

import json

import numpy as np
import pytest

from aas_plugin import ActiveLearner
from aas_plugin.active import asking
from aas_plugin.oracles.labels import LabelsOptions, LabelsOracle
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.settings.models import ActiveSettings

N = 60
INDIVIDUALS = np.repeat(np.arange(20), 3)
PATHS = [f"{i}.jpg" for i in range(N)]
LABELS = np.zeros(N, dtype=np.int64)
FEATURES = np.eye(N, dtype=np.float32)


class Watched(LabelsOracle):
    """Knows the individuals; counts what is on the disk when it is asked."""

    def __init__(self, folder, machine, stop_at=10**6):
        super().__init__(LabelsOptions())
        self.machine = machine
        self.folder = folder
        self.stop_at = stop_at
        self.on_disk = []

    def aas_answer(self, question, identities, seed):
        path = self.folder / "answers.jsonl"
        self.on_disk.append(len(path.read_text().splitlines()) if path.exists() else 0)
        if len(self.on_disk) > self.stop_at:
            raise KeyboardInterrupt
        return super().aas_answer(question, identities, seed)


RANDOM = load_plugins().component("sampler", "random").make({})


def learner_of(folder, oracle, **options):
    active = ActiveSettings(budget=100, cycles=1, rounds=1)
    chosen = {
        "select": RANDOM,
        "identities": INDIVIDUALS,
        "active": active,
        **options,
    }
    return ActiveLearner(PATHS, oracle, folder, **chosen)


def test_each_answer_of_a_person_is_on_the_disk_before_the_next_question(tmp_path):
    oracle = Watched(tmp_path, machine=False)
    learner_of(tmp_path, oracle).step(FEATURES, LABELS, epoch=0)
    assert oracle.on_disk == list(range(len(oracle.on_disk)))


def test_those_of_a_machine_are_written_together_and_are_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(asking, "SECONDS", 1000)
    (tmp_path / "person").mkdir(), (tmp_path / "machine").mkdir()
    person, machine = Watched(tmp_path / "person", False), Watched(tmp_path / "machine", True)
    learners = [learner_of(oracle.folder, oracle) for oracle in (person, machine)]
    for learner in learners:
        learner.step(FEATURES, LABELS, epoch=0)
    assert set(machine.on_disk) == {0}
    answers = [[(one.a, one.b, one.decision) for one in learner.log.answers()] for learner in learners]
    assert answers[0] == answers[1] and len(answers[0]) > 90


def test_interrupted_a_machine_loses_no_answer(tmp_path, monkeypatch):
    monkeypatch.setattr(asking, "SECONDS", 1000)
    with pytest.raises(KeyboardInterrupt):
        learner_of(tmp_path, Watched(tmp_path, machine=True, stop_at=30)).step(FEATURES, LABELS, epoch=0)
    assert len((tmp_path / "answers.jsonl").read_text().splitlines()) == 30
    rest = Watched(tmp_path, machine=True)
    report = learner_of(tmp_path, rest).step(FEATURES, LABELS, epoch=0).report
    assert report["asked"] == 30 + len(rest.on_disk)


def test_asking_does_not_rebuild_what_is_known_for_each_pair(tmp_path, monkeypatch):
    learner = learner_of(tmp_path, Watched(tmp_path, machine=True))
    calls = []
    bulk = type(learner.constraints).entailed_mask
    monkeypatch.setattr(
        type(learner.constraints), "entailed_mask", lambda self, pairs: calls.append(len(pairs)) or bulk(self, pairs)
    )
    learner.step(FEATURES, LABELS, epoch=0)
    assert len(calls) < 10 < len(learner.log.answers()), "all pairs are looked at together, not one by one"


def test_a_plugin_object_of_a_run_works_without_one(tmp_path):
    """A sampler and an oracle that are hooks of a plugin, in somebody else's loop."""
    learner = learner_of(tmp_path, LabelsOracle(LabelsOptions()))
    labels = learner.step(FEATURES, LABELS, epoch=0).labels
    for answer in learner.log.answers():
        u, v = PATHS.index(answer.a), PATHS.index(answer.b)
        assert (answer.decision == "same") == bool(INDIVIDUALS[u] == INDIVIDUALS[v]) == bool(labels[u] == labels[v])


def test_pending_questions_say_why_and_in_which_cycle(tmp_path):
    learner = learner_of(tmp_path, lambda question: None, select=RANDOM, identities=None)
    assert learner.step(FEATURES, LABELS, epoch=0).waiting
    rows = [json.loads(line) for line in (tmp_path / "pending.jsonl").read_text().splitlines()]
    assert {(row["kind"], row["cycle"]) for row in rows} == {("random", 1)}
