"""Scores by local naive Bayes nearest neighbours agree with loops, and a killed matching goes on where it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aas_plugin.data.pieces import Pieces
from aas_plugin.local import lnbnn
from aas_plugin.local.lnbnn import K, lnbnn_scores, matching_key, votes_of


def drawn(seed, counts, dimensions=4):
    rng = np.random.default_rng(seed)
    found = [rng.normal(size=(count, dimensions)) for count in counts]
    return [(one / np.maximum(np.linalg.norm(one, axis=1, keepdims=True), 1e-9)).astype(np.float16) for one in found]


def by_loops(descriptors, groups):
    """The definition, literally."""
    n = len(descriptors)
    best = np.zeros((n, n))
    for group in groups:
        votes = np.zeros((n, n))
        for photo in group:
            for descriptor in descriptors[photo].astype(np.float32):
                near = sorted(
                    (float(np.sqrt(((descriptor - other) ** 2).sum())), int(there))
                    for there in group
                    if there != photo
                    for other in descriptors[there].astype(np.float32)
                )
                if len(near) <= K:
                    continue
                told = {}
                for distance, there in near[:K]:
                    told.setdefault(there, near[K][0] - distance)
                for there, vote in told.items():
                    votes[photo, there] += vote
        best = np.maximum(best, votes + votes.T)
    return best


@settings(max_examples=40)
@given(st.integers(0, 999), st.lists(st.integers(0, 5), min_size=1, max_size=7))
def test_scores_agree_with_loops(seed, counts):
    descriptors = drawn(seed, counts)
    groups = [np.arange(len(counts))]
    found = lnbnn_scores(descriptors, groups)
    np.testing.assert_allclose(found.toarray(), by_loops(descriptors, groups), atol=2e-4)


def test_photos_of_other_groups_are_not_compared_and_one_in_two_groups_takes_the_best():
    descriptors = drawn(1, [5, 5, 5, 5, 5, 5])
    groups = [np.array([0, 1, 2, 5]), np.array([3, 4, 5])]
    found = lnbnn_scores(descriptors, groups).toarray()
    np.testing.assert_allclose(found, by_loops(descriptors, groups), atol=2e-4)
    assert found[0, 3] == found[2, 4] == 0


def test_own_keypoints_do_not_vote_and_a_photo_is_voted_for_once():
    distance = np.array([[0.0, 0.1, 0.2, 0.3, 0.5, 0.9]])
    photo = np.array([[0, 1, 1, 2, 3, -1]])
    voter, other, vote = votes_of(distance, photo, np.array([0]))
    assert voter.tolist() == [0, 0]
    assert other.tolist() == [1, 2]
    np.testing.assert_allclose(vote, [0.4, 0.2])
    assert len(votes_of(distance[:, :3], photo[:, :3], np.array([0]))[0]) == 0


def test_identical_photos_and_nothing_at_all_break_nothing():
    one = drawn(0, [6])[0]
    same = lnbnn_scores([one] * 5, [np.arange(5)]).toarray()
    assert np.isfinite(same).all() and (np.diag(same) == 0).all()
    assert lnbnn_scores(drawn(0, [0, 0, 0]), [np.arange(3)]).nnz == 0
    assert lnbnn_scores(drawn(0, [9]), [np.arange(1)]).nnz == 0
    assert lnbnn_scores([], [np.arange(0)]).shape == (0, 0)


@pytest.mark.parametrize("exact", [True, False])
def test_a_killed_matching_goes_on_where_it_was(tmp_path, monkeypatch, exact):
    monkeypatch.setattr(lnbnn, "BLOCK", 100)
    if not exact:
        monkeypatch.setattr(lnbnn, "EXACT", 10)
    descriptors = drawn(3, [60] * 10, 16)
    groups = [np.arange(10)]
    whole = lnbnn_scores(descriptors, groups)
    kept = Pieces(tmp_path, "matches", "matches")

    def killed(done, total):
        if done >= 300:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lnbnn_scores(descriptors, groups, kept, killed)
    before = {path.name: path.stat().st_mtime_ns for path in kept.folder.glob("*.npz")}
    assert len([name for name in before if "centres" not in name]) == 3
    again = lnbnn_scores(descriptors, groups, kept)
    np.testing.assert_allclose(again.toarray(), whole.toarray(), atol=1e-6)
    after = {path.name: path.stat().st_mtime_ns for path in kept.folder.glob("*.npz")}
    assert before.items() <= after.items()
    # A damaged part is found anew.
    next(path for path in kept.folder.glob("*.npz") if "centres" not in path.name).write_bytes(b"half")
    with pytest.warns(UserWarning, match="matches are computed anew"):
        np.testing.assert_allclose(lnbnn_scores(descriptors, groups, kept).toarray(), whole.toarray(), atol=1e-6)


def test_an_approximate_index_finds_nearly_what_all_pairs_give(monkeypatch):
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(40, 100, 16))
    photos = [(centres[photo // 2] + 0.2 * rng.normal(size=(100, 16))).astype(np.float32) for photo in range(80)]
    photos = [(one / np.linalg.norm(one, axis=1, keepdims=True)).astype(np.float16) for one in photos]
    exact = lnbnn_scores(photos, [np.arange(80)]).toarray()
    monkeypatch.setattr(lnbnn, "EXACT", 10)
    near = lnbnn_scores(photos, [np.arange(80)]).toarray()
    partner = np.arange(80) ^ 1
    assert (exact.argmax(axis=1) == partner).all()
    assert (near.argmax(axis=1) == partner).mean() > 0.95
    assert np.corrcoef(exact.ravel(), near.ravel())[0, 1] > 0.95


def test_the_key_of_matches_changes_with_what_decides_them():
    groups = [np.arange(3)]
    keys = {
        matching_key(["a", "b"], groups),
        matching_key(["b", "a"], groups),
        matching_key(["a", "b"], [np.arange(2), np.arange(2, 3)]),
    }
    assert len(keys) == 3
