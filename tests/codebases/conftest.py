"""Miniature checkouts with their data, written once; a fresh copy of a checkout for tests that change it."""

import shutil

import pytest
from checkouts import arguments as flags
from checkouts import write_checkout, write_market, write_teacher


@pytest.fixture(scope="session")
def market(tmp_path_factory):
    return write_market(tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="session")
def miniature(tmp_path_factory, market):
    """Gives a miniature by its name; not to be changed."""
    folder, written = tmp_path_factory.mktemp("miniatures"), {}

    def give(name):
        if name not in written:
            written[name] = write_checkout(name, folder / name)
            write_teacher(name, market, written[name])
        return written[name]

    return give


@pytest.fixture
def copy_of(miniature, tmp_path):
    """Gives a copy of a miniature that may be changed."""
    return lambda name: shutil.copytree(miniature(name), tmp_path / f"copy of {name}")


@pytest.fixture
def arguments(market):
    return lambda name, logs, epochs=4: flags(name, market, logs, epochs)
