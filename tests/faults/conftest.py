"""What the tests of faults share: data that are drawn once, and runs that nothing happened to."""

from pathlib import Path

import faulty
import pytest


@pytest.fixture(scope="session")
def unharmed(tmp_path_factory, drawn) -> tuple[dict, list[str]]:
    """What a run leaves that nothing happened to, and the moments that it goes through."""
    folder = tmp_path_factory.mktemp("unharmed")
    ended = faulty.begin(folder, drawn)
    assert ended.status == 0, ended.said
    return faulty.left_by(folder / "runs" / "run"), ended.moments


@pytest.fixture
def place(tmp_path) -> Path:
    """The folder that a test's runs lie in."""
    return tmp_path
