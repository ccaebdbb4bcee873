"""Photos of a run are found again, whichever is asked for first."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from aas_plugin.data.catalogue import content_hash
from aas_plugin.report.photos import Photos


@pytest.fixture
def herd(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "herd").mkdir()
    for number in range(2):
        Image.new("RGB", (40, 20), (100 * number, 50, 50)).save(tmp_path / "herd" / f"{number}.png")
    return tmp_path / "herd"


def photos(herd):
    run = SimpleNamespace(folder=Path("runs/mine"), settings={"dataset": {"path": str(herd)}}, driven=False)
    return Photos(run)


def test_a_photo_that_is_gone_hides_no_other(herd):
    found = photos(herd)
    assert found.path("gone.png", "abc") is None
    assert found.path("1.png", content_hash(herd / "1.png")) == herd / "1.png"
    assert found.path("0.png", "another content") is None
    assert found.path("0.png", "") == herd / "0.png"


def test_a_part_of_a_photo_is_shown_as_that_part(herd):
    part = "1.png#xywh=0,0,10,20"
    found = photos(herd).path(part, content_hash(herd / part))
    assert found == herd / part
    assert photos(herd).path(part, content_hash(herd / "1.png")) is None
    assert photos(herd).thumbnail(part, "")[:2] == b"\xff\xd8"
