"""The driver on real checkouts: `AAS_CODEBASES=DIR pytest -m codebases`, DIR holding one folder a checkout."""

import os
from pathlib import Path

import pytest
from checkouts import SHAPES, write_pretrained, write_teacher
from suite import Suite

DIRECTORY = os.environ.get("AAS_CODEBASES")


@pytest.mark.codebases
@pytest.mark.skipif(DIRECTORY is None, reason="AAS_CODEBASES does not name a folder of checkouts")
class TestReal(Suite):
    @pytest.fixture(autouse=True)
    def offline(self, tmp_path_factory, monkeypatch):
        """Random weights in the place of a download."""
        monkeypatch.setenv("TORCH_HOME", str(write_pretrained(tmp_path_factory.mktemp("weights"))))

    @pytest.fixture
    def checkout(self, market):
        def give(name):
            script = SHAPES[name].script
            found = [folder for folder in sorted(Path(DIRECTORY).iterdir()) if (folder / script).is_file()]
            if not found:
                pytest.skip(f"no folder in {DIRECTORY} holds {script}")
            write_teacher(name, market, found[0])
            return found[0]

        return give
