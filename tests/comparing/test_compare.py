"""`aas compare`: real runs, each in a process of its own, that go on where they were."""

import json

import pytest

SMALL = [
    "dataset.individuals=8", "dataset.photos=4", "dataset.size=32", "training.epochs=2", "training.iterations=1",
    "training.batch_size=8", "training.instances=2", "training.height=32", "training.width=32", "active.every=1",
    "active.cycles=2", "active.budget=5", "backbone=tiny", "tracking.mlflow=false",
]  # fmt: skip


@pytest.fixture
def compare(aas, drawn):
    sets = [part for flag in (*SMALL, f"dataset.path={drawn}") for part in ("--set", flag)]
    given = ["compare", "-p", "aas_plugin.testing.backbone", *sets]
    return lambda *arguments, status=0: aas(*given, *arguments, status=status)


def test_it_goes_on_where_it_was_and_ends_in_a_report(compare, tmp_path):
    assert "1 of 1 runs done" in compare("--samplers", "none", "--seeds", "0")
    first = tmp_path / "runs" / "compare-coats-spcl-none-np3-0"
    before = (first / "metrics.json").stat().st_mtime_ns
    asked = ["--samplers", "none,random", "--seeds", "0"]
    assert "2 of 2 runs done" in compare(*asked, "-o", "page.html")
    assert (first / "metrics.json").stat().st_mtime_ns == before
    assert "At equal questions" in (tmp_path / "page.md").read_text()
    random = tmp_path / "runs" / "compare-coats-spcl-random-np3-0"
    whole = json.loads((random / "metrics.json").read_text())
    # As if it had been killed at the very end.
    (random / "metrics.json").unlink()
    assert "2 of 2 runs done" in compare(*asked, "-o", "page.html")
    assert json.loads((random / "metrics.json").read_text())["mAP"] == whole["mAP"]
    wrong = compare(*asked, "--set", "training.epochs=3", status=2)
    assert "training.epochs: 2 -> 3" in wrong and "--name" in wrong


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--samplers", "ass"], "did you mean"),
        (["--adapters", "spcl,splc"], "did you mean 'spcl'"),
        (["--seeds", "a"], "write whole numbers"),
        (["--name", "a/b"], "--name 'a/b' must be the name of a folder"),
        (["-o", "x.txt"], "HTML file"),
    ],
)
def test_what_is_wrong_is_told_before_anything_runs(compare, tmp_path, arguments, words):
    assert words in " ".join(compare(*arguments, status=2).split())
    assert not (tmp_path / "runs").exists()
