"""What every base method does, as tests to inherit."""

from __future__ import annotations

import json
import os
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from aas_plugin import hookspecs
from aas_plugin.errors import AasError
from aas_plugin.hookspecs import hookimpl
from aas_plugin.models.head import HeadedModel
from aas_plugin.plugins.manager import Plugins, load_plugins
from aas_plugin.runs.engine import Engine
from aas_plugin.runs.run import NativeRun
from aas_plugin.runs.setting_up import set_up
from aas_plugin.settings.resolving import resolve
from aas_plugin.testing.tiny import tiny_engine
from aas_plugin.training.embed import embed

SEAMS = (
    "aas_setup", "aas_embed", "aas_features", "aas_pseudo_labels", "aas_train_epoch", "aas_save_state",
    "aas_load_state",
)  # fmt: skip
takes_minutes = pytest.mark.skipif(
    not os.environ.get("AAS_LONG_TESTS"), reason="takes minutes; AAS_LONG_TESTS=1 runs it"
)
NO_QUESTIONS = {"active": {"cycles": 0}, "training": {"epochs": 2}}


class Watch:
    """Keeps what each epoch is trained on.

    Attributes:
        labels: one int64 (N,) an epoch, the labels that are handed over for training.
        trained_on: one set an epoch, positions of the training images whose pixels are then read.
    """

    def __init__(self) -> None:
        self.labels: list[np.ndarray] = []
        self.trained_on: list[set[int]] = []

    @hookimpl(wrapper=True)
    def aas_train_epoch(self, run: Any, labels: np.ndarray) -> Any:
        """Keep the labels of one epoch and the images that it reads, and check that every answer holds."""
        self.labels.append(labels.copy())
        assert run.active.constraints.violations(labels) == (0, 0)
        position = {row: index for index, row in enumerate(run.train.tolist())}
        seen: set[int] = set()
        batch = run.images.batch

        def looked_at(rows: np.ndarray) -> np.ndarray:
            seen.update(position[row] for row in rows.tolist())
            pixels: np.ndarray = batch(rows)
            return pixels

        run.images.batch = looked_at
        try:
            return (yield)
        finally:
            run.images.batch = batch
            self.trained_on.append(seen)


class TrueLabels:
    """Gives the individuals in the place of pseudo-labels."""

    @hookimpl(wrapper=True, tryfirst=True)
    def aas_pseudo_labels(self, run: Any) -> Any:
        """Let the method cluster, and give what is true."""
        yield
        return _individuals(run)


class AdapterContract:
    """Inherit this with the name of an adapter, and pytest runs what every base method has to pass.

    Example:
        >>> class TestMine(AdapterContract):
        ...     adapter = "mine"

    Attributes:
        adapter: the name it is registered under.
        modules: plugin modules to load, for an adapter that no installed package registers.
        trains_on_noise: whether images in no cluster are trained on, each for itself.
        settings: settings of a run that the method needs to work on 60 photos of 48 pixels.
        backbone: what is trained; two convolutions, on which all but learning shows as on a real one.
        learns_on: the backbone that has to learn individuals from their true labels.
        no_cluster: settings with which it clusters nothing.
        one_cluster: settings with which everything is one cluster.
        loss_falls_to: share of its first epoch's loss that the fourth has at most, on true labels.
        gains_on_truth: how much the mAP of unseen photos grows at least in four epochs of `coats`, on true labels.
    """

    adapter: ClassVar[str]
    modules: ClassVar[Sequence[str]] = ()
    trains_on_noise: ClassVar[bool] = False
    settings: ClassVar[Mapping[str, Any]] = {}
    backbone: ClassVar[str] = "tiny"
    learns_on: ClassVar[str] = "efficientnet_lite0"
    no_cluster: ClassVar[Mapping[str, Any]] = {"clustering": {"min_samples": 1000}}
    one_cluster: ClassVar[Mapping[str, Any]] = {"clustering": {"eps": 0.999, "min_samples": 1, "k1": 1000}}
    loss_falls_to: ClassVar[float] = 0.7
    gains_on_truth: ClassVar[float] = 0.15

    @pytest.fixture(scope="class")
    @classmethod
    def drawn(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """Folder in which the animals are drawn once."""
        return tmp_path_factory.mktemp("coats")

    @pytest.fixture(autouse=True)
    def _places(self, tmp_path: Path, drawn: Path) -> None:
        self._folder, self._drawn = tmp_path, drawn

    def plugins(self) -> Plugins:
        """All plugins, freshly loaded."""
        return load_plugins(self.modules)

    def engine(self, *layers: Mapping[str, Any], name: str = "run", observer: object = None, **options: Any) -> Engine:
        """Make a run of the adapter that is ready to be executed.

        Args:
            layers: settings, weakest first; stronger than those of the contract.
            name: of the run's folder.
            observer: plugin object that watches the run.
            options: passed on to `tiny_engine`.

        Returns:
            The run's engine.
        """
        plugins = self.plugins()
        if observer is not None:
            plugins.load("observer", observer, "tests")
        own = {"adapter": self.adapter, "backbone": {"name": self.backbone, "bn_neck": False}, **self.settings}
        return tiny_engine(plugins, self._folder / name, self._drawn, own, *layers, **options)

    def execute(self, *layers: Mapping[str, Any], **options: Any) -> tuple[Engine, Watch]:
        """Execute a run to its end.

        Args:
            layers: settings, weakest first.
            options: passed on to `engine`.

        Returns:
            The engine, and what was trained on.
        """
        watch = Watch()
        engine = self.engine(*layers, observer=watch, **options)
        assert engine.execute() == "finished"
        return engine, watch

    def set_up(self, *layers: Mapping[str, Any], name: str = "run") -> NativeRun:
        """Make a run whose method is set up, outside of the engine's loop.

        Args:
            layers: settings, weakest first.
            name: of the run's folder.

        Returns:
            The run, ready for the hooks of its method.
        """
        run = self.engine(*layers, name=name).run
        assert run.plugins.hook.aas_setup(run=run) is True
        return run

    def test_it_implements_every_seam_with_types(self) -> None:
        """Each hook of a method is there, and says what it takes and gives."""
        method = self.engine().run.plugins.get_plugin(f"{self.adapter} (adapter)")
        for seam in SEAMS:
            hook = getattr(method, seam, None)
            assert hook is not None, f"{self.adapter} implements no {seam}"
            wanted = typing.get_type_hints(getattr(hookspecs, seam), localns=_type_names())
            given = typing.get_type_hints(hook, localns=_type_names())
            assert "return" in given, f"{seam} does not say what it returns"
            unknown = set(given) - set(wanted)
            assert not unknown, f"{seam} has other arguments than the hook: {unknown}"
            for argument in set(given) - {"return"}:
                assert given[argument] == wanted[argument], f"{seam} takes another type as {argument}"

    def test_it_refuses_an_option_it_does_not_have(self) -> None:
        """A misspelt option is an error that names it, before anything is trained."""
        with pytest.raises(AasError, match="no_such_option"):
            self.engine({"adapter": {"name": self.adapter, "no_such_option": 1}})

    def test_its_features_are_of_unit_length_and_in_the_order_of_the_rows(self) -> None:
        """What it embeds can be compared by inner products, row by row."""
        run = self.set_up()
        features = run.plugins.hook.aas_embed(run=run, rows=run.train)
        assert features.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)
        some = run.train[[4, 1]]
        np.testing.assert_allclose(run.plugins.hook.aas_embed(run=run, rows=some), features[[4, 1]], atol=1e-5)
        clustered = run.plugins.hook.aas_features(run=run)
        assert clustered.shape[0] == len(run.train) and clustered.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(clustered, axis=1), 1, atol=1e-5)

    def test_its_model_embeds_as_it_does(self) -> None:
        """The module that is kept beside the run, if it gives one, gives the features of `aas_embed`."""
        run = self.set_up()
        model = run.plugins.hook.aas_model(run=run)
        if model is None:
            pytest.skip(f"{self.adapter} keeps no model")
        rows = run.train[:5]
        features = embed(model, run.images, rows, run.device)
        np.testing.assert_allclose(features, run.plugins.hook.aas_embed(run=run, rows=rows), atol=1e-5)

    def test_its_labels_are_whole_numbers_from_minus_one_without_a_gap(self) -> None:
        """Pseudo-labels are int64, -1 or 0..K-1, whether there are many clusters, one or none."""
        layers: tuple[Mapping[str, Any], ...] = ({}, self.no_cluster, self.one_cluster)
        for number, layer in enumerate(layers):
            run = self.set_up(layer, name=f"run{number}")
            features = run.plugins.hook.aas_features(run=run)
            labels = run.plugins.hook.aas_pseudo_labels(run=run, features=features, graph=run.active.graph(features))
            assert labels.shape == (len(run.train),) and labels.dtype == np.int64
            assert set(labels.tolist()) - {-1} == set(range(int(labels.max()) + 1))

    def test_every_answer_holds_and_a_run_that_was_broken_off_repeats_one_that_was_not(self) -> None:
        """Labels, losses and mAP are the same after a kill, which also shows that a seed repeats them."""

        def stop_in_the_third(run: Any, report: Mapping[str, Any]) -> None:
            if report["epoch"] == 2:
                raise KeyboardInterrupt

        whole, watch = self.execute(name="whole")
        assert len(whole.run.active.constraints.must_links) > 0
        assert len(whole.run.active.constraints.cannot_links) > 0
        stopper = type("Stopper", (), {"aas_epoch_finished": staticmethod(hookimpl(stop_in_the_third))})()
        with pytest.raises(KeyboardInterrupt):
            self.engine(name="broken", observer=stopper).execute()
        resumed, rest = self.execute(name="broken", resume=True)
        assert [labels.tolist() for labels in rest.labels] == [labels.tolist() for labels in watch.labels[2:]], (
            "labels differ after a resume: draw from run.rng(...), and save in aas_save_state what outlives an epoch"
        )
        assert resumed.history.epochs == [
            {**loss, "seconds": resumed.history.epochs[i]["seconds"]} for i, loss in enumerate(whole.history.epochs)
        ]
        assert resumed.history.cycles[-1]["mAP"] == whole.history.cycles[-1]["mAP"]

    def test_another_seed_gives_other_losses(self) -> None:
        """Randomness comes from the seed of the run."""
        first, second = (self.execute(NO_QUESTIONS, {"seed": seed}, name=f"{seed}")[0] for seed in (1, 2))
        assert first.history.epochs[0]["loss"] != second.history.epochs[0]["loss"]

    def test_images_that_an_answer_pulls_out_of_noise_are_trained_on(self) -> None:
        """Where nothing is clustered, exactly those that a must-link joins are, and noise as the method does it."""
        # Without the loss on answered pairs, which also looks at images that are known to differ.
        training = {"epochs": 1, "iterations": 40, "pair_loss": 0}
        many = {"training": training, "active": {"every": 1, "cycles": 1, "budget": 30}}
        engine, watch = self.execute(many, self.no_cluster, {"sampler": "random"})
        joined = set(engine.run.active.constraints.must_links.ravel().tolist())
        assert joined
        assert set(np.flatnonzero(watch.labels[-1] >= 0).tolist()) == joined
        everyone = set(range(len(engine.run.train)))
        assert watch.trained_on[-1] == (everyone if self.trains_on_noise else joined)

    def test_epochs_without_a_cluster_end_well_and_are_told_once(self) -> None:
        """All noise is no error, and no silence either."""
        with pytest.warns(UserWarning, match="no cluster was found in epoch 0: raise clustering.eps") as told:
            engine, watch = self.execute(NO_QUESTIONS, self.no_cluster)
        assert len([warning for warning in told if "no cluster" in str(warning.message)]) == 1
        assert all((labels == -1).all() for labels in watch.labels)
        assert 0 <= engine.history.cycles[-1]["mAP"] <= 1

    def test_epochs_with_one_cluster_end_well(self) -> None:
        """Everybody in one cluster leaves nothing to tell apart, and finite numbers."""
        engine, watch = self.execute(NO_QUESTIONS, self.one_cluster)
        clusters = {int(labels.max()) + 1 for labels in watch.labels}
        assert clusters == {1}, f"`one_cluster` gave {clusters} clusters: set it to what makes your method give one"
        assert np.isfinite(engine.history.epochs[-1]["loss"])

    def test_batches_larger_than_what_is_clustered_are_filled(self) -> None:
        """More places, and more individuals, in a batch than there are photos and clusters."""
        engine, watch = self.execute(NO_QUESTIONS, {"training": {"batch_size": 128, "instances": 2, "iterations": 1}})
        assert watch.labels[-1].max() + 1 < 64
        assert np.isfinite(engine.history.epochs[-1]["loss"])

    def test_it_learns_individuals_from_their_true_labels(self) -> None:
        """The loss falls, and more photos find one of their own nearest."""
        training = {"iterations": 10, "batch_size": 16, "flip": 0, "erasing": 0}
        run = self.set_up({"training": training, "backbone": {"name": self.learns_on, "bn_neck": False}})
        labels = _individuals(run)
        method = run.plugins.hook

        def top1() -> float:
            features = method.aas_embed(run=run, rows=run.train)
            similarity = features @ features.T
            np.fill_diagonal(similarity, -1)
            return float(np.mean(labels[similarity.argmax(axis=1)] == labels))

        untrained = top1()
        losses = []
        for _ in range(4):
            features = method.aas_features(run=run)
            scalars = method.aas_train_epoch(run=run, features=features, labels=labels)
            assert all(isinstance(value, float) for value in scalars.values())
            losses.append(scalars["loss"])
        assert losses[-1] < self.loss_falls_to * losses[0]
        assert top1() > untrained

    @takes_minutes
    def test_on_coats_true_labels_let_unseen_photos_find_their_own_far_better(self) -> None:
        """On `coats` with its settings, a quarter of the schedule beats the untrained model by a margin."""
        untrained, *_, last = self._on_coats({"training": {"epochs": 4}}, truth=True)
        assert last > untrained + self.gains_on_truth

    @takes_minutes
    @pytest.mark.parametrize("seed", [0, 1, 2])
    @pytest.mark.parametrize("level", ["easy", "default"])
    def test_on_coats_it_does_not_end_below_the_untrained_model_without_questions(self, level: str, seed: int) -> None:
        """Its own pseudo-labels, on the whole of `coats` with its settings, do no harm."""
        untrained, *_, last = self._on_coats({"seed": seed, "dataset": {"name": "coats", "level": level}})
        assert last >= untrained

    def _on_coats(self, layer: Mapping[str, Any], *, truth: bool = False) -> list[float]:
        """Train on all of `coats` without questions; mAP of the untrained model and of each cycle."""
        plugins = self.plugins()
        if truth:
            plugins.load("truth", TrueLabels(), "tests")
        coats = {"adapter": self.adapter, "sampler": "none", "dataset": {"name": "coats", "path": str(self._drawn)}}
        engine = Engine(set_up(plugins, resolve(plugins, [coats, layer]), self._folder / "run"))
        assert engine.execute() == "finished"
        return [cycle["mAP"] for cycle in engine.history.cycles]

    def test_on_a_frozen_backbone_only_a_head_is_trained(self) -> None:
        """With `training.freeze=backbone` the method trains, the backbone stays, and no pixels are read for it."""
        run = self.set_up({"training": {"freeze": "backbone"}})
        method, rows = run.plugins.hook, run.train
        model = method.aas_model(run=run)
        if model is None:
            pytest.skip(f"{self.adapter} keeps no model")
        headed = [part for part in model.modules() if isinstance(part, HeadedModel)]
        assert len(headed) == 1, f"{self.adapter} trains no head: let `Trainer` have the model, or make a `HeadedModel`"
        before = {name: value.clone() for name, value in model.state_dict().items()}
        heads = {f"{name}.{inner}" for name, part in model.named_modules() if part is headed[0].head
                 for inner in part.state_dict()}  # fmt: skip
        labels = (np.arange(len(rows)) % 5).astype(np.int64)
        untrained = method.aas_features(run=run)
        scalars = method.aas_train_epoch(run=run, features=untrained, labels=labels)
        assert np.isfinite(scalars["loss"])
        after = method.aas_model(run=run).state_dict()
        moved = {name for name, value in before.items() if not torch.equal(value, after[name])}
        assert moved == heads
        features = embed(method.aas_model(run=run), run.images, rows, run.device)
        assert not np.allclose(features, untrained, atol=1e-4)
        np.testing.assert_allclose(features, method.aas_embed(run=run, rows=rows), atol=1e-5)

    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
    def test_a_gpu_gives_the_same_labels_and_ends_well(self) -> None:
        """The same features are clustered alike on both, and every answer holds in a whole run."""
        found = []
        features: np.ndarray | None = None
        for device in ("cpu", "cuda"):
            run = self.set_up({"device": device}, name=device)
            own = run.plugins.hook.aas_features(run=run)
            features = own if features is None else features
            graph = run.active.graph(features)
            found.append(run.plugins.hook.aas_pseudo_labels(run=run, features=features, graph=graph))
            np.testing.assert_allclose(own, features, atol=2e-3)
        assert found[0].tolist() == found[1].tolist()
        self.execute({"device": "cuda"}, name="whole")

    def test_its_settings_and_numbers_can_be_written_down(self) -> None:
        """What it is set to and what it reports are plain values."""
        engine, _ = self.execute(NO_QUESTIONS)
        json.dumps(engine.run.settings.model_dump(mode="json"))
        json.dumps(engine.history.epochs)


def _individuals(run: NativeRun) -> np.ndarray:
    """The individuals of the training images as labels, int64 (N,)."""
    names = np.array([str(name) for name in run.identity])[run.train]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _type_names() -> dict[str, Any]:
    """What the hook specifications import for their types only."""
    import pandas as pd

    from aas_plugin.active.questions import Question
    from aas_plugin.clustering.jaccard import JaccardGraph
    from aas_plugin.plugins.registry import Registry
    from aas_plugin.runs.run import NativeRun, Run
    from aas_plugin.sampling.views import Views

    names = {"np": np, "pd": pd, "JaccardGraph": JaccardGraph, "Registry": Registry, "Question": Question}
    return {**names, "Run": Run, "NativeRun": NativeRun, "Views": Views}
