"""What holds for every split and every open-set protocol."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aas_plugin.data.catalogue import Catalogue
from aas_plugin.data.splits import open_set_protocol, open_set_split

SEEDS = st.integers(0, 2**32 - 1)
NAMES = st.lists(st.sampled_from([None, "a", "b", "c", "d", "e", "f"]), max_size=40)


def catalogue_of(tmp_path, identity):
    table = pd.DataFrame({"identity": pd.array(identity, dtype="string")})
    return Catalogue("zoo", tmp_path, table)


@st.composite
def protocols(draw):
    """Identities, a split, and unit features of the training images."""
    rng = np.random.default_rng(draw(SEEDS))
    names = [None, "a", "b", "c", "d", "e", "f"][: draw(st.integers(1, 7))]
    identity = rng.choice(np.array(names, dtype=object), draw(st.integers(0, 40)))
    split = rng.choice(["train", "test", None], len(identity), p=[0.6, 0.3, 0.1])
    features = rng.normal(size=(np.count_nonzero(split == "train"), 4)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return identity, split, features, draw(SEEDS)


def literal_exemplars(features, count):
    """The rows most similar on average to the others, ascending."""

    def to_others(i):
        others = [float(features[i] @ features[j]) for j in range(len(features)) if j != i]
        return round(sum(others) / len(others), 6) if others else 0.0

    return sorted(sorted(range(len(features)), key=lambda i: (-to_others(i), i))[:count])


@given(NAMES, SEEDS, st.floats(0, 1))
def test_each_individual_keeps_a_training_image_and_gives_its_share(tmp_path_factory, identity, seed, share):
    split = open_set_split(catalogue_of(tmp_path_factory.getbasetemp(), identity), seed, share)
    assert set(split) <= {"train", "test"}
    assert all(side == "train" for side, name in zip(split, identity, strict=True) if name is None)
    tested = Counter(name for side, name in zip(split, identity, strict=True) if side == "test")
    for name, images in Counter(filter(None, identity)).items():
        assert tested[name] == min(round(share * images), images - 1)


def test_the_split_depends_on_the_seed_alone(tmp_path):
    catalogue = catalogue_of(tmp_path, ["a"] * 20 + ["b"] * 20)
    assert (open_set_split(catalogue, 1) == open_set_split(catalogue, 1)).all()
    assert (open_set_split(catalogue, 1) != open_set_split(catalogue, 2)).any()


def test_without_identities_everything_is_trained_on(tmp_path):
    assert open_set_split(catalogue_of(tmp_path, [None] * 9), 0).tolist() == ["train"] * 9


@given(protocols(), st.integers(1, 6))
def test_the_gallery_holds_few_training_images_of_the_kept_individuals(case, exemplars):
    identity, split, features, seed = case
    result = open_set_protocol(identity, split, features, seed, exemplars=exemplars)
    assert all(split[row] == "train" and identity[row] is not None for row in result.gallery)
    assert result.gallery.tolist() == sorted(set(result.gallery.tolist()))
    training = Counter(name for name, side in zip(identity, split, strict=True) if side == "train" and name)
    in_gallery = Counter(identity[result.gallery])
    assert all(in_gallery[name] == min(exemplars, training[name]) for name in in_gallery)
    expected = max(1, min(round(0.2 * len(training)), len(training) - 1)) if len(training) > 1 else 0
    assert len(training) - len(in_gallery) == expected


@given(protocols())
def test_queries_are_the_named_test_images_and_known_if_in_the_gallery(case):
    identity, split, features, seed = case
    result = open_set_protocol(identity, split, features, seed)
    named = [i for i in range(len(identity)) if split[i] == "test" and identity[i] is not None]
    assert result.query.tolist() == named
    in_gallery = {identity[row] for row in result.gallery}
    assert result.known.tolist() == [identity[row] in in_gallery for row in result.query]
    assert (result.query.dtype, result.gallery.dtype, result.known.dtype) == (np.int64, np.int64, np.bool_)


@given(protocols(), st.integers(1, 6))
def test_exemplars_are_the_most_typical_images(case, exemplars):
    identity, split, features, seed = case
    result = open_set_protocol(identity, split, features, seed, exemplars=exemplars)
    training = [i for i in range(len(identity)) if split[i] == "train"]
    for name in set(identity[result.gallery]):
        positions = [p for p, row in enumerate(training) if identity[row] == name]
        typical = literal_exemplars(features[positions].astype(np.float64), exemplars)
        expected = [training[positions[p]] for p in typical]
        assert [row for row in result.gallery if identity[row] == name] == expected


@given(SEEDS)
def test_among_equally_typical_images_the_lowest_rows_are_taken(seed):
    features = np.random.default_rng(seed).normal(size=(2, 128)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    pair = open_set_protocol(["a"] * 2, ["train"] * 2, features, seed, exemplars=1)
    assert pair.gallery.tolist() == [0]
    duplicates = open_set_protocol(["a"] * 40, ["train"] * 40, np.repeat(features[:1], 40, axis=0), seed)
    assert duplicates.gallery.tolist() == [0, 1, 2, 3, 4]


def test_the_protocol_depends_on_the_seed_alone():
    identity = [f"i{k % 30}" for k in range(90)]
    split = ["train"] * 60 + ["test"] * 30
    features = np.eye(60, dtype=np.float32)
    galleries = [open_set_protocol(identity, split, features, seed).gallery.tolist() for seed in (1, 1, 2)]
    assert galleries[0] == galleries[1] != galleries[2]


def test_nobody_is_held_out_if_none_is_asked_for():
    result = open_set_protocol(["a", "b"], ["train", "train"], np.eye(2, dtype=np.float32), 0, held_out=0)
    assert result.gallery.tolist() == [0, 1]


@pytest.mark.parametrize(("individuals", "kept"), [(1, 1), (2, 1), (8, 6), (12, 10), (13, 10)])
def test_a_fifth_of_the_individuals_is_held_out(individuals, kept):
    identity, features = [str(i) for i in range(individuals)], np.eye(individuals, dtype=np.float32)
    assert len(open_set_protocol(identity, ["train"] * individuals, features, 0).gallery) == kept


@pytest.mark.parametrize(("individuals", "kept"), [(1, 1), (2, 1), (5, 1)])
def test_at_least_one_individual_stays(individuals, kept):
    identity, features = [str(i) for i in range(individuals)], np.eye(individuals, dtype=np.float32)
    result = open_set_protocol(identity, ["train"] * individuals, features, 0, held_out=1.0)
    assert len(result.gallery) == kept


def test_columns_of_a_catalogue_can_be_handed_in():
    identity = pd.Series(["a", pd.NA, "a", pd.NA], dtype="string")
    split = pd.Series(["train", "train", "test", pd.NA], dtype="string")
    result = open_set_protocol(identity, split, np.eye(2, dtype=np.float32), 0)
    assert (result.gallery.tolist(), result.query.tolist(), result.known.tolist()) == ([0], [2], [True])


def test_features_of_other_images_are_refused():
    with pytest.raises(ValueError, match="3 reference features for 1 training images"):
        open_set_protocol(["a", "b"], ["train", "test"], np.eye(3, dtype=np.float32), 0)
