"""The trainer: frozen statistics, and the loss on answered pairs, in real epochs."""

import numpy as np
import pytest
import torch

from aas_plugin.errors import AasError
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.testing.tiny import tiny_engine


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return tmp_path_factory.mktemp("coats")


@pytest.fixture
def set_up(tmp_path, drawn):
    def make(**training):
        run = tiny_engine(load_plugins(), tmp_path / "run", drawn, {"training": training}).run
        assert run.plugins.hook.aas_setup(run=run)
        run.epoch = 0
        return run, run.plugins.get_plugin("spcl (adapter)").trainer

    return make


def labels_of(run):
    return np.unique([str(name) for name in run.identity[run.train]], return_inverse=True)[1].astype(np.int64)


def to_centre(features, positions):
    return (features.sum(dim=0) ** 2).sum()


def weights(module):
    return torch.cat([parameter.detach().flatten() for parameter in module.parameters()])


def test_frozen_batch_statistics_stay_and_weights_move(set_up):
    run, trainer = set_up(freeze="batch_norm")
    before, statistics = weights(trainer.model), {k: v.clone() for k, v in trainer.model.named_buffers()}
    trainer.epoch(run, labels_of(run), to_centre)
    for name, value in trainer.model.named_buffers():
        assert torch.equal(value, statistics[name]), name
    assert not torch.equal(before, weights(trainer.model))


def test_answered_pairs_are_learnt_without_any_other_loss(set_up):
    """With a method's loss of 0, must-links come to be more alike than cannot-links."""
    run, trainer = set_up(pair_loss=1.0, iterations=60, learning_rate=1e-2, erasing=0, padding=0, flip=0)
    labels, rng = labels_of(run), np.random.default_rng(0)
    for u, v in (rng.choice(len(labels), 2, replace=False) for _ in range(150)):
        run.active.constraints.add(u, v, bool(labels[u] == labels[v]))
    links = run.active.constraints

    def wrongly_ordered():
        features = run.plugins.hook.aas_embed(run=run, rows=run.train)
        same, different = (
            (features[pairs[:, 0]] * features[pairs[:, 1]]).sum(axis=1)
            for pairs in (links.must_links, links.cannot_links)
        )
        return float(np.mean(different[None, :] >= same[:, None]))

    before = wrongly_ordered()
    scalars = trainer.epoch(run, labels, lambda features, positions: features.sum() * 0.0)
    assert scalars["loss"] == pytest.approx(scalars["pair_loss"]) and scalars["pair_loss"] > 0
    assert wrongly_ordered() < 0.7 * before


def test_the_method_sees_its_own_images_alone_where_answered_pairs_are_added(set_up):
    run, trainer = set_up(pair_loss=1.0, pairs=6)
    run.active.constraints.add(0, 1, True)
    run.active.constraints.add(0, 2, False)
    sizes = []

    def loss(features, positions):
        sizes.append((len(features), len(positions)))
        return to_centre(features, positions)

    trainer.epoch(run, labels_of(run), loss)
    assert sizes == [(8, 8)] * 2


def test_a_model_that_gives_more_than_a_row_an_image_is_told_how_to_learn_from_pairs(set_up):
    run, trainer = set_up(pair_loss=1.0)
    run.active.constraints.add(0, 1, True)
    trainer.model.forward = lambda images: torch.zeros(len(images), 3, 4, requires_grad=True)
    with pytest.raises(AasError, match=r"the model gives \(10, 3, 4\) for a batch.*training.pair_loss=0"):
        trainer.epoch(run, labels_of(run), lambda features, positions: features.sum())
