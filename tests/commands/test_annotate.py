"""`aas annotate` and `--serve`: what is refused before a page opens, in one sentence."""

from pathlib import Path

import pytest
from page_server import Page, ask

from aas_plugin.files import write_json_lines


@pytest.fixture
def refused(aas):
    """What `aas annotate` says in a folder with two questions, when it refuses."""
    ask(Path("active"), Path("photos"), [(0, 1), (1, 2)])
    return lambda *arguments: aas("annotate", *arguments, "--no-browser", status=2)


def test_folders_that_ask_nothing(refused):
    assert "there is no run 'other'" in refused("other")
    Path("runs/empty").mkdir(parents=True)
    assert "runs/empty asks nothing and has no answers" in refused("empty")


def test_photos_that_are_elsewhere_and_a_queue_of_another_data_set(refused):
    told = refused("active")
    assert "none of the 3 photos that are asked about is in" in told and "--photos FOLDER" in told
    write_json_lines(Path("active") / "pending.jsonl", [{"a": "x.jpg", "b": "y.jpg", "kind": "over", "cycle": 1}])
    assert "queue of another data set" in refused("active", "--photos", "photos")


def test_a_second_server_a_port_that_is_taken_and_an_address_that_is_none(refused):
    one = Page(Path("active"), Path("photos"))
    try:
        told = refused("active", "--photos", "photos")
        assert f"are being answered already (http://127.0.0.1:{one.port}/)" in told
        ask(Path("other"), Path("photos"), [(0, 1)])
        told = refused("other", "--photos", "photos", "--port", one.port)
        assert f"port {one.port} of 127.0.0.1 cannot be used" in told and "another --port" in told
        assert "is no address" in refused("other", "--photos", "photos", "--host", "no such host")
    finally:
        one.serving.stop()


def test_a_referee_without_a_name(refused):
    assert "referee: a referee has a name" in refused("active", "--photos", "photos", "--referee", " ")


def test_serve_is_for_people(aas):
    assert "give --oracle people, too" in aas("run", "--serve", "--set", "tracking.mlflow=false", status=2)
    assert not Path("runs").exists()
