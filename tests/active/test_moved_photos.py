"""Answers about photos that moved, changed or are gone, in an active learner."""

import warnings

import numpy as np
import pandas as pd
import pytest

from aas_plugin import ActiveDBSCAN
from aas_plugin.active.learner import ActiveLearner
from aas_plugin.settings.models import ActiveSettings

N = 24
INDIVIDUAL = np.arange(N) // 4


@pytest.fixture
def features():
    rng = np.random.default_rng(0)
    found = np.repeat(rng.normal(size=(N // 4, 16)), 4, axis=0) + 0.5 * rng.normal(size=(N, 16))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def paths(root, order=range(N), file="{:03d}.jpg"):
    return [f"{root}/cam{number % 2}/{file.format(number)}" for number in order]


class Oracle:
    def __init__(self, stop=None):
        self.asked, self.stop = [], stop

    def __call__(self, question):
        if self.stop is not None and len(self.asked) >= self.stop:
            return None
        numbers = [int(path.rpartition("/")[2].rpartition("\\")[2][:3]) for path in question.paths]
        self.asked.append(frozenset(numbers))
        return "same" if numbers[0] // 4 == numbers[1] // 4 else "different"


def learner(folder, images, oracle, **options):
    settings = ActiveSettings(every=1, cycles=1, budget=20, rounds=2)
    return ActiveLearner(paths=images, answer=oracle, folder=folder, active=settings, **options)


def step(one, features):
    return one.step(features, np.full(len(features), -1), epoch=0)


@pytest.mark.parametrize(
    "now",
    [
        paths("/scratch/job2/market"),
        paths("market"),
        [path.replace("/", "\\") for path in paths("D:/data/Market")],
        [path.upper() for path in paths("/Volumes/x")],
    ],
)
def test_answers_follow_photos_that_moved_and_nothing_is_asked_again(tmp_path, features, now):
    first = step(learner(tmp_path, paths("/scratch/job1/market"), Oracle()), features)
    oracle = Oracle()
    with pytest.warns(UserWarning, match="have other paths by now"):
        moved = learner(tmp_path, now, oracle, resume=True)
    again = step(moved, features)
    assert oracle.asked == [] and len(moved.log.answers()) == first.report["asked"]
    assert len(moved.constraints.must_links) == first.report["must_links"]
    assert again.labels.tolist() == first.labels.tolist()
    assert again.report["asked"] == again.report["answers_by_suffix"] == first.report["asked"]


def test_the_same_list_in_another_order_is_the_same_training(tmp_path, features):
    first = step(learner(tmp_path, paths("a"), Oracle()), features)
    order = np.random.default_rng(1).permutation(N)
    oracle = Oracle()
    again = learner(tmp_path, paths("b", order.tolist()), oracle, resume=True)
    result = step(again, features[order])
    assert oracle.asked == [] and result.report["cannot_links"] == first.report["cannot_links"]
    links = {frozenset(order[list(pair)].tolist()) for pair in again.constraints.must_links.tolist()}
    assert all(len({number // 4 for number in pair}) == 1 for pair in links)


def test_a_cycle_that_waits_goes_on_where_the_photos_are_now(tmp_path, features):
    waiting = Oracle(stop=7)
    assert step(learner(tmp_path, paths("job1"), waiting), features).waiting
    oracle = Oracle()
    result = step(learner(tmp_path, paths("job2"), oracle, resume=True), features)
    assert not result.waiting and len(waiting.asked) == 7
    assert not set(waiting.asked) & set(oracle.asked)
    whole = Oracle()
    step(learner(tmp_path / "whole", paths("job2"), whole), features)
    assert set(waiting.asked) | set(oracle.asked) == set(whole.asked)


def test_content_tells_photos_of_other_names_and_a_photo_that_was_replaced(tmp_path, features):
    hashes = [f"{number:016x}" for number in range(N)]
    first = learner(tmp_path, paths("a"), Oracle(), hashes=hashes)
    step(first, features)
    renamed = [f"b/{number:03d} copy.jpg" for number in reversed(range(N))][::-1]
    oracle = Oracle()
    again = learner(tmp_path, renamed, oracle, hashes=hashes, resume=True)
    assert step(again, features).report["answers_by_hash"] == len(first.log.answers()) and oracle.asked == []
    # Two photos that changed places: content wins over path.
    swapped = list(paths("a"))
    swapped[0], swapped[1] = swapped[1], swapped[0]
    third = learner(tmp_path, swapped, Oracle(), hashes=hashes, resume=True)
    assert third.constraints.must_links.tolist() == first.constraints.must_links.tolist()


def test_answers_about_nobodys_photos_are_told_kept_and_never_counted(tmp_path, features):
    before = step(learner(tmp_path, paths("a"), Oracle()), features).report["asked"]
    oracle = Oracle()
    others = [f"z/{number:03d}.png" for number in range(N)]
    with pytest.warns(
        UserWarning, match=rf"{before} of {before} answers are about images that are not in this list.*kept"
    ):
        other = learner(tmp_path, others, oracle, resume=False)
    result = step(other, features)
    assert result.report["asked"] == len(oracle.asked) > 0
    assert result.report["answers_unmatched"] == before
    assert result.report["must_links"] + result.report["cannot_links"] <= len(oracle.asked)
    assert len(other.log.answers()) == before + len(oracle.asked)


def test_a_name_that_several_photos_end_in_is_nobodys(tmp_path, features):
    step(learner(tmp_path, [f"one/{number:03d}.jpg" for number in range(N)], Oracle()), features)
    doubled = [f"x/{number:03d}.jpg" for number in range(N // 2)] + [f"y/{number:03d}.jpg" for number in range(N // 2)]
    with pytest.warns(UserWarning, match="of them about one of several"):
        other = learner(tmp_path, doubled, Oracle(), resume=False)
    assert len(other.constraints.must_links) == 0


def test_dbscan_in_the_place_of_sklearns_goes_on_with_staged_photos(tmp_path, monkeypatch, features):
    monkeypatch.chdir(tmp_path)
    distances = np.clip(1 - features @ features.T, 0, 1).astype(float)
    np.fill_diagonal(distances, 0)
    told = []
    for root in ("/scratch/job1", "/scratch/job2"):
        oracle = Oracle()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            session = ActiveDBSCAN.ask_about(paths(root), answer=oracle, budget=20)
            ActiveDBSCAN(eps=0.5, min_samples=2, metric="precomputed").fit(distances)
        links = session.learner.constraints
        told.append((len(links.must_links), len(links.cannot_links), session.last.report["asked"]))
    assert told[0] == told[1] and oracle.asked == [] and told[0][2] > 0


def test_codes_for_nobody_are_none_of_the_identities_given(tmp_path):
    names = ["Tom", "NA", "unknown", "", None, float("nan"), "?", "Nana"]
    images = [f"{number}.jpg" for number in range(8)]
    assert learner(tmp_path, images, Oracle(), identities=names).identities == ["Tom", *[None] * 6, "Nana"]
    kept = learner(tmp_path / "2", images, Oracle(), identities=pd.Series(names), unknown=())
    assert kept.identities == ["Tom", "NA", "unknown", None, None, None, "?", "Nana"]
