"""Features on disk: those that were computed, by content and model, and no damage that is taken for one."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from aas_plugin.data.catalogue import content_hash
from aas_plugin.data.images import ImageStore
from aas_plugin.models.feature_cache import FeatureCache, cached_features, feature_key, untrained_features
from aas_plugin.models.head import HeadedModel, identity_head
from aas_plugin.models.options import BackboneOptions
from aas_plugin.plugins.registry import Registry
from aas_plugin.testing.backbone import tiny
from aas_plugin.training.embed import embed

CPU = torch.device("cpu")


class Counts(nn.Module):
    """Mean colours of quarters, and how many images it has seen."""

    def __init__(self, scale=1.0):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))
        self.seen = 0

    def forward(self, images):
        self.seen += len(images)
        return nn.functional.adaptive_avg_pool2d(images * self.scale, 2).flatten(1)


class Photos:
    """Photos of random pixels in a folder, with their hashes."""

    def __init__(self, folder, number):
        self.folder, self.names, self.cache = folder, [], folder / "cache"
        for index in range(number):
            self.add(f"{index}.png", index)

    def add(self, name, seed):
        pixels = np.random.default_rng(seed).integers(0, 256, (10, 12, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(self.folder / name)
        self.names.append(name)

    def features(self, model, rows=None, **options):
        images = ImageStore(self.folder, self.names, 8, 8)
        hashes = [content_hash(self.folder / name) for name in self.names]
        rows = np.arange(len(self.names)) if rows is None else np.array(rows)
        return cached_features(model, images, hashes, rows, CPU, self.cache, **options)

    def computed(self, model, **options):
        return embed(model, ImageStore(self.folder, self.names, 8, 8), np.arange(len(self.names)), CPU, **options)


@pytest.fixture
def photos(tmp_path):
    return Photos(tmp_path, 5)


def test_what_was_computed_is_read_and_only_new_photos_are_embedded(photos):
    model = Counts()
    wanted = photos.computed(model)
    model.seen = 0
    np.testing.assert_array_equal(photos.features(model), wanted)
    again = Counts()
    np.testing.assert_array_equal(photos.features(again, [3, 1, 3]), wanted[[3, 1, 3]])
    photos.add("new.png", 99)
    photos.features(again)
    assert (model.seen, again.seen) == (5, 1)


def test_a_photo_is_known_by_its_content_and_not_by_its_name(photos):
    model = Counts()
    photos.features(model)
    photos.add("copy of 0.png", 0)
    features = photos.features(model)
    assert model.seen == 5
    np.testing.assert_array_equal(features[5], features[0])
    photos.add("1.png", 77)
    photos.names.pop()
    assert not np.array_equal(photos.features(model)[1], features[1])
    assert model.seen == 6


def test_mirror_images_other_weights_and_other_sizes_are_others(photos):
    model = Counts()
    plain, mirrored = photos.features(model), photos.features(model, mirrored=True)
    np.testing.assert_allclose(mirrored.reshape(5, 3, 2, 2), plain.reshape(5, 3, 2, 2)[..., ::-1], atol=1e-5)
    np.testing.assert_allclose(photos.features(Counts(2.0)), 2 * plain, atol=1e-5)
    keys = {feature_key(Counts(), (8, 8), CPU, False), feature_key(Counts(), (8, 9), CPU, False)}
    other = Counts()
    other.mean = (0.5, 0.5, 0.5)
    keys |= {feature_key(other, (8, 8), CPU, False), feature_key(nn.Sequential(Counts()), (8, 8), CPU, False)}
    assert len(keys) == 4


def test_a_damaged_file_is_a_warning_and_computed_anew(photos):
    model = Counts()
    wanted = photos.features(model)
    (piece,) = photos.cache.rglob("*.npz")
    whole = piece.read_bytes()
    place = whole.index(wanted.tobytes()) + 40
    flipped = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
    for damaged in (whole[: len(whole) // 2], b"", flipped):
        (piece,) = photos.cache.rglob("*.npz")
        piece.write_bytes(damaged)
        before = model.seen
        with pytest.warns(UserWarning, match=r"npz is damaged .*computed anew"):
            np.testing.assert_array_equal(photos.features(model), wanted)
        assert model.seen == before + 5
        np.testing.assert_array_equal(photos.features(model), wanted)
        assert model.seen == before + 5


def test_two_processes_that_computed_the_same_do_not_disturb_one_another(photos):
    first, second = (FeatureCache(photos.cache, "key") for _ in range(2))
    rows = np.eye(2, dtype=np.float32)
    first.add(["a", "b"], rows)
    second.add(["b", "c"], rows[::-1])
    assert first.read({"a", "b", "c", "d"}).keys() == {"a", "b", "c"}
    np.testing.assert_array_equal(second.read({"b"})["b"], rows[1])
    assert (photos.cache / ".gitignore").read_text() == "*\n"


def test_a_folder_that_takes_nothing_is_a_warning(photos):
    photos.cache.write_text("a file")
    with pytest.warns(UserWarning, match="features are not kept for the next time"):
        features = photos.features(Counts())
    np.testing.assert_array_equal(features, photos.computed(Counts()))


def test_features_are_kept_piece_by_piece(photos, monkeypatch):
    monkeypatch.setattr("aas_plugin.models.feature_cache.PIECE", 2)
    told = []

    def killed(done, total):
        told.append((done, total))
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        photos.features(Counts(), progress=killed)
    assert told == [(2, 5), (4, 5)]
    model = Counts()
    np.testing.assert_array_equal(photos.features(model), photos.computed(Counts()))
    assert model.seen == 3


def test_of_a_model_with_a_head_what_the_head_takes_is_kept(photos):
    body, head = Counts(), identity_head(12)
    photos.features(body)
    with torch.no_grad():
        head.weight.normal_()
    model = HeadedModel(body, head)
    found = photos.features(model)
    assert body.seen == 5
    np.testing.assert_allclose(found, photos.computed(model), atol=1e-5)


def test_a_registered_backbone_as_it_is(photos):
    registry = Registry()
    registry.register("backbone", "tiny", tiny, BackboneOptions)
    images = ImageStore(photos.folder, photos.names, 48, 48)
    rows, options = np.arange(5), {"bn_neck": False}
    hashes = [content_hash(photos.folder / name) for name in photos.names]
    backbone = registry.get("backbone", "tiny")
    shown = []
    found = [
        untrained_features(
            backbone, options, images, hashes, rows, CPU, photos.cache,
            seed=seed, progress=lambda *progress: shown.append(progress),
        )
        for seed in (0, 0, 1)
    ]  # fmt: skip
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.allclose(found[0], found[2])
    np.testing.assert_allclose(np.linalg.norm(found[0], axis=1), 1, atol=1e-5)
    assert shown == [(5, 5), (5, 5)]
