"""Which model a run keeps, by answers alone, what it says of it, and that a resumed run decides alike."""

import json

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from aas_plugin.clustering.dbscan import dbscan
from aas_plugin.hookspecs import hookimpl
from aas_plugin.models.portable import open_model
from aas_plugin.runs.answer_check import best_cycle, choose, learned_share
from aas_plugin.runs.checkpoint import load_checkpoint
from aas_plugin.runs.outcome import outcome_in_words
from aas_plugin.training.embed import embed
from aas_plugin.training.method import NativeMethod


class Pixels(nn.Module):
    """Gives small pictures as features, or, with `keep` at 0, the same feature for every image."""

    def __init__(self):
        super().__init__()
        self.keep = nn.Parameter(torch.ones(()))

    def forward(self, images):
        small = functional.adaptive_avg_pool2d(images, 6).flatten(1)
        return functional.normalize(torch.cat([self.keep * small, torch.ones(len(small), 1)], dim=1))


class Spoils(NativeMethod):
    """Training takes all that features tell away."""

    def __init__(self, options):
        pass

    def make_model(self, run):
        return Pixels()

    @hookimpl
    def aas_pseudo_labels(self, run, features, graph):
        return dbscan(graph, run.settings.clustering.eps, run.settings.clustering.min_samples)

    @hookimpl
    def aas_train_epoch(self, run, labels):
        with torch.no_grad():
            self.model.keep.zero_()
        return {"loss": 1.0}


class Learns(NativeMethod):
    """Features of an individual come nearer to each other with every epoch."""

    def __init__(self, options):
        self.epochs = 0

    @hookimpl
    def aas_setup(self, run):
        codes = np.unique([str(name) for name in run.identity], return_inverse=True)[1]
        rng = np.random.default_rng(3)
        self.centres, self.noise = rng.normal(size=(codes.max() + 1, 16))[codes], rng.normal(size=(len(codes), 16))
        return True

    @hookimpl
    def aas_embed(self, run, rows):
        features = (self.centres + 3 * self.noise / (1 + self.epochs))[rows]
        return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)

    @hookimpl
    def aas_features(self, run):
        return self.aas_embed(run, run.train)

    @hookimpl
    def aas_model(self, run):
        return None

    @hookimpl
    def aas_pseudo_labels(self, run, features, graph):
        return dbscan(graph, run.settings.clustering.eps, run.settings.clustering.min_samples)

    @hookimpl
    def aas_train_epoch(self, run, labels):
        self.epochs += 1
        return {"loss": 1.0}

    @hookimpl
    def aas_save_state(self, run):
        return {"epochs": self.epochs}

    @hookimpl
    def aas_load_state(self, run, state):
        self.epochs = state["epochs"]
        return True


METHODS = (("adapter", "spoils", Spoils), ("adapter", "learns", Learns))
ASKS = {"sampler": "random", "active": {"budget": 150}}


def execute(ready, method, *layers, **options):
    engine = ready.engine({"adapter": method}, ASKS, *layers, components=METHODS, **options)
    assert engine.execute() == "finished"
    return engine


def final(folder):
    return json.loads((folder / "metrics.json").read_text())


class Stops:
    def __init__(self, epoch):
        self.epoch = epoch

    @hookimpl
    def aas_epoch_finished(self, run, report):
        if report["epoch"] == self.epoch:
            raise KeyboardInterrupt


def test_training_that_destroys_features_leaves_the_untrained_model(ready):
    run = execute(ready, "spoils").run
    told = final(run.folder)
    assert told["kept"] == "untrained" and told["best.cycle"] == 0
    assert told["check.learned_trained"] == 0.5 < told["check.learned_untrained"]
    assert not (run.folder / "checkpoints" / "best.pt").exists()
    assert outcome_in_words(told).startswith("Training did not help: on the answers it was trained on")
    assert "the trained one is in model-trained.pt" in outcome_in_words(told)
    before, last = (
        embed(open_model(str(run.folder / name), run.folder, "").embedder, run.images, run.train, run.device)
        for name in ("model.pt", "model-trained.pt")
    )
    np.testing.assert_array_equal(before, np.load(run.folder / "checkpoints" / "untrained.npy"))
    assert np.ptp(before, axis=0).max() > 0.05
    assert np.ptp(last, axis=0).max() == 0


def test_training_that_helps_leaves_the_trained_model(ready):
    told = final(execute(ready, "learns").run.folder)
    assert told["kept"] == "trained" and told["best.cycle"] == 2
    assert told["mAP"] > told["untrained.mAP"]
    assert told["check.since_trained"] > told["check.since_untrained"]
    assert outcome_in_words(told) == "" and told["trained_model"] is None
    assert load_checkpoint(ready.folder / "run" / "checkpoints", "cpu")["adapter"] == {"epochs": 4}
    best = torch.load(ready.folder / "run" / "checkpoints" / "best.pt", weights_only=True)
    assert (best["epoch"], best["adapter"]) == (3, {"epochs": 4})


def test_no_question_chooses_nothing_and_the_end_is_told(ready):
    told = final(execute(ready, "spoils", {"sampler": "none"}).run.folder)
    assert told["kept"] == "trained" and "too few answers" in told["kept_because"]
    assert told["mAP"] < told["untrained.mAP"]
    words = outcome_in_words(told)
    assert f"the untrained model had mAP {told['untrained.mAP']:.3f}, this one has {told['mAP']:.3f}" in words
    assert "model-untrained.pt" in words and "aas data check" in words


@pytest.mark.parametrize("method", ["spoils", "learns"])
@pytest.mark.parametrize("epoch", [0, 2, 3])
def test_resumed_it_decides_alike(ready, method, epoch):
    whole = final(execute(ready, method, name="whole").run.folder)
    with pytest.raises(KeyboardInterrupt):
        execute(ready, method, name="broken", observers=(Stops(epoch),))
    assert final(execute(ready, method, name="broken", resume=True).run.folder) == whole
    kept = [sorted(path.name for path in (ready.folder / name).rglob("*.pt")) for name in ("whole", "broken")]
    assert kept[0] == kept[1]


def test_the_check_looks_at_no_identity(ready):
    """With identities hidden once questions are answered, it says the same."""

    class Hides:
        @hookimpl
        def aas_epoch_finished(self, run, report):
            if report["epoch"] == 3:
                run.identity = np.array([None] * len(run.identity), dtype=object)

    names = ("kept", "kept_because", "best.cycle", "check.learned_trained")
    seen = final(execute(ready, "spoils", name="seen").run.folder)
    hidden = final(execute(ready, "spoils", name="hidden", observers=(Hides(),)).run.folder)
    assert {name: seen[name] for name in names} == {name: hidden[name] for name in names}


def report(cycle, before, after, same=50, different=90):
    counts = {"check.learned_same": same, "check.learned_different": different}
    return {"cycle": cycle, "check.learned_untrained": before, "check.learned_trained": after, **counts}


def test_a_third_of_the_errors_is_what_training_must_take_back():
    assert learned_share(report(1, 0.7, 0.85)) == pytest.approx(0.5)
    assert choose(report(1, 0.7, 0.81))[0] == "trained"
    assert choose(report(1, 0.7, 0.79))[0] == "untrained"
    assert learned_share(report(1, 0.7, 0.85, same=19)) is None
    assert learned_share(report(1, 1.0, 1.0)) is None
    assert choose({"cycle": 0})[0] == "trained"


def test_of_hopeless_features_only_answers_keep_the_trained_model():
    few, many = report(5, 0.6, 0.9, same=14), report(5, 0.6, 0.9)
    assert [choose(few, verdict)[0] for verdict in (None, "weak", "good", "unknown")] == ["trained"] * 4
    kept, why = choose(few, "hopeless")
    assert kept == "untrained" and "called the features hopeless" in why
    assert choose(many, "hopeless")[0] == "trained"


def test_the_best_cycle_is_so_by_answers_and_never_by_the_evaluation():
    reports = [{"cycle": 0, "mAP": 0.9}, report(1, 0.7, 0.9) | {"mAP": 0.1}, report(2, 0.7, 0.8) | {"mAP": 0.8}]
    assert best_cycle(reports)["cycle"] == 1
    assert best_cycle([reports[0], report(1, 0.7, 0.6)])["cycle"] == 0
