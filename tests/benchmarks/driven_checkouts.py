"""Drives real checkouts on the CPU: `python tests/benchmarks/driven_checkouts.py DIR`, a folder a checkout in DIR.

Prints a row a script: questions, constraints, how many were broken in a train set, how many of the script's own
breaches were repaired before that, the CPU seconds of the script with its shims alone, and those that the driver
spends beside it, with AAS and where it asks nothing, once a run and in each epoch. What the driver spends is measured
in its own functions, since two whole runs differ by more than that. The data set is a toy of 80 images.
"""

import contextlib
import io
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent.parent / "codebases"))

import pytest
from checkouts import SHAPES, arguments, write_market, write_pretrained, write_teacher
from suite import TrainSets, broken, make_driver, run_bare

from aas_plugin.codebases.recipe import commit_of

EPOCHS = 4
HANDS = ("data", "features", "cluster", "train_set", "trainer", "epoch", "evaluated", "testing", "_finish")
HEADS = ("codebase", "commit", "script", "epochs", "asked", "must", "cannot", "broken", "repaired", "script alone",
         "AAS: once + an epoch", "asking nothing: once + an epoch", "share of an epoch")  # fmt: skip


class Clock:
    """CPU seconds in a driver's functions, without those of the script that they call."""

    def __init__(self, driver):
        self.once, self.epochs = 0.0, 0.0
        for name in HANDS:
            setattr(driver, name, self._watched(name, getattr(driver, name)))

    def _watched(self, name, function):
        def watched(*arguments):
            inner = 0.0

            def timed(own):
                def call():
                    nonlocal inner
                    started = time.process_time()
                    try:
                        return own()
                    finally:
                        inner += time.process_time() - started

                return call

            theirs = [timed(argument) if callable(argument) and name in ("cluster", "epoch") else argument
                      for argument in arguments]  # fmt: skip

            started = time.process_time()
            try:
                return function(*theirs)
            finally:
                spent = time.process_time() - started - inner
                if name in ("data", "_finish"):
                    self.once += spent
                else:
                    self.epochs += spent

        return watched


def main():
    """Print the table."""
    checkouts = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        market = write_market(Path(scratch, "market"))
        os.environ["TORCH_HOME"] = str(write_pretrained(Path(scratch, "weights")))
        print("| " + " | ".join(HEADS) + " |\n|" + "---|" * len(HEADS))
        for name, shape in SHAPES.items():
            found = [folder for folder in sorted(checkouts.iterdir()) if (folder / shape.script).is_file()]
            if found:
                write_teacher(name, market, found[0])
                print("| " + " | ".join(map(str, row(name, found[0], market, Path(scratch, name)))) + " |", flush=True)


def row(name, checkout, market, folder):
    """Measure one script."""
    cells = {}
    for kind in ("bare", "asks", "silent"):
        given = arguments(name, market, folder / kind / "logs", EPOCHS)
        layer = {} if kind == "asks" else {"sampler": "none", "active": {"cycles": 0}}
        driver = make_driver(name, checkout, given, folder / kind / "run", layer)
        clock = Clock(driver)
        with contextlib.redirect_stdout(io.StringIO()), pytest.MonkeyPatch.context() as patch:
            train_sets = TrainSets(patch)
            started = time.process_time()
            if kind == "bare":
                run_bare(driver.recipe, checkout, given)
            else:
                driver.execute()
            cells[kind] = time.process_time() - started
        if kind == "asks":
            epochs = len(driver.history.epochs)
            asked = driver.history.cycles[-1]
            answers, every = driver.run.active.log.answers(), driver.settings.active.every
            wrong = sum(broken(rows, answers, epoch // every + 1) for epoch, rows in enumerate(train_sets.found))
            repaired = sum(epoch["repaired"] for epoch in driver.history.epochs)
        if kind != "bare":
            cells[kind] = f"{clock.once:.2f} + {clock.epochs / epochs:.3f} s"
            share = clock.epochs / cells["bare"]
    commit = (commit_of(checkout) or "-")[:7]
    links = (asked["must_links"], asked["cannot_links"])
    script = Path(SHAPES[name].script).name
    counts = (epochs, asked["asked_total"], *links, wrong, repaired)
    return name, commit, script, *counts, f"{cells['bare']:.1f} s", cells["asks"], cells["silent"], f"{share:.2%}"


if __name__ == "__main__":
    main()
