"""What happens around a run: folders vanish, photos change, the clock goes back, somebody starts it twice."""

import json
import shutil
import time
from pathlib import Path

import faulty
import numpy as np
import pytest
from PIL import Image

import aas_plugin.active.asking as asking
from aas_plugin import ActiveLearner
from aas_plugin.constraints.answers import AnswerLog
from aas_plugin.constraints.sets import from_log, read_set, write_set
from aas_plugin.data.images import ImageStore
from aas_plugin.errors import AasError
from aas_plugin.runs.folder import lock
from aas_plugin.settings.models import ActiveSettings

pytestmark = pytest.mark.faults

HAPPENS = ("-p", "happens")


@pytest.mark.parametrize("what", ("runs/run", "runs/run/answers.jsonl"))
def test_the_runs_own_folder_vanishes(tmp_path, drawn, unharmed, what, monkeypatch):
    monkeypatch.setenv("AAS_HAPPENS", f"mv {what} kept")
    ended = faulty.begin(tmp_path, drawn, *HAPPENS)
    assert ended.status == 2 and "vanished" in ended.said and "Traceback" not in ended.said, ended.said
    place = tmp_path / what
    if place.is_dir():
        shutil.rmtree(place)
    shutil.move(tmp_path / "kept", place)
    monkeypatch.delenv("AAS_HAPPENS")
    ended = faulty.resume(tmp_path, *HAPPENS)
    assert ended.status == 0, ended.said
    # Another plugin is loaded, which `run.json` tells.
    found = faulty.left_by(tmp_path / "runs" / "run")
    assert found | {"run.json": None} == unharmed[0] | {"run.json": None}


@pytest.mark.parametrize("what", ("data", "runs/.aas_cache"))
def test_photos_or_cache_vanish(tmp_path, drawn, unharmed, what, monkeypatch):
    shutil.copytree(drawn, tmp_path / "data")
    (tmp_path / "runs" / ".aas_cache").mkdir(parents=True)
    monkeypatch.setenv("AAS_HAPPENS", f"mv {what} kept")
    ended = faulty.begin(tmp_path, tmp_path / "data", *HAPPENS)
    # All photos are in memory, and features that are not kept are computed.
    assert ended.status == 0, ended.said
    assert faulty.answers_in(tmp_path / "runs" / "run") == unharmed[0]["answers"]


def test_two_in_one_folder(tmp_path, drawn, unharmed):
    assert faulty.begin(tmp_path, drawn).status == 0
    with lock(tmp_path / "runs" / "run"):
        for ended in (faulty.resume(tmp_path), faulty.begin(tmp_path, drawn)):
            assert ended.status == 2 and "another process is at work in" in ended.said, ended.said
    faulty.same(tmp_path / "runs" / "run", unharmed[0])


FEATURES = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
FEATURES /= np.linalg.norm(FEATURES, axis=1, keepdims=True)
PATHS = [f"{number}.jpg" for number in range(40)]


def same_or_not(question):
    return "same" if question.u % 8 == question.v % 8 else "different"


def test_the_clock_goes_back(tmp_path, monkeypatch):
    """By time the newest answer is the oldest; what holds goes by the order of the log."""
    found = []
    for name, step in (("forth", 60), ("back", -86_400)):
        clock = [time.time()]

        class Clock(asking.datetime):
            @classmethod
            def now(cls, zone=None, clock=clock, step=step):
                clock[0] += step
                return cls.fromtimestamp(clock[0], zone)

        monkeypatch.setattr(asking, "datetime", Clock)
        many = ActiveSettings(budget=30)
        learner = ActiveLearner(PATHS, same_or_not, folder=tmp_path / name, active=many)
        labels = [learner.step(FEATURES, np.arange(40) // 5, epoch=epoch).labels.tolist() for epoch in (0, 10)]
        write_set(tmp_path / f"{name}.csv", from_log(tmp_path / name))
        kept = {(one.a, one.b, one.decision) for one in read_set(tmp_path / f"{name}.csv")}
        log = AnswerLog(tmp_path / name / "answers.jsonl")
        log.revoke(log.answers()[-1].id, "me")
        again = ActiveLearner(PATHS, same_or_not, folder=tmp_path / name, active=many, resume=True)
        assert len(again.log.answers()) == len(kept) - 1
        found.append((labels, kept))
    assert found[0] == found[1] and len(found[0][1]) > 5


@pytest.fixture
def photos(tmp_path):
    for number in range(3):
        Image.fromarray(np.full((9, 9, 3), 40 * number, dtype=np.uint8)).save(tmp_path / f"{number}.jpg")
    return tmp_path


def change(path: Path):
    Image.fromarray(np.full((9, 9, 3), 250, dtype=np.uint8)).save(path)


CHANGES = {
    "another photo": change,
    "broken": lambda path: path.write_bytes(path.read_bytes()[:100]),
    "deleted": Path.unlink,
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("size", (0, 2**20), ids=["read anew", "in memory"])
@pytest.mark.parametrize("happens", CHANGES)
def test_a_photo_changes_in_the_middle(photos, happens, size):
    store = ImageStore(photos, [f"{number}.jpg" for number in range(3)], 8, 8, cache_bytes=size)
    store.check()
    before = store.batch(np.arange(3))
    time.sleep(0.01)
    CHANGES[happens](photos / "1.jpg")
    if size:
        assert np.array_equal(store.batch(np.arange(3)), before)
    else:
        with pytest.raises(AasError, match=r"1\.jpg"):
            store.batch(np.arange(3))
    # A backbone that takes another size reads the files themselves.
    with pytest.raises(AasError, match=r"1\.jpg"):
        store.of_size(4, 4).batch(np.arange(3))
    assert store.of_size(4, 4).batch(np.array([0, 2])).shape == (2, 4, 4, 3)


def test_data_that_changed_are_refused_by_the_run_that_goes_on(tmp_path, drawn):
    shutil.copytree(drawn, tmp_path / "data")
    assert faulty.begin(tmp_path, tmp_path / "data").status == 0
    first = next((tmp_path / "data").rglob("*.jpg"))
    whole = first.read_bytes()
    change(first)
    ended = faulty.resume(tmp_path)
    assert ended.status == 2 and "changed since" in ended.said and "Traceback" not in ended.said, ended.said
    first.write_bytes(whole)
    assert faulty.resume(tmp_path).status == 0
    assert json.loads((tmp_path / "runs" / "run" / "metrics.json").read_text())["cycle"] == 2
