"""The hash of a run's code: it changes with every file that a plugin is made of, and with nothing else."""

import sys

import pytest

from aas_plugin.plugins.manager import load_plugins
from aas_plugin.runs.code import code_hash

PLUGIN = (
    "import my_losses\nimport numpy\n\n\ndef make(options):\n    from my_method import Method\n    return Method()\n"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a plugin in several files, and one that has nothing to do with it."""
    (tmp_path / "my_plugin.py").write_text(PLUGIN)
    (tmp_path / "my_losses.py").write_text("MARGIN = 1\n")
    (tmp_path / "my_method.py").write_text("from my_parts import heads\n")
    (tmp_path / "my_parts").mkdir()
    (tmp_path / "my_parts" / "__init__.py").write_text("")
    (tmp_path / "my_parts" / "heads.py").write_text("HEADS = 3\n")
    (tmp_path / "plots.py").write_text("import my_plugin\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    forget()
    yield tmp_path
    forget()


def forget():
    """Let the next import find the file, and not what another test imported under its name."""
    for name in [name for name in sys.modules if name.startswith("my_")]:
        del sys.modules[name]


@pytest.mark.parametrize("changed", ["my_plugin.py", "my_losses.py", "my_method.py", "my_parts/heads.py"])
def test_whatever_a_plugin_imports_beside_it_counts(folder, changed):
    plugins = load_plugins(["my_plugin"])
    before = code_hash(plugins)
    assert before != code_hash(load_plugins()) and len(before) == 16
    with (folder / changed).open("a") as file:
        file.write("# mended\n")
    assert code_hash(plugins) != before


def test_what_lies_beside_it_and_where_it_lies_do_not_count(folder, tmp_path_factory, monkeypatch):
    before = code_hash(load_plugins(["my_plugin"]))
    (folder / "plots.py").write_text("other\n")
    (folder / "numpy" / "run-1").mkdir(parents=True)
    (folder / "numpy" / "run-1" / "copy.py").write_text("kept = True\n")
    assert code_hash(load_plugins(["my_plugin"])) == before
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "project"
    folder.rename(elsewhere)
    forget()
    monkeypatch.chdir(elsewhere)
    monkeypatch.syspath_prepend(elsewhere)
    assert code_hash(load_plugins(["my_plugin"])) == before
    elsewhere.rename(folder)


def test_an_installed_adapter_counts_whole(tmp_path, monkeypatch):
    package = tmp_path / "their_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "inner.py").write_text("LAYERS = 2\n")
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[aas_plugin]\ntheirs = their_package\n")
    without = code_hash(load_plugins())
    monkeypatch.syspath_prepend(tmp_path)
    plugins = load_plugins()
    before = code_hash(plugins)
    assert "theirs" in plugins.origins and before != without
    (package / "inner.py").write_text("LAYERS = 3\n")
    assert code_hash(plugins) not in (before, without)
    sys.modules.pop("their_package")


def test_an_installed_module_counts_by_itself(tmp_path, monkeypatch):
    place = tmp_path / "site-packages"
    place.mkdir()
    (place / "my_module.py").write_text("import my_neighbour\n")
    (place / "my_neighbour.py").write_text("")
    monkeypatch.syspath_prepend(place)
    forget()
    plugins = load_plugins(["my_module"])
    before = code_hash(plugins)
    (place / "my_neighbour.py").write_text("other = 1\n")
    assert code_hash(plugins) == before
    (place / "my_module.py").write_text("import my_neighbour  # mended\n")
    assert code_hash(plugins) != before
    forget()


def test_an_object_counts_by_its_class_and_a_plugin_without_a_file_does_not(tmp_path):
    plugins = load_plugins()
    before = code_hash(plugins)
    plugins.load("made here", type("Made", (), {"__module__": "nowhere"})(), "tests")
    assert code_hash(plugins) == before
