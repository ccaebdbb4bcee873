"""The command line in processes of their own, to which something happens: killed, out of room, on a broken disk.

A server process imports all that takes seconds once; each call is a fork of it.
"""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import resource
import signal
import sys
import traceback
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path

FULL = os.environ.get("AAS_FAULTS") == "full"
"""Whether everything is tried, which takes an hour, and not a handful of each kind."""

TINY = [
    "dataset.individuals=10", "dataset.photos=6", "dataset.size=48", "training.epochs=3", "training.iterations=2",
    "training.batch_size=8", "training.height=48", "training.width=48", "active.every=2", "active.cycles=2",
    "active.budget=8", "active.rounds=2", "tracking.mlflow=false", "device=cpu", "backbone=tiny", "oracle=witness",
]  # fmt: skip
MODULES = ["-p", "aas_plugin.testing.backbone", "-p", "witness"]
HERE = Path(__file__).parent
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["faulty", "preloaded"])


@dataclass(frozen=True)
class Ended:
    """How a process ended: exit status, negative for a signal, what it said, and the moments that it went through."""

    status: int
    said: str
    moments: list[str]


@dataclass(frozen=True)
class Nothing:
    """No fault; moments are noted."""

    def at(self, number: int, moment: str, path: str) -> None:
        """Called before anything is done to a file, and before a file is flushed to the disk."""


@dataclass(frozen=True)
class Kill(Nothing):
    """SIGKILL just before the moment of a number, from 0."""

    number: int

    def at(self, number, moment, path):
        if number == self.number:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class KillAfter(Nothing):
    """SIGKILL after some seconds of work, wherever the process is by then."""

    seconds: float

    def begin(self):
        signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, self.seconds)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


@dataclass(frozen=True)
class Tear(Nothing):
    """Killed in the middle of a write, by the kernel: some bytes into what the moment's file is given."""

    number: int
    kept: int

    def at(self, number, moment, path):
        if number == self.number:
            size = os.path.getsize(path) if os.path.exists(path) else 0
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + self.kept, resource.RLIM_INFINITY))


@dataclass(frozen=True)
class NoRoom(Nothing):
    """From the moment of a number on no file grows beyond some bytes: the kernel says so in the middle of a write."""

    number: int
    kept: int = 20

    def at(self, number, moment, path):
        if number == self.number:
            size = os.path.getsize(path) if os.path.exists(path) else 0
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + self.kept, resource.RLIM_INFINITY))


@dataclass(frozen=True)
class Broken(Nothing):
    """From the moment of a number on, the disk takes nothing any more."""

    number: int
    code: int = errno.EROFS

    def at(self, number, moment, path):
        if number >= self.number:
            raise OSError(self.code, os.strerror(self.code), path)


def aas(folder: Path, *arguments: object, fault: Nothing = Nothing(), seconds: float = 120) -> Ended:
    """The command line in a folder, in a process of its own.

    Raises:
        TimeoutError: it takes longer than some seconds.
    """
    _serve()
    # Through pipes, which a limit on the size of files does not hold.
    given = [str(one) for one in arguments]
    (said, say), (noted, note) = CONTEXT.Pipe(False), CONTEXT.Pipe(False)
    process = CONTEXT.Process(target=_child, args=(folder, given, fault, say, note, dict(os.environ)))
    process.start()
    say.close()
    note.close()
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutError(f"aas {' '.join(map(str, arguments))} hangs:\n{_all_of(said)}")
    return Ended(process.exitcode, _all_of(said), _all_of(noted).splitlines())


def begin(folder: Path, drawn: Path, *more: object, fault: Nothing = Nothing(), name: str = "run") -> Ended:
    """`aas run`, new, as small as can be."""
    sets = [part for flag in (f"dataset.path={drawn}", *TINY) for part in ("--set", flag)]
    return aas(folder, "run", *MODULES, *sets, "--run-name", name, *more, fault=fault)


def resume(folder: Path, *more: object, fault: Nothing = Nothing(), name: str = "run") -> Ended:
    """`aas run --resume`; `aas run` anew where nothing says yet that there is a run."""
    return aas(folder, "run", *MODULES, "--resume", "--run-name", name, *more, fault=fault)


def _serve() -> None:
    """Start the server, which imports by the path that is in its environment, whatever that of this process is."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), str(HERE.parents[1]), *filter(None, [before])])
    try:
        forkserver.ensure_running()
    finally:
        del os.environ["PYTHONPATH"]
        os.environ.update({"PYTHONPATH": before} if before is not None else {})


def _all_of(pipe: Connection) -> str:
    with open(pipe.fileno(), closefd=False, encoding="utf-8") as file:
        return file.read()


def _child(
    folder: Path, arguments: list[str], fault: Nothing, say: Connection, note: Connection, environment: dict[str, str]
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    os.dup2(say.fileno(), 1)
    os.dup2(say.fileno(), 2)
    say.close()
    sys.stdout = open(1, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
    _watch(str(folder), fault, note.fileno())
    getattr(fault, "begin", lambda: None)()
    from aas_plugin.cli import main

    sys.argv = ["aas", *arguments]
    status = 0
    try:
        main()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _watch(folder: str, fault: Nothing, noted: int) -> None:
    """Tell the fault of every moment at which a file of the folder is about to change or to be on the disk."""
    count = [0]

    def moment(kind: str, path: object) -> None:
        path = os.path.abspath(os.fsdecode(path))
        if path.startswith(folder + "/") and "__pycache__" not in path:
            number, count[0] = count[0], count[0] + 1
            os.write(noted, f"{kind} {path[len(folder) + 1 :]}\n".encode())
            fault.at(number, kind, path)

    def hook(event: str, arguments: tuple) -> None:
        if event == "open" and not isinstance(arguments[0], int):
            if (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                moment("open", arguments[0])
        elif event == "os.rename":
            moment("rename", arguments[1])
        elif event == "os.mkdir" and not os.path.exists(arguments[0]):
            moment("mkdir", arguments[0])
        elif event == "os.remove" and os.path.exists(arguments[0]):
            moment("remove", arguments[0])

    real = os.fsync

    def fsync(handle: int) -> None:
        moment("fsync", os.readlink(f"/proc/self/fd/{handle}"))
        real(handle)

    os.fsync = fsync
    sys.addaudithook(hook)


def left_by(run: Path) -> dict[str, object]:
    """What a run leaves that another one must leave, too: all but times, ids and whatever depends on them."""
    import pandas as pd
    import torch

    def numbers(path: Path) -> object:
        return {key: value for key, value in json.loads(path.read_text()).items() if "seconds" not in key}

    found: dict[str, object] = {"answers": answers_in(run)}
    for path in sorted(run.glob("cycles/*/report.json")):
        report = numbers(path)
        report.pop("set_aside_answers", None)
        found[f"{path.parent.name} report"] = report
    for path in sorted(run.glob("cycles/*/*.parquet")):
        table = pd.read_parquet(path)
        found[f"{path.parent.name} {path.name}"] = (table.to_csv(), dict(table.attrs))
    for name in ("metrics.json", "protocol.json", "run.json"):
        found[name] = numbers(run / name)
    found["config"] = (run / "config.yaml").read_text()
    found["plot"] = (run / "plots" / "cycles.csv").read_text()
    epochs = pd.read_csv(run / "plots" / "epochs.csv")
    found["epochs"] = epochs.drop(columns="seconds").to_csv()
    for name in ("epoch-0002.pt", "epoch-0001.pt"):
        state = torch.load(run / "checkpoints" / name, weights_only=True)["adapter"]
        found[name] = sorted((key, str(value)) for key, value in _flat(state))
    return found


def answers_in(run: Path) -> list[tuple]:
    """The answers of a run's log, in order, without ids and times; none twice."""
    path = run / "answers.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    found = [(row["a"], row["b"], row["decision"], row["cycle"], row["kind"], row["hash_a"]) for row in rows]
    assert len({row[:2] for row in found}) == len(found)
    return found


def whole_lines(path: Path) -> list[str]:
    """The lines of a file that are whole."""
    text = path.read_text() if path.exists() else ""
    return text[: text.rfind("\n") + 1].splitlines()


def _flat(tree: object, path: str = ""):
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _flat(value, f"{path}.{key}")
    elif isinstance(tree, (list, tuple)):
        for place, value in enumerate(tree):
            yield from _flat(value, f"{path}.{place}")
    else:
        yield path, tree.tolist() if hasattr(tree, "tolist") else tree


def same(run: Path, other: dict[str, object]) -> None:
    """Assert that a run ended as another one did; names what differs."""
    mine = left_by(run)
    assert mine.keys() == other.keys()
    for name, value in mine.items():
        assert value == other[name], name
