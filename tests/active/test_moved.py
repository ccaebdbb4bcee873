"""Photos that lie elsewhere than when they were asked about: answers and questions follow them, and it is told."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from aas_plugin import ActiveDBSCAN, ActiveLearner
from aas_plugin.annotator.queue import QuestionQueue
from aas_plugin.constraints.importing import import_answers
from aas_plugin.errors import AasError
from aas_plugin.settings.models import ActiveSettings

INDIVIDUALS = np.repeat(np.arange(10), 5)
N = len(INDIVIDUALS)
LABELS = np.zeros(N, dtype=np.int64)
BEFORE = [f"/scratch/job1/market/{i:03d}.jpg" for i in range(N)]
HASHES = [f"{i:016x}" for i in range(N)]
MOVES = {
    "to another folder": ([f"/scratch/job2/market/{i:03d}.jpg" for i in range(N)], None),
    "to paths relative to a root": ([f"{i:03d}.jpg" for i in range(N)], None),
    "to folders of their own": ([f"by/{i // 5}/{i:03d}.jpg" for i in range(N)], None),
    "to another system": ([rf"D:\Job\Market\{i:03d}.JPG" for i in range(N)], None),
    "under other names": ([f"/else/{1000 - i}.png" for i in range(N)], HASHES),
    "to each other's names": (BEFORE[::-1], HASHES),
}


def features():
    rng = np.random.default_rng(0)
    found = rng.normal(size=(10, 16))[INDIVIDUALS] + 0.9 * rng.normal(size=(N, 16))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


class Training:
    """A training that asks until somebody has had enough."""

    def __init__(self, folder, paths, patience=10**6, **options):
        self.asked, self.patience = [], patience
        active = ActiveSettings(every=1, rounds=2, cycles=2, budget=10)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            self.learner = ActiveLearner(paths, self.answer, folder, active=active, **options)
        self.told = [str(warning.message) for warning in told]

    def answer(self, question):
        if len(self.asked) >= self.patience:
            return None
        self.asked.append((question.u, question.v))
        return "same" if INDIVIDUALS[question.u] == INDIVIDUALS[question.v] else "different"

    def step(self, epoch=0):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="the first answers")
            return self.learner.step(features(), LABELS, epoch=epoch)


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("patience", [0, 1, 4, 7])
def test_a_training_goes_on_with_moved_photos_as_if_they_had_stayed(tmp_path, move, patience):
    paths, hashes = MOVES[move]
    whole = Training(tmp_path / "whole", BEFORE, hashes=hashes)
    expected = [whole.step(epoch) for epoch in (0, 1)]
    assert not whole.told
    broken = Training(tmp_path / "moved", BEFORE, patience, hashes=hashes)
    assert broken.step().waiting
    on = Training(tmp_path / "moved", paths, hashes=hashes)
    given = len(broken.asked)
    links = on.learner.constraints
    assert len(links.must_links) + len(links.cannot_links) == given
    found = [on.step(epoch) for epoch in (0, 1)]
    assert broken.asked + on.asked == whole.asked
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours.labels, theirs.labels)
        for number in ("asked", "asked_total", "imported", "must_links", "cannot_links", "superfluous"):
            assert ours.report[number] == theirs.report[number], number
        assert ours.report["answers_unmatched"] == 0
    total = len(whole.asked)
    if hashes is not None:
        assert found[-1].report["answers_by_hash"] == total
    else:
        assert [found[-1].report[f"answers_by_{name}"] for name in ("path", "suffix")] == [total - given, given]
    assert len(on.told) == bool(given)
    if given:
        first = broken.asked[0][0]
        assert f"{BEFORE[first]!r} is {paths[first]!r}" in on.told[0] and f"of {given} answers" in on.told[0]


def test_where_nothing_moved_nothing_is_told_and_the_folder_stays_as_it_is(tmp_path):
    Training(tmp_path, BEFORE, 4, hashes=HASHES).step()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    again = Training(tmp_path, BEFORE, 0, hashes=HASHES)
    assert not again.told and again.step().waiting
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_photos_move_again_and_back(tmp_path):
    asked = []
    for number, root in enumerate(("job1", "job2", "job3", "job1")):
        training = Training(tmp_path, [f"/{root}/{i:03d}.jpg" for i in range(N)], 3)
        assert len(training.learner.answers()) == len(asked)
        result = training.step()
        asked += training.asked
        assert result.report["asked"] == len(asked) == len(set(asked))
        assert result.waiting == (number < 3)


@pytest.mark.parametrize(("known", "unknown"), [(N, 0), (40, 10), (0, N)])
def test_answers_about_images_that_are_gone_are_told_and_never_counted_as_asked(tmp_path, known, unknown):
    first = Training(tmp_path, BEFORE)
    first.step()
    paths = [f"/job2/market/{i:03d}.jpg" if i < known else f"/job2/market/new {i}.jpg" for i in range(N)]
    if unknown:
        with pytest.raises(AasError, match=r"images: .*resume=False"):
            Training(tmp_path, paths)
    second = Training(tmp_path, paths, resume=False)
    lost = sum(max(pair) >= known for pair in first.asked)
    assert (lost > 0) == (unknown > 0)
    assert any(f"{lost} of {len(first.asked)} answers are about images that are not in this list" in one
               for one in second.told) == bool(lost)  # fmt: skip
    report = second.step().report
    assert report["answers_unmatched"] == lost
    assert report["answers_by_suffix"] == len(first.asked) - lost == report["imported"] - lost
    assert report["asked"] == report["asked_total"] == len(second.asked) > 0
    kept = second.learner.log.answers()
    assert [one.a for one in kept[: len(first.asked)]] == [BEFORE[min(pair)] for pair in first.asked]


def test_a_proposal_that_fits_no_more_is_drawn_anew(tmp_path):
    first = Training(tmp_path, BEFORE, 3)
    first.step()
    (tmp_path / "begun.json").unlink()
    u, v = first.asked[0]
    paths = [f"/job2/{i:03d}.jpg" if i not in (u, v) else f"/job2/other {i}.jpg" for i in range(N)]
    second = Training(tmp_path, paths, resume=True)
    with pytest.warns(UserWarning, match=r"proposal\.parquet cannot be asked.*drawn anew"):
        report = second.step().report
    assert report["asked"] == len(second.asked) == 10


def test_file_names_that_are_in_two_folders_name_neither(tmp_path):
    first = Training(tmp_path, BEFORE)
    first.step()
    paths = [f"/job2/{i % 2}/{i // 2:03d}.jpg" for i in range(N)]
    second = Training(tmp_path, paths, resume=False)
    assert len(second.learner.constraints.must_links) == len(second.learner.constraints.cannot_links) == 0
    assert "about one of several" in second.told[0]


def test_a_photo_that_was_replaced_is_told_and_its_answer_follows_the_content(tmp_path):
    first = Training(tmp_path, BEFORE, hashes=HASHES)
    first.step()
    u, v = first.asked[0]
    swapped = list(HASHES)
    swapped[u] = "another"
    second = Training(tmp_path, BEFORE, hashes=swapped, resume=False)
    assert f"1 changed since ({BEFORE[u]!r})" in second.told[0]
    spare = next(i for i in range(N) if i not in np.ravel(first.asked))
    swapped[spare] = HASHES[u]
    third = Training(tmp_path, BEFORE, hashes=swapped, resume=False)
    assert {third.learner.answers()[0].a, third.learner.answers()[0].b} == {BEFORE[spare], BEFORE[v]}


def test_people_are_asked_nothing_that_follows_from_answers_about_the_photos_where_they_lay(tmp_path):
    first = Training(tmp_path, BEFORE, 7)
    first.step()
    moved = MOVES["to another folder"][0]
    Training(tmp_path, moved, 0).step()
    queue = QuestionQueue(tmp_path)
    assert {path.split("/")[2] for path in queue.asked_paths()} == {"job2"}
    whole = Training(tmp_path / "whole", BEFORE)
    whole.step()
    asked = set()
    while offer := queue.claim("Ada", "1", [], 1)["pairs"]:
        first_one, other = (moved.index(queue.images.paths[offer[0][end]]) for end in "ab")
        asked.add((min(first_one, other), max(first_one, other)))
        decision = "same" if INDIVIDUALS[first_one] == INDIVIDUALS[other] else "different"
        queue.answer(id=f"{len(asked):016x}", person="Ada", tab="1", pair=offer[0]["pair"], decision=decision)
    Training(tmp_path, moved, 0).step()
    assert asked <= set(whole.asked) and not asked & set(first.asked)


def test_an_import_answers_what_is_asked_about_the_same_photos_elsewhere(tmp_path):
    whole = Training(tmp_path / "whole", BEFORE)
    whole.step()
    waiting = Training(tmp_path / "waiting", MOVES["to another system"][0], 0)
    assert waiting.step().waiting
    open_ones = len((tmp_path / "waiting" / "pending.jsonl").read_text().splitlines())
    done = import_answers(tmp_path / "waiting", whole.learner.log.answers(), Path("set.csv"))
    assert done.asked == open_ones < done.added == len(whole.asked)
    assert "0 were found by content, 0 by path and 10 by the end of a path" in done.told[0]
    on = Training(tmp_path / "waiting", MOVES["to another system"][0])
    report = on.step().report
    assert not set(on.asked) & set(whole.asked)
    assert (report["asked"], report["imported"]) == (open_ones + len(on.asked), len(whole.asked) - open_ones)


def test_the_list_that_a_folder_keeps_can_be_lost_and_says_so_when_it_is_damaged(tmp_path):
    Training(tmp_path, BEFORE, 3).step()
    (tmp_path / "images.json").write_text("{")
    assert not Training(tmp_path, BEFORE, 0).told
    assert json.loads((tmp_path / "images.json").read_text())["paths"] == BEFORE
    (tmp_path / "images.json").write_text("{}")
    with pytest.raises(AasError, match=r"images\.json cannot be read .*remove it"):
        Training(tmp_path, MOVES["to another folder"][0])
    (tmp_path / "images.json").unlink()
    with pytest.raises(AasError, match="was begun with something else"):
        Training(tmp_path, MOVES["to another folder"][0])


@pytest.mark.parametrize("hashes", [None, HASHES])
def test_a_script_whose_photos_are_staged_for_each_job_asks_once(tmp_path, monkeypatch, hashes):
    monkeypatch.chdir(tmp_path)
    distances = np.clip(1 - features() @ features().T, 0, 1).astype(np.float64)
    np.fill_diagonal(distances, 0)
    asked, links = [], []

    def answer(question):
        asked.append(question)
        return "same" if INDIVIDUALS[question.u] == INDIVIDUALS[question.v] else "different"

    for job in ("job1", "job2"):
        paths = [f"/scratch/{job}/market/{i:04d}.jpg" for i in range(N)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            session = ActiveDBSCAN.ask_about(paths, answer=answer, budget=20, hashes=hashes)
            ActiveDBSCAN(eps=0.5, min_samples=2, metric="precomputed").fit(distances)
        known = session.learner.constraints
        links.append((known.must_links.tolist(), known.cannot_links.tolist()))
        assert session.last.report["asked"] == len(asked) > 0
    assert links[0] == links[1] and any(links[0])
