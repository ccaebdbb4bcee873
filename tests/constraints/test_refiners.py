"""The built-in refiners pass the contract, and each does what sets it apart."""

from typing import ClassVar

import numpy as np

from aas_plugin.constraints.np3 import gather_must_linked, np3
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.testing import RefinerContract

NONE = np.empty((0, 2), dtype=np.int64)


class TestNp3(RefinerContract):
    refiner = "np3"


class TestNp3OfGroups(RefinerContract):
    refiner = "np3"
    options: ClassVar = {"merge": "groups"}


class TestAnswers(RefinerContract):
    refiner = "answers"


class TestCal(RefinerContract):
    refiner = "cal"


def test_every_built_in_refiner_passes_it():
    tested = {one.refiner for one in RefinerContract.__subclasses__() if one.__module__ == __name__}
    assert tested == set(load_plugins().registry.names("refiner"))


def test_groups_move_where_most_of_them_is_and_leave_the_rest():
    labels = np.array([0, 0, 0, 1, 1, 1, 1, -1, 2])
    moved = gather_must_linked(labels, np.array([(0, 1), (1, 3), (7, 8)]))
    assert moved.tolist() == [0, 0, 0, 0, 1, 1, 1, 2, 2]


def test_a_tie_goes_to_the_larger_cluster_and_noise_founds_one():
    labels = np.array([0, 0, 1, 1, 1, -1, -1, -1])
    moved = gather_must_linked(labels, np.array([(0, 2), (5, 6)]))
    assert moved[[0, 2]].tolist() == [1, 1] and moved[1] == 0
    assert moved[5] == moved[6] not in (0, 1, -1) and moved[7] == -1


def test_one_must_link_merges_clusters_or_moves_its_own_images_alone():
    labels = np.array([0, 0, 0, 1, 1, 1])
    link = np.array([(0, 3)])
    distance = lambda u, v: np.ones((len(u), len(v)))  # noqa: E731
    assert np3(labels, link, NONE, distance).tolist() == [0] * 6
    assert np3(labels, link, NONE, distance, whole_clusters=False).tolist() == [0, 0, 0, 0, 1, 1]


def test_answers_alone_cluster_what_is_known_to_be_the_same():
    refiner = load_plugins().component("refiner", "answers").make({})
    labels = refiner.aas_refine(np.zeros(6, dtype=np.int64), np.array([(4, 1), (1, 5)]))
    assert labels.tolist() == [-1, 0, -1, -1, 0, 0]
