"""Where the runs of a project's DVC experiments lie, in real Git and DVC repositories."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aas_plugin.runs.folder import project_root

STAGE = """
import sys
import time
from pathlib import Path
from aas_plugin.runs.folder import lock, runs_folder

folder = runs_folder() / Path("name.txt").read_text().strip()
with lock(folder):
    (folder / "answers.jsonl").write_text(str(Path.cwd()))
Path("out.txt").write_text("done")
"""
DVC_YAML = f"""stages:
  run:
    cmd: "{sys.executable} stage.py"
    deps: [name.txt]
    outs: [out.txt]
"""


def project(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name, text in (("stage.py", STAGE), ("dvc.yaml", DVC_YAML), (".gitignore", "runs\n"), ("name.txt", "first")):
        (folder / name).write_text(text)
    return folder


def call(folder: Path, *command: str) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DVC_")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment |= {"DVC_NO_ANALYTICS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    environment |= {f"GIT_{who}_{what}": "a" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def dvc(folder: Path, *command: str) -> str:
    return call(folder, sys.executable, "-m", "dvc", *command)


def runs_below(folder: Path) -> set[str]:
    return {path.parent.relative_to(folder).as_posix() for path in folder.rglob("runs/*/answers.jsonl")}


def commit(folder: Path, subdir: str = "") -> None:
    call(folder, "git", "init", "-q")
    dvc(folder / subdir, "init", "-q", *(["--subdir"] if subdir else []))
    call(folder, "git", "add", "-A")
    call(folder, "git", "commit", "-qm", "a")


def test_of_two_projects_under_one_dvc_each_keeps_the_runs_of_its_experiments(tmp_path):
    mono = tmp_path / "mono"
    reid, other = project(mono / "reid"), project(mono / "deep" / "other")
    commit(mono)
    (reid / "name.txt").write_text("second")
    dvc(reid, "exp", "run", "--temp", "-q")
    (other / "name.txt").write_text("third")
    dvc(mono, "exp", "run", "--temp", "-q", "deep/other/dvc.yaml:run")
    assert runs_below(mono) == {"reid/runs/second", "deep/other/runs/third"}
    # They were at work in copies that are gone.
    for folder in (reid / "runs" / "second", other / "runs" / "third"):
        where = Path((folder / "answers.jsonl").read_text())
        assert "standalone" in where.parts and not where.exists()


@pytest.mark.nightly
def test_dvc_in_a_folder_of_a_repository_that_is_reached_by_a_link(tmp_path):
    mono, link = tmp_path / "mono", tmp_path / "link"
    project(mono / "reid")
    commit(mono, "reid")
    link.symlink_to(mono)
    (mono / "reid" / "name.txt").write_text("second")
    dvc(link / "reid", "exp", "run", "--temp", "-q")
    assert runs_below(mono) == {"reid/runs/second"}


@pytest.mark.nightly
def test_queued_experiments_in_a_worktree(tmp_path):
    mono, tree = tmp_path / "mono", tmp_path / "tree"
    project(mono / "reid")
    commit(mono)
    call(mono, "git", "worktree", "add", "-q", str(tree))
    for name in ("second", "third"):
        (tree / "reid" / "name.txt").write_text(name)
        dvc(tree / "reid", "exp", "run", "--queue", "-q")
    dvc(tree / "reid", "queue", "start", "-j", "2")
    deadline = time.monotonic() + 100
    while "Running" in (told := dvc(tree, "queue", "status")) or "Queued" in told:
        assert time.monotonic() < deadline, told
        time.sleep(1)
    assert runs_below(mono) == set()
    assert runs_below(tree) == {"reid/runs/second", "reid/runs/third"}


@pytest.mark.parametrize(
    ("dvc_at", "git_at", "place", "root"),
    [
        ("", "", ".dvc/tmp/exps/tmpabc", ""),
        ("", "", ".dvc/tmp/exps/tmpabc/reid", "reid"),
        ("", "", ".dvc/tmp/exps/standalone/tmpabc/reid/deep", "reid/deep"),
        ("reid", "", "reid/.dvc/tmp/exps/standalone/tmpabc/reid", "reid"),
        ("reid", "", "reid/.dvc/tmp/exps/tmpabc/reid/tmp", "reid/tmp"),
        ("reid", "reid", "reid/.dvc/tmp/exps/tmpabc", "reid"),
        ("", "", ".dvc/tmp/exps/tmpabc/reid/.dvc/tmp/exps/standalone/tmpdef/reid", "reid"),
    ],
)
def test_a_scratch_copy_belongs_to_the_folder_that_it_copies(tmp_path, dvc_at, git_at, place, root):
    for folder in (tmp_path / dvc_at / ".dvc", tmp_path / git_at / ".git", tmp_path / place):
        folder.mkdir(parents=True, exist_ok=True)
    assert project_root(tmp_path / place) == tmp_path / root


@pytest.mark.parametrize("place", ["", "runs", ".dvc/tmp", ".dvc/tmp/exps", "tmp/exps/tmpabc", "exps/tmpabc"])
def test_every_other_folder_is_its_own(tmp_path, place):
    (tmp_path / ".dvc").mkdir()
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    assert project_root(tmp_path / place) == tmp_path / place
