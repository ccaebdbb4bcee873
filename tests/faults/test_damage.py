"""A damaged file is refused in a sentence, or gives what it gave: never another error, a hang, or lost answers."""

import json
import os
import random
import resource
import signal
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path

import faulty
import numpy as np
import pandas as pd
import pytest
import torch
from faulty import FULL

from aas_plugin.active import begun, proposals, rounds
from aas_plugin.constraints.answers import Answer, AnswerLog
from aas_plugin.constraints.matching_images import Images
from aas_plugin.constraints.pending import Pending, read_pending
from aas_plugin.constraints.sets import from_log, read_set, write_set
from aas_plugin.data.archive import pack, unpack
from aas_plugin.data.catalogue import content_hashes
from aas_plugin.data.pieces import Pieces
from aas_plugin.data.sources import FolderOptions, folder
from aas_plugin.errors import AasError
from aas_plugin.evaluation.protocol_file import read_protocol
from aas_plugin.files import read_json, read_table, write_json_lines, write_table
from aas_plugin.models.portable import open_model
from aas_plugin.plugins.manager import load_plugins
from aas_plugin.runs.checkpoint import load_checkpoint
from aas_plugin.runs.folder import saved_settings, saved_state
from aas_plugin.settings.resolving import resolve
from aas_plugin.simulation.reading import read_features

pytestmark = pytest.mark.faults

TIMES = 800 if FULL else 40
MEMORY = 4 * 2**30
SECONDS = 20


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Bits turned, an end cut off, bytes put in, two parts exchanged, zeros as after a power cut, or a part twice."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 3))):
        start = rng.randrange(len(data) + 1)
        end = min(len(data), start + rng.choice((1, 2, 16, 200)))
        kind = rng.choice(("bit", "cut", "insert", "swap", "zeros", "twice", "drop"))
        if kind == "bit" and data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        elif kind == "cut":
            del data[start:]
        elif kind == "insert":
            data[start:start] = rng.choice((rng.randbytes(rng.randrange(1, 40)), b"\n", b"[", b"{", b"999999999999"))
        elif kind == "swap":
            other = rng.randrange(len(data) + 1)
            length = end - start
            data[start:end], data[other : other + length] = data[other : other + length], data[start:end]
        elif kind == "zeros":
            data[start:end] = bytes(end - start)
        elif kind == "twice":
            data[start:start] = data[start:end]
        else:
            del data[start:end]
    return bytes(data)


@contextmanager
def bounded():
    """Little memory beyond what there is, and little time."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)

    def hangs(*_):
        raise TimeoutError("it hangs")

    signal.signal(signal.SIGALRM, hangs)
    signal.alarm(SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
        signal.alarm(0)


def attack(path: Path, read, equal=None, times: int = TIMES, before=lambda: None) -> dict[str, int]:
    """Damage a file again and again; gives how often it was refused, and how often it was read.

    Args:
        path: a whole file.
        read: reads it.
        equal: whether what was read may be taken, given the damaged content.
        times: how often.
        before: called before each reading.
    """
    whole, found = path.read_bytes(), {"refused": 0, "read": 0}
    for seed in range(times):
        content = mutated(whole, random.Random(seed))
        if content == whole:
            continue
        path.write_bytes(content)
        before()
        with bounded(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                value = read()
            except AasError as error:
                assert str(error).strip(), seed
                found["refused"] += 1
                continue
            except Exception as error:
                raise AssertionError(f"damage {seed} of {path.name}: {error!r}") from error
        found["read"] += 1
        if equal is not None:
            assert equal(value, content), f"damage {seed} of {path.name} gave something else"
    path.write_bytes(whole)
    read()
    return found


@pytest.fixture(scope="session")
def run(tmp_path_factory, drawn):
    """A finished run, whose files are damaged."""
    place = tmp_path_factory.mktemp("damaged")
    ended = faulty.begin(place, drawn)
    assert ended.status == 0, ended.said
    return place / "runs" / "run"


@pytest.fixture
def own(run, tmp_path):
    """A file of the run, in the test's folder."""

    def copy(name: str) -> Path:
        path = tmp_path / Path(name).name
        path.write_bytes((run / name).read_bytes())
        return path

    return copy


def test_answers(own, tmp_path):
    path = own("answers.jsonl")
    beside = path.with_name("answers.jsonl.damaged")
    given = {one.id: one for one in AnswerLog(path).answers()}

    def taken(answers: list[Answer], content: bytes) -> bool:
        """Each line that is untouched gives the answer that it gave, and what is in no answer lies beside."""
        kept = {line for line in content.split(b"\n") if line in whole}
        found = {one.id: one for one in answers}
        lines = [json.loads(line)["id"] for line in kept]
        left = beside.read_bytes() if beside.exists() else b""
        assert all(found.get(name) == given[name] for name in lines)
        return path.read_bytes().split() + left.split() == content.split()

    whole = set(path.read_bytes().split(b"\n")) - {b""}
    attack(path, lambda: AnswerLog(path).answers(), taken, before=lambda: beside.unlink(missing_ok=True))


def test_a_damaged_log_stays_as_it_is(own):
    path = own("answers.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2][:40] + lines[2][60:]
    path.write_bytes(b"".join(lines))
    with pytest.raises(AasError, match=r"Line 3 of .* is not a record"):
        AnswerLog(path)
    assert path.read_bytes() == b"".join(lines)


@pytest.mark.parametrize("ending", ("csv", "parquet"))
def test_constraint_sets(run, tmp_path, ending):
    path = tmp_path / f"set.{ending}"
    write_set(path, from_log(run))
    attack(path, lambda: read_set(path))


def test_proposals(own, run):
    path = own("cycles/01/proposal.parquet")
    table = read_table(path)
    names = sorted({*table["path_u"], *table["path_v"]})
    index = {name: place for place, name in enumerate(names)}

    def read():
        found = proposals.read_again(path, index)
        return found if found is None else (rounds.is_complete(found), proposals.questions_of(found, 1, index))

    pairs = [set(pair) for pair in zip(table["path_u"], table["path_v"], strict=True)]
    attack(path, read, lambda found, _: found is None or [set(one.paths) for one in found[1]] == pairs)


def test_pending(tmp_path):
    path = tmp_path / "pending.jsonl"
    rows = [{"a": f"{n}.jpg", "b": f"{n + 1}.jpg", "kind": "over", "cycle": 1, "linkage": 0.5} for n in range(9)]
    write_json_lines(path, rows)
    attack(path, lambda: read_pending(tmp_path), lambda found, _: all(isinstance(one, Pending) for one in found))


def test_checkpoints(own, run, tmp_path):
    place = tmp_path / "checkpoints"
    place.mkdir()
    path = place / "epoch-0002.pt"
    path.write_bytes((run / "checkpoints" / "epoch-0002.pt").read_bytes())

    def tensors(state):
        return [(name, value) for name, value in faulty._flat(state)]

    whole = tensors(load_checkpoint(place, "cpu"))
    attack(path, lambda: load_checkpoint(place, "cpu"), lambda state, _: tensors(state) == whole, times=TIMES // 2)


def test_models(own, tmp_path):
    path = own("model.pt")
    images = torch.arange(2 * 3 * 48 * 48).reshape(2, 3, 48, 48) % 256

    def embed():
        return open_model(str(path), tmp_path, "sqlite:///none.db")(images)

    whole = embed()
    attack(path, embed, lambda found, _: torch.equal(found, whole), times=TIMES // 2)


class Gadget:
    """What a stranger's file may hold: unpickled, it runs a command."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (os.system, (f"touch {self.target}",))


class Ours(torch.nn.Module):
    def __init__(self, inside):
        super().__init__()
        self.inside = inside


@pytest.mark.parametrize("hidden", (False, True), ids=["bare", "inside a layer"])
def test_a_model_runs_no_code(tmp_path, hidden):
    gadget = Gadget(tmp_path / "evil")
    torch.save(Ours(gadget) if hidden else gadget, tmp_path / "model.pt")
    with pytest.raises(AasError, match=r"system, which is no layer"):
        open_model(str(tmp_path / "model.pt"), tmp_path, "sqlite:///none.db")
    torch.save(gadget, tmp_path / "epoch-0000.pt")
    with pytest.raises(AasError, match="no checkpoint can be read"):
        load_checkpoint(tmp_path, "cpu")
    assert not (tmp_path / "evil").exists()


def test_settings(own, tmp_path):
    path = own("config.yaml")
    plugins = load_plugins(["aas_plugin.testing.backbone", "witness"])
    attack(path, lambda: resolve(plugins, [saved_settings(tmp_path)]), times=TIMES // 2)


def test_protocols(own):
    path = own("protocol.json")
    attack(path, lambda: read_protocol(path))


def test_state(own, tmp_path):
    path = own("run.json")
    attack(path, lambda: saved_state(tmp_path))
    path = own("cycles/01/report.json")
    attack(path, lambda: read_json(path, "restore it"))
    path = own("begun.json")
    given = json.loads(path.read_text())
    (tmp_path / "cycles" / "01").mkdir(parents=True)
    (tmp_path / "cycles" / "01" / "proposal.parquet").write_bytes(b"")
    whole = path.read_bytes()
    attack(path, lambda: begun.enter(tmp_path, given, None, Images(["a.jpg", "b.jpg"])))
    path.write_bytes(whole)


@pytest.mark.parametrize("ending", ("parquet", "npz", "npy"))
def test_features(tmp_path, ending):
    path = tmp_path / f"features.{ending}"
    features = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)
    if ending == "parquet":
        paths = [f"{n}.jpg" for n in range(20)]
        write_table(path, pd.DataFrame({"path": paths, "embedding": pd.Series(list(features), dtype=object)}))
    elif ending == "npz":
        np.savez(path, features=features, labels=np.arange(20) % 5)
    else:
        np.save(path, features)
    attack(path, lambda: read_features(path))


def test_cache(tmp_path):
    pieces = Pieces(tmp_path, "key", "features")
    features = np.random.default_rng(0).normal(size=(9, 8)).astype(np.float32)
    pieces.add("one", hashes=np.array([f"{n:016x}" for n in range(9)]), features=features)

    def read():
        return pieces.read_one("one", ("hashes", "features"))

    attack(
        pieces.folder / "one.npz", read, lambda found, _: found is None or np.array_equal(found["features"], features)
    )


def test_archives(tmp_path, drawn):
    photos = tmp_path / "photos"
    photos.mkdir()
    for path in sorted(drawn.rglob("*.jpg"))[:4]:
        (photos / path.name).write_bytes(path.read_bytes())
    whole = folder(FolderOptions(path=photos))
    pack(whole, tmp_path / "herd.tar")

    def read():
        with suppress(OSError):
            return content_hashes(unpack(tmp_path / "herd.tar"))
        return []

    # What lies in an archive has no sums; a run knows its data by their hash.
    attack(tmp_path / "herd.tar", read, times=TIMES)
    assert not list(tmp_path.glob(".unpacking-*"))
