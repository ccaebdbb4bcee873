"""What driving any checkout must give, for miniature and for real ones."""

import hashlib
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from aas_plugin.codebases.driver import Driver
from aas_plugin.codebases.recipes import recipe_of
from aas_plugin.codebases.script import Script
from aas_plugin.codebases.shims import shims_of
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.settings.resolving import resolve_driven

NAMES = ("spcl", "cluster-contrast", "pplr", "pplr-cam", "ice", "rtmem", "purification")
EPOCHS = 4
ASKING = {"active": {"every": 2, "cycles": 2, "budget": 25}, "tracking": {"mlflow": False}, "device": "cpu"}


def make_driver(name, checkout, arguments, folder, *layers, observers=(), components=(), resume=False, plugins=None):
    plugins = plugins or load_plugins()
    for component in components:
        plugins.registry.register(*component)
    for number, observer in enumerate(observers):
        plugins.load(f"observer {number}", observer, "tests")
    codebase = {"path": str(checkout), "arguments": arguments}
    settings = resolve_driven(plugins, [{}, ASKING, {"adapter": name, "codebase": codebase}, *layers])
    return Driver(plugins, settings, recipe_of(plugins, settings), folder, resume)


def run_bare(recipe, checkout, arguments):
    """The script with its shims and nothing else; gives its best mAP."""
    script, gpu = Script(checkout, recipe.script), torch.cuda.is_available()
    with ExitStack() as stack:
        stack.enter_context(script.importable())
        stack.enter_context(shims_of(script, gpu, "before"))
        script.load()
        stack.enter_context(shims_of(script, gpu, "after"))
        script.parse(arguments)
        script.main()
        return script.names["best_mAP"]


def contents(folder):
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in Path(folder).rglob("*") if path.is_file()}


def best_model(folder):
    (path,) = [path for path in Path(folder).rglob("*") if path.name in ("model_best.pth.tar", "best.pth")]
    state = torch.load(path, map_location="cpu", weights_only=False)
    return state.get("state_dict", state)


class TrainSets:
    """What every training loader of a script is given: (file, label) of each image."""

    def __init__(self, monkeypatch):
        self.found = []
        original = torch.utils.data.DataLoader.__init__

        def seen(loader, dataset, *arguments, **options):
            if options.get("drop_last"):
                self.found.append([(Path(row[0]).name, int(row[1])) for row in dataset.dataset])
            original(loader, dataset, *arguments, **options)

        monkeypatch.setattr(torch.utils.data.DataLoader, "__init__", seen)


def broken(rows, answers, cycle):
    """How many answers up to a cycle do not hold in a train set."""
    label = dict(rows)
    count = 0
    for answer in answers:
        if answer.cycle <= cycle and answer.decision != "cannot_tell":
            a, b = (label.get(Path(side).name) for side in (answer.a, answer.b))
            together = a is not None and a == b
            count += together != (answer.decision == "same")
    return count


def two_a_day(names):
    """All names, of which the default run takes the first two: the rest repeats them in other folders."""
    return [name if place < 2 else pytest.param(name, marks=pytest.mark.nightly) for place, name in enumerate(names)]


class Suite:
    """Inherited with fixtures `checkout(name)` and `arguments(name, folder)`."""

    @pytest.mark.parametrize("name", NAMES)
    def test_every_answer_holds_in_every_train_set_and_the_checkout_stays_as_it_is(
        self, name, checkout, arguments, tmp_path, monkeypatch
    ):
        where = checkout(name)
        before = contents(where)
        train_sets = TrainSets(monkeypatch)
        driver = make_driver(name, where, arguments(name, tmp_path / "logs"), tmp_path / "run")
        assert driver.execute() == "finished"
        answers = driver.run.active.log.answers()
        assert {answer.decision for answer in answers} == {"same", "different"}
        assert {answer.cycle for answer in answers} == {1, 2}
        epochs = EPOCHS - driver.recipe.first_epoch
        assert len(train_sets.found) == epochs
        for epoch, rows in enumerate(train_sets.found):
            assert broken(rows, answers, min(epoch // 2 + 1, 2)) == 0
        assert contents(where) == before
        reports = driver.history.cycles
        assert [report["cycle"] for report in reports] == [0, 1, 2]
        assert 0 <= reports[-1]["mAP"] <= 1
        assert len(driver.history.epochs) == epochs
        assert all(np.isfinite(epoch["loss"]) for epoch in driver.history.epochs)
        assert list((tmp_path / "run" / "checkpoints").iterdir())

    @pytest.mark.parametrize("name", two_a_day(NAMES))
    def test_without_questions_the_script_ends_with_the_very_model_it_has_alone(
        self, name, checkout, arguments, tmp_path
    ):
        where = checkout(name)
        driver = make_driver(name, where, arguments(name, tmp_path / "driven"), tmp_path / "run", {"sampler": "none"})
        driver.execute()
        alone = run_bare(driver.recipe, where, arguments(name, tmp_path / "alone"))
        assert driver.script.names["best_mAP"] == alone
        states = [best_model(tmp_path / side) for side in ("driven", "alone")]
        assert states[0].keys() == states[1].keys()
        assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])

    @pytest.mark.parametrize("name", two_a_day([name for name in NAMES if name != "purification"]))
    def test_sparse_distances_give_the_same_labels(self, name, checkout, arguments, tmp_path):
        found = []
        for fast in (False, True):
            folder = tmp_path / f"fast-{fast}"
            layer = {"sampler": "none", "codebase": {"fast_jaccard": fast}}
            # Images that share two of three neighbours' rows are at .5 but for rounding, and .5 decides nothing.
            own = [*arguments(name, folder / "logs"), "--eps", "0.46"]
            driver = make_driver(name, checkout(name), own, folder / "run", layer)
            driver.execute()
            found.append([pd.read_parquet(path) for path in sorted((folder / "run").glob("cycles/*/labels.parquet"))])
        assert len(found[0]) == 3
        for dense, sparse in zip(*found, strict=True):
            pd.testing.assert_frame_equal(dense, sparse)
