"""A run from start to end, killed in between, and what it leaves on disk."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import yaml

from aas_plugin.errors import AasError
from aas_plugin.evaluation.clustering_quality import clustering_quality
from aas_plugin.hookspecs import hookimpl

WITHOUT_TIME = ("seconds",)


def reports(folder):
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("cycles/*/report.json"))]
    return [{key: value for key, value in report.items() if key not in WITHOUT_TIME} for report in found]


def answers(folder):
    rows = [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]
    return [(row["a"], row["b"], row["decision"], row["cycle"]) for row in rows]


def test_a_run_leaves_all_that_is_needed_to_audit_it(ready):
    assert ready.engine().execute() == "finished"
    folder = ready.folder / "run"
    assert yaml.safe_load((folder / "config.yaml").read_text())["training"]["epochs"] == 4
    assert [report["cycle"] for report in reports(folder)] == [0, 1, 2]
    for cycle in (1, 2):
        proposal = pd.read_parquet(folder / f"cycles/{cycle:02d}/proposal.parquet")
        assert {"path_u", "path_v", "kind", "probability"} <= set(proposal)
    last = json.loads((folder / "metrics.json").read_text())
    assert {"mAP", "mINP", "top1", "top3", "top5", "top10", "BAKS", "AUC_ROC", "ARI", "NMI"} <= set(last)
    assert len(pd.read_csv(folder / "plots/epochs.csv")) == 4
    assert list(pd.read_csv(folder / "plots/cycles.csv")["asked_total"]) == [
        0,
        *np.cumsum([report["asked"] for report in reports(folder)[1:]]),
    ]


def test_every_answer_holds_in_what_is_trained_on(ready):
    engine = ready.engine({"active": {"budget": 60}})
    engine.execute()
    method = engine.run.plugins.get_plugin("frozen (adapter)")
    position = {path: index for index, path in enumerate(engine.run.active.paths)}
    assert len(method.trained_on) == 4
    for epoch, labels in enumerate(method.trained_on):
        for a, b, decision, cycle in answers(engine.run.folder):
            if cycle <= epoch // 2 + 1:
                u, v = position[a], position[b]
                together = labels[u] == labels[v] and labels[u] >= 0
                assert together == (decision == "same")


def test_epochs_and_cycles_tell_raw_labels_and_repaired_ones_apart(ready):
    engine = ready.engine({"active": {"budget": 60}})
    engine.execute()
    folder, run = engine.run.folder, engine.run
    method = run.plugins.get_plugin("frozen (adapter)")
    # Its features never change, nor do its own labels: all that moves is the work of answers.
    bare = pd.read_parquet(folder / "cycles/00/labels.parquet")["label"].to_numpy()
    identity = run.identity[run.train]
    epochs = pd.read_csv(folder / "plots/epochs.csv")
    for epoch, row in epochs.iterrows():
        for ending, labels in (("_raw", bare), ("", method.trained_on[epoch])):
            quality = clustering_quality(labels, identity)
            for name in ("ARI", "pairwise_precision", "pairwise_recall"):
                assert row[name + ending] == pytest.approx(quality[name])
    first, second = reports(folder)[1:]
    assert first["ARI_before"] == first["ARI_raw"] == reports(folder)[0]["ARI"]
    assert first["ARI_after"] == pytest.approx(epochs["ARI"][0])
    assert second["ARI_before"] == first["ARI"] and second["ARI_after"] == pytest.approx(epochs["ARI"][2])
    assert first["ARI_before"] < first["ARI_after"]


def test_the_untrained_model_stands_beside_the_last_one(ready, uninterrupted):
    told = json.loads((uninterrupted / "metrics.json").read_text())
    first = reports(uninterrupted)[0]
    for name in ("mAP", "mINP", "top1", "BAKS", "AUC_ROC", "ARI"):
        assert told[f"untrained.{name}"] == first[name]


def test_answers_raise_the_quality_of_pseudo_labels(ready):
    ready.engine({"sampler": "none"}, name="none").execute()
    ready.engine({"active": {"budget": 60}}, name="aas").execute()
    none, aas = (reports(ready.folder / name)[-1]["ARI"] for name in ("none", "aas"))
    assert aas > none + 0.05


@pytest.mark.parametrize("epoch", range(4))
def test_interrupted_after_any_epoch_it_ends_with_the_same_numbers(ready, uninterrupted, epoch):
    class Stops:
        @hookimpl
        def aas_epoch_finished(self, run, report):
            if report["epoch"] == epoch:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ready.engine(name="broken", observers=(Stops(),)).execute()
    assert ready.engine(name="broken", resume=True).execute() == "finished"
    assert reports(ready.folder / "broken") == reports(uninterrupted)
    assert answers(ready.folder / "broken") == answers(uninterrupted)


def test_a_finished_run_resumed_stays_as_it_is(ready):
    ready.engine().execute()
    before = reports(ready.folder / "run")
    assert ready.engine(resume=True).execute() == "finished"
    assert reports(ready.folder / "run") == before


def test_people_may_take_their_time(ready):
    class Slow:
        def __init__(self, options):
            pass

        @hookimpl
        def aas_answer(self, run, question):
            if len(run.active.log.answers()) >= patience:
                return None
            rows = run.train[[question.u, question.v]]
            return "same" if run.identity[rows[0]] == run.identity[rows[1]] else "different"

    slow = {"oracle": "slow"}
    patience = 5
    assert ready.engine(slow, components=[("oracle", "slow", Slow)]).execute() == "waiting"
    assert len((ready.folder / "run" / "pending.jsonl").read_text().splitlines()) > 0
    assert len(answers(ready.folder / "run")) == 5
    patience = 10_000
    assert ready.engine(slow, components=[("oracle", "slow", Slow)], resume=True).execute() == "finished"
    ready.engine(name="labels").execute()
    assert answers(ready.folder / "run") == answers(ready.folder / "labels")
    # What answers did is told of all of a cycle's, however many sessions they took.
    assert reports(ready.folder / "run") == reports(ready.folder / "labels")


def test_resume_refuses_another_configuration_and_other_data(ready):
    ready.engine().execute()
    with pytest.raises(AasError, match=r"seed: 0 -> 1"):
        ready.engine({"seed": 1}, resume=True)
    with pytest.raises(AasError, match="holds no run"):
        ready.engine(name="absent", resume=True)
    with pytest.raises(AasError, match="holds a run already"):
        ready.engine()


def test_a_damaged_newest_checkpoint_is_passed_over(ready, uninterrupted):
    class Stops:
        @hookimpl
        def aas_epoch_finished(self, run, report):
            if report["epoch"] == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ready.engine(observers=(Stops(),)).execute()
    newest = max((ready.folder / "run" / "checkpoints").glob("*.pt"))
    newest.write_bytes(newest.read_bytes()[:100])
    ready.engine(resume=True).execute()
    assert reports(ready.folder / "run") == reports(uninterrupted)


def test_a_method_that_finds_no_cluster_goes_on(ready):
    assert ready.engine({"clustering": {"min_samples": 500}}).execute() == "finished"


# Epochs are so long that a kill between two of them always comes before the end.
FLAGS = [
    "dataset.individuals=10", "dataset.photos=6", "dataset.size=48", "training.epochs=4", "training.iterations=80",
    "training.batch_size=8", "training.height=48", "training.width=48", "active.every=2", "active.cycles=2",
    "active.budget=12", "tracking.mlflow=false", "device=cpu",
    "backbone=tiny",
]  # fmt: skip
TINY = ["-p", "aas_plugin.testing.backbone"]


def flags(drawn, name):
    sets = [part for flag in (*FLAGS, f"dataset.path={drawn}") for part in ("--set", flag)]
    return ["run", *TINY, *sets, "--run-name", name]


@pytest.fixture(scope="module")
def unkilled(tmp_path_factory, drawn):
    folder = tmp_path_factory.mktemp("unkilled")
    command = [sys.executable, "-m", "aas_plugin", *flags(drawn, "unkilled")]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "runs" / "unkilled"


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


MOMENTS = {
    "while answers come in": lambda run: len(lines(run / "answers.jsonl")) >= 3,
    "in the first epoch": lambda run: lines(run / "answers.jsonl") and not (run / "pending.jsonl").exists(),
    "between two epochs": lambda run: any(run.glob("checkpoints/epoch-0001.pt*")),
}


@pytest.mark.parametrize(
    "moment",
    ["while answers come in", *(pytest.param(moment, marks=pytest.mark.nightly) for moment in list(MOMENTS)[1:])],
)
def test_killed_with_signal_9_a_real_run_ends_with_the_same_numbers(tmp_path, drawn, unkilled, moment, aas):
    broken = tmp_path / "runs" / "broken"
    command = [sys.executable, "-m", "aas_plugin", *flags(drawn, "broken")]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    while not MOMENTS[moment](broken) and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    before = [line for line in lines(broken / "answers.jsonl") if line.endswith("}")]
    assert before
    resume = ["run", *TINY, "--resume", "--run-name", "broken"]
    if moment == "between two epochs":
        # Once in a new process, as after a power cut; the others save the imports.
        subprocess.run([sys.executable, "-m", "aas_plugin", *resume], cwd=tmp_path, check=True, capture_output=True)
    else:
        aas(*resume)
    assert lines(broken / "answers.jsonl")[: len(before)] == before
    assert reports(broken) == reports(unkilled)
    assert answers(broken) == answers(unkilled)
    assert len({row[:2] for row in answers(broken)}) == len(answers(broken))
