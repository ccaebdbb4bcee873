"""Files are whole or as they were, also when the disk is full."""

import contextlib
import resource

import pytest
import torch

from aas_plugin.errors import AasError
from aas_plugin.files import write_json, write_text
from aas_plugin.runs.checkpoint import load_checkpoint, save_checkpoint


@contextlib.contextmanager
def nearly_full_disk(room: int):
    """No file can grow beyond `room` bytes, as if the disk were full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path):
    save_checkpoint(tmp_path, 0, {"weights": torch.zeros(100_000)})
    with nearly_full_disk(50_000), pytest.raises(AasError, match=r"epoch-0001\.pt.*disk is full.*--resume"):
        save_checkpoint(tmp_path, 1, {"weights": torch.ones(100_000)})
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-0000.pt"]
    state = load_checkpoint(tmp_path, "cpu")
    assert state["epoch"] == 0
    assert torch.equal(state["weights"], torch.zeros(100_000))


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "report.json"
    write_json(path, {"mAP": 0.5})
    old = path.read_bytes()
    with nearly_full_disk(1000), pytest.raises(AasError, match=r"report\.json.*disk is full"):
        write_text(path, "x" * 2000)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_a_half_written_checkpoint_falls_back_to_the_one_before(tmp_path):
    for epoch in range(2):
        save_checkpoint(tmp_path, epoch, {"weights": torch.full((1000,), float(epoch))})
    newest = tmp_path / "epoch-0001.pt"
    newest.write_bytes(newest.read_bytes()[:500])
    assert load_checkpoint(tmp_path, "cpu")["epoch"] == 0
    (tmp_path / "epoch-0000.pt").write_bytes(b"")
    with pytest.raises(AasError, match=r"epoch-0001\.pt"):
        load_checkpoint(tmp_path, "cpu")
