"""The built-in oracle passes the contract that other people's inherit, and so does one that leaves questions open."""

import pytest

from aas_plugin.testing import OracleContract


class TestLabels(OracleContract):
    oracle = "labels"
    is_right = True


class TestPeople(OracleContract):
    oracle = "people"


class TestErringLabels(OracleContract):
    oracle = "labels"
    options = {"error_rate": 0.3, "cannot_tell_rate": 0.2}  # noqa: RUF012


MODULE = """
from aas_plugin import hookimpl

class Later:
    def __init__(self, options): ...

    @hookimpl
    def aas_answer(self, question):
        return None if question.u % 2 else "different"

@hookimpl
def aas_register(registry):
    registry.register("oracle", "later", Later)
"""


class TestSomebodyElses(OracleContract):
    oracle = "later"
    modules = ("my_oracle",)

    @pytest.fixture(autouse=True)
    def _module(self, tmp_path, monkeypatch):
        (tmp_path / "my_oracle.py").write_text(MODULE)
        monkeypatch.chdir(tmp_path)
