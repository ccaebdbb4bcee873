"""The guide in adapters/README.md is the example, and the example is found once it is installed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent.parent / "example_adapter"
GUIDE = Path(__file__).parents[2] / "adapters" / "README.md"
BLOCKS = dict(
    re.findall(r"^`([\w./]+)`\n\n```\w+\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
)


@pytest.mark.parametrize("file", BLOCKS)
def test_the_guide_shows_the_files_as_they_are(file):
    assert BLOCKS[file] == (EXAMPLE / file).read_text(encoding="utf-8")


def test_the_guide_shows_the_whole_example_which_is_short():
    shown = {EXAMPLE / name for name in BLOCKS}
    assert shown == {*EXAMPLE.rglob("*.py"), EXAMPLE / "pyproject.toml"}
    lines = sum(len(path.read_text().splitlines()) for path in (EXAMPLE / "agglomerative_triplet").glob("*.py"))
    assert lines < 80
    assert f"in {lines} lines" in GUIDE.read_text(encoding="utf-8")


@pytest.mark.nightly
def test_once_installed_it_is_listed_and_runs(tmp_path):
    site, source = tmp_path / "site", tmp_path / "source"
    for name in BLOCKS:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(BLOCKS[name], encoding="utf-8")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, source]
    subprocess.run(install, check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(site)}

    def aas(*arguments):
        command = [sys.executable, "-m", "aas_plugin", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True).stdout

    row = next(row for row in json.loads(aas("plugins", "--json")) if row["name"] == "agglomerative-triplet")
    assert row["components"] == ["adapter agglomerative-triplet"]
    assert row["from"] == "agglomerative_triplet (agglomerative-triplet 1.0)"
    asked_for = json.loads(aas("plugins", "--json", "-p", "agglomerative_triplet"))
    assert [other["name"] for other in asked_for].count("agglomerative-triplet") == 1
    small = [
        "dataset.individuals=6", "dataset.photos=4", "dataset.size=48", "training.epochs=1", "training.iterations=1",
        "training.batch_size=16", "training.instances=4", "training.height=48", "training.width=48", "active.every=1",
        "tracking.mlflow=false",
    ]  # fmt: skip
    shown = aas("run", "--adapter", "agglomerative-triplet", *(part for s in small for part in ("--set", s)))
    assert "Done in" in shown
