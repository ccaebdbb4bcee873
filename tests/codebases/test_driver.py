"""What a driven run leaves, and what it says when something is not as it should be."""

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from mlflow import MlflowClient
from suite import make_driver

from aas_plugin.codebases.recipe import Recipe
from aas_plugin.codebases.recipes import recipe_of
from aas_plugin.codebases.script import Script
from aas_plugin.errors import AasError
from aas_plugin.hookspecs import hookimpl
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.tracking.mlflow_observer import MlflowObserver, tracking_uri

CC = "cluster-contrast"


def replace_in(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def script_of(checkout):
    (path,) = checkout.glob("examples/*train*.py")
    return path


def in_epoch(checkout, number, statement):
    """Execute a statement in the trainer when it begins an epoch."""
    (trainers,) = checkout.glob("*/trainers.py")
    lines = trainers.read_text().split("\n")
    (place,) = [i for i, line in enumerate(lines) if line.lstrip().startswith("def train(")]
    while not lines[place].rstrip().endswith(":"):
        place += 1
    lines.insert(place + 1, f"        if epoch == {number}:\n            {statement}")
    trainers.write_text("\n".join(lines))


def answers(folder):
    log = folder / "answers.jsonl"
    return log.read_text().splitlines() if log.exists() else []


def test_mlflow_has_the_scripts_flags_losses_map_and_best_model(miniature, arguments, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    observer = MlflowObserver(tmp_path)
    given = arguments("pplr", tmp_path / "logs")
    make_driver("pplr", miniature("pplr"), given, tmp_path / "run", observers=[observer]).execute()
    client = MlflowClient(tracking_uri(tmp_path))
    run = client.get_run(observer.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["codebase.flags.epochs"] == "4"
    assert run.data.params["codebase.flags.eps"] == "0.5"
    for name in ("epoch/loss", "epoch/L_GCE", "epoch/L_PCE", "epoch/L_TRI"):
        history = client.get_metric_history(observer.run_id, name)
        assert [metric.step for metric in history] == [0, 1, 2, 3]
    parts = [client.get_metric_history(observer.run_id, f"epoch/L_{part}")[0].value for part in ("GCE", "PCE", "TRI")]
    total = client.get_metric_history(observer.run_id, "epoch/loss")[0].value
    assert total == pytest.approx(sum(parts), abs=2e-3)  # the script prints three decimals
    assert len(client.get_metric_history(observer.run_id, "mAP")) == 2
    files = {item.path for item in client.list_artifacts(observer.run_id, "checkpoints")}
    assert files == {"checkpoints/best.pth"}


def test_the_answers_are_kept_by_file_name_and_the_models_test_apart(miniature, arguments, tmp_path):
    driver = make_driver("ice", miniature("ice"), arguments("ice", tmp_path / "logs"), tmp_path / "run")
    driver.execute()
    names = set(driver.run.catalogue.table["path"])
    assert all(name.endswith(".jpg") and "/" not in name for name in names)
    assert {side for answer in driver.run.active.log.answers() for side in (answer.a, answer.b)} <= names
    summary = pd.read_json(tmp_path / "run" / "metrics.json", typ="series")
    assert {"mAP", "best_mAP", "test_mAP", "test_top1"} <= set(summary.index)
    assert summary["test_mAP"] == summary["best_mAP"] >= summary["mAP"]


def test_what_the_script_writes_goes_into_the_runs_folder(copy_of, arguments, tmp_path):
    given = arguments(CC, "unused")
    position = given.index("--logs-dir")
    make_driver(CC, copy_of(CC), given[:position] + given[position + 2 :], tmp_path / "run").execute()
    assert (tmp_path / "run" / "script" / "model_best.pth.tar").exists()


@pytest.mark.parametrize(
    ("name", "losses"),
    [("ice", {"Loss_ccl"}), ("rtmem", {"loss_class", "loss_instance"}), ("pplr-cam", {"L_GCE", "L_CAM"})],
)
def test_losses_are_read_as_each_script_prints_them(name, losses, miniature, arguments, tmp_path):
    driver = make_driver(name, miniature(name), arguments(name, tmp_path / "logs", epochs=2), tmp_path / "run")
    driver.execute()
    for epoch in driver.history.epochs:
        assert losses <= set(epoch)
        assert not {"Time", "Data", "Prec"} & set(epoch)


def test_a_script_that_changes_the_working_folder_changes_it_for_itself_only(
    miniature, arguments, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    where = Path.cwd()
    given = arguments("purification", tmp_path / "logs", epochs=1)
    make_driver("purification", miniature("purification"), given, Path("runs/mine")).execute()
    assert Path.cwd() == where
    assert (tmp_path / "runs" / "mine" / "metrics.json").exists()


def test_the_step_leaves_all_generators_as_they_are(miniature, arguments, tmp_path):
    driver = make_driver(CC, miniature(CC), arguments(CC, tmp_path / "logs"), tmp_path / "run")
    changed = []
    cluster = driver.cluster

    def watched(*given):
        before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
        labels = cluster(*given)
        after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
        changed.append(before != after)
        return labels

    driver.cluster = watched
    driver.execute()
    assert changed == [False] * 4
    assert len(answers(tmp_path / "run")) > 0


def test_a_script_that_raises_is_a_failed_run_whose_answers_serve_the_next(copy_of, arguments, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    checkout, given = copy_of(CC), arguments(CC, tmp_path / "logs")
    sound = (next(checkout.glob("*/trainers.py"))).read_text()
    in_epoch(checkout, 1, "raise OSError('the disk fell off')")
    observer = MlflowObserver(tmp_path)
    with pytest.raises(OSError, match="the disk fell off"):
        make_driver(CC, checkout, given, tmp_path / "run", observers=[observer]).execute()
    client = MlflowClient(tracking_uri(tmp_path))
    assert client.get_run(observer.run_id).info.status == "FAILED"
    assert "traceback.txt" in {item.path for item in client.list_artifacts(observer.run_id)}
    assert "in train" in (tmp_path / "run" / "traceback.txt").read_text()
    before = answers(tmp_path / "run")
    assert before
    next(checkout.glob("*/trainers.py")).write_text(sound)
    assert make_driver(CC, checkout, given, tmp_path / "run", resume=True).execute() == "finished"
    after = answers(tmp_path / "run")
    assert after[: len(before)] == before
    pairs = [line.split('"decision"')[0].split('"a"')[1] for line in after]
    assert len(set(pairs)) == len(pairs)


def test_a_map_belongs_to_the_epoch_it_was_measured_in(miniature, arguments, tmp_path):
    driver = make_driver("pplr", miniature("pplr"), arguments("pplr", tmp_path / "logs"), tmp_path / "run")
    driver.execute()
    assert ["mAP" in epoch for epoch in driver.history.epochs] == [False, True, False, True]


def test_a_run_that_is_there_is_refused_before_the_script_opens_its_log(miniature, arguments, tmp_path):
    given = arguments(CC, tmp_path / "run" / "script")
    make_driver(CC, miniature(CC), given, tmp_path / "run").execute()
    log = (tmp_path / "run" / "script" / "log.txt").read_text()
    with pytest.raises(AasError, match="holds a run already"):
        make_driver(CC, miniature(CC), given, tmp_path / "run").execute()
    with pytest.raises(AasError, match="another configuration"):
        make_driver(CC, miniature(CC), [*given, "--eps", "0.4"], tmp_path / "run", resume=True).execute()
    assert (tmp_path / "run" / "script" / "log.txt").read_text() == log


def test_a_row_with_the_wrong_order_is_told_so(miniature, arguments, tmp_path):
    with pytest.raises(AasError, match="order is sorted or native, not 'listed'"):
        Recipe("Mine", "me/mine", "train.py", "Trainer", order="listed")
    plugins = load_plugins()
    wrong = replace(plugins.component("codebase", CC).factory(), order="native")
    plugins.registry.register("codebase", "wrong", lambda: wrong)
    with pytest.raises(AasError, match="does the recipe's order, 'native', say how the script sorts"):
        make_driver(
            "wrong", miniature(CC), arguments(CC, tmp_path / "logs"), tmp_path / "run", plugins=plugins
        ).execute()


def test_ctrl_c_is_told_and_nothing_stays_patched(copy_of, arguments, tmp_path):
    checkout = copy_of(CC)
    in_epoch(checkout, 1, "raise KeyboardInterrupt")
    told = []
    observer = type("Told", (), {"aas_run_failed": staticmethod(hookimpl(lambda run, error: told.append(error)))})()
    state = (sys.stdout, list(sys.path), list(sys.argv), torch.utils.data.Sampler.__init__, torch.Tensor.backward)
    with pytest.raises(KeyboardInterrupt):
        make_driver(CC, checkout, arguments(CC, tmp_path / "logs"), tmp_path / "run", observers=[observer]).execute()
    assert isinstance(told[0], KeyboardInterrupt)
    assert (
        sys.stdout, sys.path, sys.argv, torch.utils.data.Sampler.__init__, torch.Tensor.backward
    ) == state  # fmt: skip
    assert not [name for name in sys.modules if name.startswith("clustercontrast")]
    assert not sys.stdout.closed


def test_people_may_take_their_time(miniature, arguments, tmp_path):
    class Slow:
        def __init__(self, options):
            pass

        @hookimpl
        def aas_answer(self, run, question):
            if len(run.active.log.answers()) >= patience:
                return None
            rows = run.train[[question.u, question.v]]
            return "same" if run.identity[rows[0]] == run.identity[rows[1]] else "different"

    def execute(resume):
        plugins = load_plugins()
        plugins.registry.register("oracle", "slow", Slow)
        given = arguments(CC, tmp_path / "logs")
        layer = {"oracle": "slow"}
        return make_driver(CC, miniature(CC), given, tmp_path / "run", layer, plugins=plugins, resume=resume).execute()

    patience = 2
    assert execute(resume=False) == "waiting"
    assert len(answers(tmp_path / "run")) == 2
    assert (tmp_path / "run" / "pending.jsonl").exists()
    patience = 10_000
    assert execute(resume=True) == "finished"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["-b", "512"], r"ran out of images in epoch 0: \d+ images in \d+ clusters do not fill a batch of 512"),
        (["--eps", "0.0001"], r"no cluster was found in epoch 0.*raise --eps"),
    ],
)
@pytest.mark.parametrize("name", ["spcl", CC, "pplr", "ice"])
def test_what_scripts_only_crash_on_is_explained(name, flags, message, miniature, arguments, tmp_path):
    given = [*arguments(name, tmp_path / "logs"), *flags]
    with pytest.raises(AasError, match=message):
        make_driver(name, miniature(name), given, tmp_path / "run", {"sampler": "none"}).execute()


def driver_of(name, checkout, tmp_path):
    return make_driver(name, checkout, [], tmp_path / "run")


def test_a_folder_that_is_no_checkout_or_another_ones_is_refused(miniature, tmp_path):
    with pytest.raises(AasError, match="is no folder; give that of a checkout of yxgeee/SpCL"):
        driver_of("spcl", tmp_path / "nowhere", tmp_path)
    with pytest.raises(AasError, match=r"looks for examples/spcl_train_usl.py and does not find it.*write a recipe"):
        driver_of("spcl", tmp_path, tmp_path)
    with pytest.raises(AasError, match=r"looks like a checkout for --adapter pplr or pplr-cam"):
        driver_of("spcl", miniature("pplr"), tmp_path)
    with pytest.raises(AasError, match="unknown codebase 'spc'; did you mean 'spcl'"):
        driver_of("spc", miniature("spcl"), tmp_path)
    with pytest.raises(AasError, match="PurificationReID mixes 3 distances"):
        layer = {"codebase": {"fast_jaccard": True}}
        make_driver("purification", miniature("purification"), [], tmp_path / "run", layer)


@pytest.mark.parametrize(
    ("old", "new", "missing"),
    [
        ("def get_train_loader", "def make_train_loader", "get_train_loader"),
        ("trainset=None", "images=None", r"get_train_loader\(trainset\)"),
        ("import Evaluator", "import Evaluator as Judge", "Evaluator"),
        ("import ClusterContrastTrainer", "import ClusterContrastTrainer as T", "ClusterContrastTrainer"),
    ],
)
def test_a_script_that_is_not_the_one_that_is_known_is_refused_before_training(copy_of, tmp_path, old, new, missing):
    checkout = copy_of(CC)
    replace_in(script_of(checkout), old, new)
    with pytest.raises(AasError, match=rf"is not the script of ClusterContrast that is known: .*{missing}.* not found"):
        driver_of(CC, checkout, tmp_path).execute()
    assert not (tmp_path / "run" / "config.yaml").exists()


def test_a_script_without_a_main_block_is_refused(copy_of, tmp_path):
    checkout = copy_of(CC)
    replace_in(script_of(checkout), "    main()\n", "    pass\n")
    with pytest.raises(AasError, match=r"no block under if __name__ == .* that calls main"):
        driver_of(CC, checkout, tmp_path)


def test_an_unknown_commit_is_a_warning(copy_of, arguments, tmp_path):
    checkout = copy_of(CC)
    git = ["git", "-C", str(checkout), "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "changed"]):
        subprocess.run([*git, *command], check=True)
    with pytest.warns(UserWarning, match=r"is at commit \w{7}; ClusterContrast was tried at 57b62e9"):
        make_driver(CC, checkout, arguments(CC, tmp_path / "logs", epochs=1), tmp_path / "run").execute()


def test_a_row_can_come_from_a_plugin(copy_of, arguments, tmp_path):
    checkout = copy_of(CC)
    script = script_of(checkout)
    script.rename(checkout / "train.py")
    plugins = load_plugins()
    recipe = Recipe("Mine", "me/mine", "train.py", "ClusterContrastTrainer")
    plugins.registry.register("codebase", "mine", lambda: recipe)
    driver = make_driver("mine", checkout, arguments(CC, tmp_path / "logs"), tmp_path / "run", plugins=plugins)
    assert recipe_of(plugins, driver.settings) is recipe
    assert driver.execute() == "finished"


def test_a_script_is_loaded_without_its_main_block_and_forgotten_afterwards(miniature):
    script = Script(miniature("ice"), "examples/unsupervised_train.py")
    with script.importable():
        script.load()
        assert "parser" not in script.names
        assert script.parse(["--epochs", "7"]).epochs == 7
        with pytest.raises(SystemExit):
            script.parse(["--no-such-flag"])
    assert not [name for name in sys.modules if name == "ice" or name.startswith("ice.")]


def command(folder, *arguments, **options):
    line = [sys.executable, "-m", "aas_plugin", "run", *map(str, arguments)]
    return subprocess.run(line, cwd=folder, text=True, check=False, **options)


SETS = [part for s in ("active.every=2", "active.cycles=2", "active.budget=25", "tracking.mlflow=false")
        for part in ("--set", s)]  # fmt: skip


@pytest.mark.nightly
def test_the_command_line_drives_a_checkout_also_with_stdout_captured_or_closed(miniature, arguments, tmp_path, aas):
    given = [*SETS, "--adapter", CC, "--codebase", miniature(CC), "--"]
    shown = command(tmp_path, *given, *arguments(CC, tmp_path / "a"), capture_output=True)
    assert shown.returncode == 0, shown.stderr
    assert "shims: sampler-argument, cpu-tensors, console-stays-open, plain-map, cpu-search" in shown.stdout
    assert "Epoch: [3][3/3]" in shown.stdout and "Done in" in shown.stdout
    line = [sys.executable, "-m", "aas_plugin", "run", "--run-name", "closed", *map(str, given)]
    text = " ".join(f"'{part}'" for part in [*line, *arguments(CC, tmp_path / "b")])
    closed = subprocess.run(f"{text} >&-", shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert closed.returncode == 0, closed.stderr
    assert (tmp_path / "runs" / "closed" / "metrics.json").exists()
    aas("run", "--resume", "--run-name", "closed")


def test_bad_input_to_the_command_line_is_told_in_one_sentence_or_by_the_script(miniature, arguments, tmp_path, aas):
    given = ["--adapter", CC, "--codebase", miniature(CC)]
    usage = aas("run", *given, "--", "--no-such-flag", status=2)
    assert "usage: cluster_contrast_train_usl.py" in usage and "--no-such-flag" in usage
    assert not list((tmp_path / "runs").iterdir())
    nowhere = [*arguments(CC, tmp_path / "logs"), "--data-dir", tmp_path / "nowhere"]
    missing = command(tmp_path, *given, "--", *nowhere, capture_output=True)
    assert missing.returncode == 1
    assert "nowhere" in missing.stderr.strip().splitlines()[-1]
    for wrong, message in [
        (["--adapter", "ice", "--codebase", miniature(CC)], "looks like a checkout for --adapter cluster-contrast"),
        (["--", "--epochs", "3"], "only a run with --codebase takes that"),
        (["--fast-jaccard"], "only a run with --codebase takes that"),
        ([*given, "--set", "training.epochs=3"], "training: unknown key"),
        ([*given, "--data", "x.tar"], "--data and --results are for native runs"),
    ]:
        shown = aas("run", *wrong, status=2)
        assert message in shown
        assert shown.count("error:") == 1


def test_keypoints_count_beside_a_scripts_features(miniature, arguments, tmp_path):
    driver = make_driver(
        CC,
        miniature(CC),
        arguments(CC, tmp_path / "logs"),
        tmp_path / "run",
        {"evidence": "local"},
        {"sampler": "topk"},
    )
    driver.execute()
    kinds = {line.split('"kind"')[1].split('"')[1] for line in answers(tmp_path / "run") if '"kind"' in line}
    assert {"trial: evidence", "trial: features"} & kinds or "trial: both" in kinds
    assert (tmp_path / "run" / "crops.jpg").exists()
