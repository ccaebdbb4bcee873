"""Killed at any moment, a run goes on: no answer is lost, none is asked for twice, and the end is the same."""

import random
import signal

import faulty
import pytest
from faulty import FULL, Kill, KillAfter, Tear

pytestmark = pytest.mark.faults

MANY = 50 if FULL else 2
RANDOM = random.Random(0)
SHARES = sorted(RANDOM.random() for _ in range(MANY))
"""How far into a run it is killed, as a share of all moments."""

AIMED = ("answers.jsonl", "proposal.parquet", "epoch-0001.pt", "report.json", "config.yaml", "begun.json", "model.pt")
KINDS = ("open", "fsync", "rename")


def go_on(place, drawn):
    """What a user does: resume, and begin anew where there is no run yet."""
    run = place / "runs" / "run"
    if (run / "config.yaml").exists():
        return faulty.resume(place)
    return faulty.begin(place, drawn)


def check(place, drawn, unharmed, fault):
    """Kill a run, let it go on, and compare it with the one that nothing happened to."""
    killed = faulty.begin(place, drawn, fault=fault)
    assert killed.status in (-signal.SIGKILL, -signal.SIGXFSZ, -signal.SIGALRM), killed.said
    run = place / "runs" / "run"
    given = faulty.whole_lines(run / "answers.jsonl")
    asked = faulty.whole_lines(place / "asked.txt")
    # Of what was asked, the answer to the last question alone may still have been on its way to the disk.
    assert len(asked) - len(given) in (0, 1)
    ended = go_on(place, drawn)
    assert ended.status == 0, ended.said
    assert faulty.whole_lines(run / "answers.jsonl")[: len(given)] == given
    everything = (place / "asked.txt").read_text().splitlines()
    assert len(everything) - len(set(everything)) <= len(asked) - len(given)
    faulty.same(run, unharmed[0])


@pytest.mark.parametrize("share", SHARES)
def test_at_random_moments(tmp_path, drawn, unharmed, share):
    check(tmp_path, drawn, unharmed, Kill(int(share * len(unharmed[1]))))


@pytest.mark.parametrize("name", AIMED if FULL else AIMED[1:2])
@pytest.mark.parametrize("kind", KINDS if FULL else KINDS[1:2])
def test_while_a_file_is_written(tmp_path, drawn, unharmed, name, kind):
    if name == "answers.jsonl" and kind == "rename":
        pytest.skip("answers are appended")
    found = [place for place, moment in enumerate(unharmed[1]) if moment.startswith(kind) and name in moment]
    check(tmp_path, drawn, unharmed, Kill(found[len(found) // 2]))


@pytest.mark.parametrize("kept", (1, 150, 300) if FULL else (150,))
@pytest.mark.parametrize("name", AIMED[:3] if FULL else AIMED[:1])
def test_in_the_middle_of_a_write(tmp_path, drawn, unharmed, name, kept):
    found = [place for place, moment in enumerate(unharmed[1]) if moment.startswith("open") and name in moment]
    check(tmp_path, drawn, unharmed, Tear(found[len(found) // 2], kept))


@pytest.mark.skipif(not FULL, reason="AAS_FAULTS=full")
@pytest.mark.parametrize("seconds", [0.05 + RANDOM.random() for _ in range(20)])
def test_at_any_time(tmp_path, drawn, unharmed, seconds):
    check(tmp_path, drawn, unharmed, KillAfter(seconds))


@pytest.mark.parametrize("seed", range(10 if FULL else 1))
def test_again_and_again(tmp_path, drawn, unharmed, seed):
    """Killed several times on its way."""
    moments, run = random.Random(seed), tmp_path / "runs" / "run"
    ended = faulty.begin(tmp_path, drawn, fault=Kill(moments.randrange(20, len(unharmed[1]) - 1)))
    for _ in range(6 if FULL else 3):
        assert ended.status == -signal.SIGKILL, ended.said
        before = faulty.whole_lines(run / "answers.jsonl")
        ended = faulty.resume(tmp_path, fault=Kill(moments.randrange(1, 30)))
        assert faulty.whole_lines(run / "answers.jsonl")[: len(before)] == before
        if ended.status == 0:
            break
    assert faulty.resume(tmp_path).status == 0
    faulty.same(run, unharmed[0])
