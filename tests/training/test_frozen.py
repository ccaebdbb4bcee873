"""Training a head on a frozen backbone: what moves, what is computed, and what goes on after a kill."""

import numpy as np
import pytest
import torch

from aas_plugin.errors import AasError
from aas_plugin.hookspecs import hookimpl
from aas_plugin.models import make_backbone
from aas_plugin.models.head import HeadedModel, identity_head
from aas_plugin.models.portable import open_model
from aas_plugin.training.embed import embed
from aas_plugin.training.epoch import Trainer

FROZEN = {"adapter": {"name": "cluster-contrast"}, "training": {"freeze": "backbone"}}


@pytest.fixture
def run(ready):
    return ready.engine(FROZEN).run


def squares(features, positions):
    return features.flatten(1)[:, ::2].square().sum(dim=1).mean()


def labels_of(run):
    return (np.arange(len(run.train)) % 4).astype(np.int64)


def test_an_untrained_head_gives_just_what_the_backbone_gives(run):
    backbone = make_backbone(run)
    rows = run.train[[3, 0, 5]]
    wanted = embed(backbone, run.images, rows, run.device)
    trainer = Trainer(backbone, run)
    np.testing.assert_allclose(trainer.embed(run, rows), wanted, atol=1e-6)
    np.testing.assert_allclose(embed(trainer.model, run.images, rows, run.device), wanted, atol=1e-6)


def test_features_keep_their_lengths_through_any_head():
    head = identity_head(6)
    torch.nn.init.normal_(head.weight)
    frozen = torch.randn(5, 3, 6)
    frozen[2, 1] = 0
    features = HeadedModel(torch.nn.Identity(), head).of_frozen(frozen)
    torch.testing.assert_close(features.norm(dim=-1), frozen.norm(dim=-1))
    assert not torch.allclose(features, frozen)


def test_nothing_of_the_backbone_changes_in_training_mode_either(run):
    backbone = make_backbone(run)
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    trainer = Trainer(backbone, run)
    trainer.model.train()
    trainer.epoch(run, labels_of(run), squares)
    assert all(torch.equal(value, before[name]) for name, value in backbone.state_dict().items())
    assert not any(module.training for module in backbone.modules())
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
    assert not torch.allclose(trainer.trained.weight, torch.eye(64))


@pytest.mark.parametrize("flip", [0.0, 0.5, 1.0])
def test_an_epoch_sees_photos_and_mirror_images_as_often_as_is_set(ready, flip):
    run = ready.engine(FROZEN, {"training": {"flip": flip, "iterations": 20}}).run
    trainer = Trainer(make_backbone(run), run)
    plain = torch.from_numpy(embed(trainer.model, run.images, run.train, run.device))
    mirrored = torch.from_numpy(embed(trainer.model, run.images, run.train, run.device, mirrored=True))
    shares = []

    def loss(features, positions):
        is_plain, is_mirrored = ((features - known[positions]).norm(dim=1) < 1e-5 for known in (plain, mirrored))
        assert (is_plain ^ is_mirrored).all()
        shares.append(float(is_mirrored.float().mean()))
        return features.sum() * 0

    trainer.epoch(run, labels_of(run), loss)
    assert np.mean(shares) == pytest.approx(flip, abs=0.15 if flip == 0.5 else 0)


def test_each_photo_and_mirror_image_is_computed_once_for_all_runs(ready):
    def seen_in(name):
        run = ready.engine(FROZEN, {"training": {"flip": 0.5}}, name=name).run
        seen = []
        backbone = make_backbone(run)
        backbone.register_forward_hook(lambda module, given, features: seen.append(len(features)))
        trainer = Trainer(backbone, run)
        for run.epoch in range(3):
            trainer.embed(run, run.train)
            trainer.epoch(run, labels_of(run), squares)
        return sum(seen), 2 * len(run.train)

    computed, wanted = seen_in("first")
    assert computed == wanted
    assert seen_in("second")[0] == 0


def test_the_trained_head_embeds_and_the_checkpoint_holds_it_alone(ready):
    run = ready.engine(FROZEN).run
    trainer = Trainer(make_backbone(run), run)
    trainer.epoch(run, labels_of(run), squares)
    rows = run.train[:4]
    trained = trainer.embed(run, rows)
    np.testing.assert_allclose(trained, embed(trainer.model, run.images, rows, run.device), atol=1e-5)
    untrained = Trainer(make_backbone(run), run).embed(run, rows)
    assert not np.allclose(trained, untrained, atol=1e-4)
    state = trainer.state()
    assert {name: tuple(value.shape) for name, value in state["model"].items()} == {"weight": (64, 64)}
    other = Trainer(make_backbone(run), run)
    other.load(state)
    np.testing.assert_array_equal(other.embed(run, rows), trained)


def test_a_head_is_not_taken_for_another_backbones(ready):
    first, second = (ready.engine(FROZEN, {"seed": seed}, name=str(seed)).run for seed in (0, 1))
    state = Trainer(make_backbone(first), first).state()
    with pytest.raises(AasError, match="other weights than those that the run's head was trained on"):
        Trainer(make_backbone(second), second).load(state)


@pytest.mark.parametrize("adapter", ["spcl", "cluster-contrast", "pplr"])
def test_a_resumed_run_is_a_whole_one_and_its_model_embeds_from_pixels(ready, adapter):
    layer = {**FROZEN, "adapter": {"name": adapter}}

    class Stops:
        @hookimpl
        def aas_epoch_finished(self, report):
            if report["epoch"] == 2:
                raise KeyboardInterrupt

    whole = ready.engine(layer, name="whole")
    whole.execute()
    with pytest.raises(KeyboardInterrupt):
        ready.engine(layer, name="broken", observers=(Stops(),)).execute()
    resumed = ready.engine(layer, name="broken", resume=True)
    resumed.execute()
    losses = [[row["loss"] for row in engine.history.epochs] for engine in (whole, resumed)]
    assert losses[0] == losses[1]
    assert resumed.history.cycles[-1]["mAP"] == whole.history.cycles[-1]["mAP"]
    run = whole.run
    model = open_model("whole", run.folder.parent, "")
    rows = run.train[:4]
    with torch.inference_mode():
        found = model(torch.from_numpy(run.images.batch(rows)).permute(0, 3, 1, 2)).numpy()
    np.testing.assert_allclose(found, run.plugins.hook.aas_embed(run=run, rows=rows), atol=1e-5)
