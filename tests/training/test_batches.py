"""Batches are balanced over individuals, repeat for a seed, and augmentation keeps what it should."""

import numpy as np
import pytest
import torch

from aas_plugin.settings.models import TrainingSettings
from aas_plugin.training.batches import augment, balanced_batches, normalise


def batches(labels, size=8, instances=4, iterations=5, seed=0):
    return list(balanced_batches(np.array(labels), size, instances, iterations, np.random.default_rng(seed)))


def test_each_cluster_gives_the_same_number_of_images():
    labels = np.repeat(np.arange(6), 10)
    for batch in batches(labels):
        counts = np.bincount(labels[batch])
        assert sorted(counts[counts > 0]) == [4, 4]
        assert len(set(batch.tolist())) == 8


def test_every_image_has_its_turn_noise_too():
    labels = [0] * 5 + [1] * 2 + [-1] * 5
    seen = set(np.concatenate(batches(labels, iterations=30)).tolist())
    assert seen == set(range(12))


@pytest.mark.parametrize("labels", [[0, 0], [-1], [-1] * 20, [0] * 50])
def test_batches_are_full_whatever_the_labels(labels):
    assert [len(batch) for batch in batches(labels)] == [8] * 5


def test_a_seed_repeats():
    labels = [0] * 5 + [1] * 7 + [-1] * 5
    np.testing.assert_array_equal(batches(labels), batches(labels))
    assert not np.array_equal(batches(labels), batches(labels, seed=1))


def plain(**changes):
    return TrainingSettings(**({"flip": 0, "padding": 0, "erasing": 0} | changes))


def images():
    pixels = np.random.default_rng(0).integers(0, 256, (4, 40, 32, 3), dtype=np.uint8)
    return normalise(pixels, torch.device("cpu"))


def test_normalised_pixels_follow_imagenet():
    white = normalise(np.full((1, 2, 2, 3), 255, dtype=np.uint8), torch.device("cpu"))
    np.testing.assert_allclose(white[0, :, 0, 0], [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225], 1e-5)


def test_nothing_is_changed_when_all_is_off():
    torch.testing.assert_close(augment(images(), plain(), np.random.default_rng(0)), images())


def test_flip_mirrors_left_and_right():
    torch.testing.assert_close(augment(images(), plain(flip=1), np.random.default_rng(0)), images().flip(-1))


def test_crop_shifts_by_the_padding_at_most_and_fills_with_black():
    before, after = images(), augment(images(), plain(padding=5), np.random.default_rng(1))
    black = normalise(np.zeros((1, 1, 1, 3), dtype=np.uint8), torch.device("cpu"))
    framed = black.expand(4, 3, 50, 42).clone()
    framed[:, :, 5:45, 5:37] = before
    for i in range(4):
        windows = [
            torch.equal(after[i], framed[i, :, top : top + 40, left : left + 32])
            for top in range(11)
            for left in range(11)
        ]
        assert any(windows)


def test_erasing_blanks_a_rectangle_of_allowed_size():
    after = augment(images(), plain(erasing=1), np.random.default_rng(2))
    for image in after:
        blank = (image == 0).all(dim=0)
        rows, columns = blank.any(dim=1).nonzero(), blank.any(dim=0).nonzero()
        area = int((rows.max() - rows.min() + 1) * (columns.max() - columns.min() + 1))
        assert 0.015 <= area / (40 * 32) <= 0.45
        assert int(blank.sum()) == area


def test_without_singles_noise_is_left_out_and_only_noise_gives_no_batch():
    labels = np.array([0] * 5 + [1] * 2 + [-1] * 5)
    left = list(balanced_batches(labels, 8, 4, 30, np.random.default_rng(0), singles=False))
    assert set(np.concatenate(left).tolist()) == set(range(7))
    assert list(balanced_batches(np.full(9, -1), 8, 4, 30, np.random.default_rng(0), singles=False)) == []
