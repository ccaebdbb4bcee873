"""Drives real checkouts on the CPU: `python tests/benchmarks/driven_checkouts.py DIR`, a folder a checkout in DIR.

Prints a row a script: questions, constraints, how many were broken in a train
set, how many of the script's own breaches were repaired before, and CPU seconds over the script
with its shims alone, first with AAS, then with a driver that asks nothing. One process, alternating, the least of
three; a toy data set, so AAS weighs more here than in a real run.
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

from aas_plugin.codebases.row import commit_of

EPOCHS = 6
REPEATS = 3
HEADS = (
    "codebase",
    "commit",
    "script",
    "epochs",
    "asked",
    "must",
    "cannot",
    "broken",
    "repaired",
    "bare",
    "with AAS",
    "asking nothing",
)


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
    least = dict.fromkeys(("bare", "asks", "silent"), float("inf"))
    for repeat in range(REPEATS):
        for kind in least:
            place = folder / f"{kind}-{repeat}"
            given = arguments(name, market, place / "logs", EPOCHS)
            layer = {} if kind == "asks" else {"sampler": "none", "active": {"cycles": 0}}
            driver = make_driver(name, checkout, given, place / "run", layer)
            started = time.process_time()
            with contextlib.redirect_stdout(io.StringIO()), pytest.MonkeyPatch.context() as patch:
                train_sets = TrainSets(patch)
                if kind == "bare":
                    run_bare(driver.row, checkout, given)
                else:
                    driver.execute()
            least[kind] = min(least[kind], time.process_time() - started)
            if kind == "asks":
                asked = driver.record.cycles[-1]
                answers, every = driver.run.active.log.answers(), driver.settings.active.every
                wrong = sum(broken(rows, answers, epoch // every + 1) for epoch, rows in enumerate(train_sets.found))
                repaired = sum(epoch["repaired"] for epoch in driver.record.epochs)
    bare = least["bare"]
    over = [f"+{least[kind] - bare:.2f} s ({(least[kind] / bare - 1):+.1%})" for kind in ("asks", "silent")]
    script = Path(SHAPES[name].script).name
    commit = (commit_of(checkout) or "-")[:7]
    links = (asked["must_links"], asked["cannot_links"])
    return (
        name,
        commit,
        script,
        len(driver.record.epochs),
        asked["asked_total"],
        *links,
        wrong,
        repaired,
        f"{bare:.1f} s",
        *over,
    )


if __name__ == "__main__":
    main()
