"""What several test files need: a tiny data set, settings that run in seconds, a method that learns nothing."""

import os
import signal
import sys
import warnings

# Two threads in each of two processes wait for one another longer than they work; workers inherit this.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from aas_plugin.cli import main
from aas_plugin.hookspecs import hookimpl
from aas_plugin.plugins.manager import Plugins, load_plugins
from aas_plugin.runs.engine import Engine
from aas_plugin.testing.tiny import tiny_engine

TOGETHER = ("tests/test_pipeline.py", "tests/faults/", "tests/runs/test_engine.py::test_killed")
"""Beginnings of the names of tests that share what takes long to make."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With `-n`, those run in one process each, before all others, which are given out one by one."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return next((beginning for beginning in TOGETHER if nodeid.startswith(beginning)), nodeid)

    return Scheduling(config, log)


# A shell starts what runs in its background without SIGINT, and tests of Ctrl-C would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The first call of a compiled function takes seconds, and speed is not what these tests are about.
settings.register_profile("aas", deadline=None)
settings.load_profile("aas")


@pytest.fixture(scope="session")
def drawn(tmp_path_factory) -> Path:
    """Folder in which the tiny data set is drawn once."""
    return tmp_path_factory.mktemp("coats")


class FrozenMethod:
    """A base method whose features never change: images of an individual are near each other, with noise."""

    def __init__(self, options: object) -> None:
        self.epochs_trained = 0
        self.trained_on: list[np.ndarray] = []

    @hookimpl
    def aas_setup(self, run):
        individuals = np.array([str(name) for name in run.identity])
        codes = np.unique(individuals, return_inverse=True)[1]
        rng = np.random.default_rng(3)
        centres = rng.normal(size=(codes.max() + 1, 16))
        features = centres[codes] + rng.normal(size=(len(codes), 16))
        self.all = (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)
        return True

    @hookimpl
    def aas_embed(self, run, rows):
        return self.all[rows]

    @hookimpl
    def aas_features(self, run):
        return self.all[run.train]

    @hookimpl
    def aas_pseudo_labels(self, run, features, graph):
        from aas_plugin.clustering.dbscan import dbscan

        return dbscan(graph, run.settings.clustering.eps, run.settings.clustering.min_samples)

    @hookimpl
    def aas_train_epoch(self, run, labels):
        self.epochs_trained += 1
        self.trained_on.append(labels.copy())
        return {"loss": 1.0 / self.epochs_trained}

    @hookimpl
    def aas_save_state(self, run):
        return {"epochs_trained": self.epochs_trained}

    @hookimpl
    def aas_load_state(self, run, state):
        self.epochs_trained = state["epochs_trained"]
        return True


class Ready:
    """Makes runs of the tiny data set in a folder."""

    def __init__(self, folder: Path, drawn: Path) -> None:
        self.folder = folder
        self.drawn = drawn

    def plugins(self) -> Plugins:
        plugins = load_plugins()
        plugins.registry.current_plugin = "tests"
        plugins.registry.register("adapter", "frozen", FrozenMethod)
        return plugins

    def engine(
        self, *layers: dict, name: str = "run", resume: bool = False, observers: tuple = (), components: tuple = ()
    ) -> Engine:
        plugins = self.plugins()
        for component in components:
            plugins.registry.register(*component)
        for number, observer in enumerate(observers):
            plugins.load(f"observer {number}", observer, "tests")
        frozen = {"adapter": {"name": "frozen"}}
        return tiny_engine(plugins, self.folder / name, self.drawn, frozen, *layers, resume=resume)


@pytest.fixture
def aas(tmp_path, monkeypatch, capsys):
    """The command line in the test's folder, without the seconds of a new process: gives all that it says."""
    monkeypatch.chdir(tmp_path)
    # Commands show warnings in their own way.
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)

    def call(*arguments: object, status: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["aas", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        shown = "".join(capsys.readouterr())
        assert (ended.value.code or 0) == status, shown
        return shown

    return call


@pytest.fixture
def ready(tmp_path, drawn) -> Ready:
    return Ready(tmp_path, drawn)


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory, drawn) -> Path:
    """The folder of a run of `ready`'s with no further settings, which nothing interrupted."""
    whole = Ready(tmp_path_factory.mktemp("uninterrupted"), drawn)
    whole.engine().execute()
    return whole.folder / "run"
