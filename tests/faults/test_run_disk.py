"""A disk that is full or takes nothing any more: a sentence, and all goes on once there is room."""

import errno
import os
import shutil
import subprocess

import faulty
import pytest
from faulty import FULL, Broken, NoRoom

pytestmark = pytest.mark.faults

WRITTEN = (
    "answers.jsonl", "proposal.parquet", "epoch-0001.pt", "config.yaml", "report.json", "model.pt", "run.json",
    "begun.json", "untrained.npy", "model-untrained.pt", "protocol.json", "labels.parquet", "cycles.csv",
    "metrics.json",
)  # fmt: skip
STUCK = ("remove runs/run/pending.jsonl", "mkdir runs", "remove runs/run/checkpoints")
CODES = (errno.ENOSPC, errno.EROFS, errno.EIO)


def moments_of(moments, name, kind):
    return [place for place, moment in enumerate(moments) if moment.startswith(kind) and name in moment]


def check(place, drawn, unharmed, fault):
    """Let a disk fail a run, mend the disk, go on, and compare with the run that nothing happened to."""
    failed = faulty.begin(place, drawn, fault=fault)
    run = place / "runs" / "run"
    assert failed.status == 2, failed.said
    assert "Traceback" not in failed.said and failed.said.count("error: ") == 1, failed.said
    given = faulty.whole_lines(run / "answers.jsonl")
    ended = faulty.resume(place) if (run / "config.yaml").exists() else faulty.begin(place, drawn)
    assert ended.status == 0, ended.said
    assert faulty.whole_lines(run / "answers.jsonl")[: len(given)] == given
    faulty.same(run, unharmed[0])
    return failed.said


@pytest.mark.parametrize("name", WRITTEN if FULL else WRITTEN[2:3])
def test_full_in_the_middle_of_a_file(tmp_path, drawn, unharmed, name):
    found = moments_of(unharmed[1], name, "open")
    said = check(tmp_path, drawn, unharmed, NoRoom(found[len(found) // 2]))
    assert "disk is full" in said or "File too large" in said


@pytest.mark.parametrize("kind", ("open", "fsync", "rename") if FULL else ("open",))
@pytest.mark.parametrize("name", WRITTEN if FULL else ("answers.jsonl",))
@pytest.mark.parametrize("code", CODES if FULL else CODES[1:2], ids=errno.errorcode.get)
def test_a_disk_that_takes_nothing_from_then_on(tmp_path, drawn, unharmed, name, kind, code):
    found = moments_of(unharmed[1], name, kind)
    if not found:
        pytest.skip("answers are appended")
    check(tmp_path, drawn, unharmed, Broken(found[len(found) // 2], code))


@pytest.mark.parametrize("what", STUCK if FULL else STUCK[:1])
def test_a_disk_that_neither_makes_nor_takes_away(tmp_path, drawn, unharmed, what):
    found = [place for place, moment in enumerate(unharmed[1]) if moment.startswith(what)]
    for place in found[:1]:
        check(tmp_path, drawn, unharmed, Broken(place))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, and what gives it another size or takes its room away."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(*options):
        return subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", place], capture_output=True)

    if os.geteuid() or not shutil.which("mount") or mount("size=64m").returncode:
        pytest.skip("needs to mount a file system")
    try:
        yield place, lambda *options: mount("remount", *options)
    finally:
        subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.parametrize("room", (4, 64, 150, 250, 400, 500) if FULL else (400,))
def test_a_real_disk_that_fills_up(small_disk, drawn, unharmed, room):
    place, _ = small_disk
    with (place / "ballast").open("wb") as ballast:
        stat = os.statvfs(place)
        ballast.write(b"\0" * (stat.f_bavail * stat.f_frsize - room * 1024))
    failed = faulty.begin(place, drawn)
    assert failed.status == 2 and "Traceback" not in failed.said, failed.said
    (place / "ballast").unlink()
    run = place / "runs" / "run"
    ended = faulty.resume(place) if (run / "config.yaml").exists() else faulty.begin(place, drawn)
    assert ended.status == 0, ended.said
    faulty.same(run, unharmed[0])


def test_a_real_disk_that_can_only_be_read(small_disk, drawn, unharmed):
    place, again = small_disk
    assert faulty.begin(place, drawn).status == 0
    again("ro")
    for ended in (faulty.resume(place), faulty.begin(place, drawn, name="other")):
        assert ended.status == 2 and "Traceback" not in ended.said, ended.said
    again("rw")
    assert faulty.resume(place).status == 0
    faulty.same(place / "runs" / "run", unharmed[0])
