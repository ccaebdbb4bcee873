"""Plugins are found, refused when they do not fit, and listed."""

import subprocess
import sys

import pytest

from aas_plugin.errors import AasError
from aas_plugin.plugins.manager import load_plugins


def write_module(folder, monkeypatch, name, text):
    (folder / f"{name}.py").write_text("from aas_plugin.hookspecs import hookimpl\n" + text)
    monkeypatch.chdir(folder)
    monkeypatch.delitem(sys.modules, name, raising=False)


def make_distribution(folder, monkeypatch, name, module):
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[aas_plugin]\n{name} = {module}\n")
    monkeypatch.syspath_prepend(folder)


GOOD = """
@hookimpl
def aas_register(registry):
    registry.register("sampler", "mine", lambda options: None)
"""


def test_module_asked_for_is_loaded_and_listed(tmp_path, monkeypatch):
    write_module(tmp_path, monkeypatch, "my_plugin", GOOD)
    rows = {row["name"]: row for row in load_plugins(["my_plugin"]).describe()}
    assert rows["my_plugin"]["components"] == ["sampler mine"]
    assert rows["my_plugin"]["hooks"] == ["aas_register"]
    assert rows["my_plugin"]["from"] == "-p my_plugin"
    assert "aas-plugin" in rows["spcl"]["from"]


def test_installed_entry_point_is_found(tmp_path, monkeypatch):
    write_module(tmp_path, monkeypatch, "their_plugin", GOOD)
    make_distribution(tmp_path, monkeypatch, "theirs", "their_plugin")
    plugins = load_plugins()
    assert plugins.registry.names("sampler") == ["aas", "mine", "none", "random"]
    assert plugins.origins["theirs"] == "their_plugin (theirs 1.0)"


def test_broken_entry_point_is_a_warning_until_it_is_asked_for(tmp_path, monkeypatch):
    write_module(tmp_path, monkeypatch, "bad_plugin", "raise OSError('no licence')")
    make_distribution(tmp_path, monkeypatch, "bad", "bad_plugin")
    with pytest.warns(UserWarning, match=r"'bad'.*no licence"):
        plugins = load_plugins()
    assert plugins.describe()[-1]["error"] == "no licence"
    with pytest.raises(AasError, match="no licence"):
        plugins.component("adapter", "bad")
    with pytest.warns(UserWarning), pytest.raises(AasError, match="no licence"):
        load_plugins(["bad"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@hookimpl\ndef aas_featurs(run): ...", "did you mean 'aas_features'"),
        ("@hookimpl\ndef aas_features(run, batch): ...", "batch"),
        (
            "@hookimpl\ndef aas_register(registry): registry.register('sampler', 'aas', None)",
            "both register the sampler 'aas'",
        ),
        ("@hookimpl\ndef aas_register(registry): registry.register('colour', 'x', None)", "kinds are adapter"),
        ("import a_module_that_is_missing", "needs the module 'a_module_that_is_missing'"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_module_that_does_not_fit_is_an_error_that_says_why(tmp_path, monkeypatch, text, message):
    write_module(tmp_path, monkeypatch, "odd_plugin", text)
    with pytest.raises(AasError, match=message):
        load_plugins(["odd_plugin"])


def test_module_that_is_not_there():
    with pytest.raises(AasError, match="no such module"):
        load_plugins(["no_such_plugin_anywhere"])


def test_unknown_names_come_with_suggestions():
    plugins = load_plugins()
    with pytest.raises(AasError, match="did you mean 'spcl'"):
        plugins.component("adapter", "splc")
    with pytest.raises(AasError, match="there are: aas, none, random"):
        plugins.component("sampler", "xyzzy")


def test_two_plugins_of_one_name_are_an_error(tmp_path, monkeypatch):
    write_module(tmp_path, monkeypatch, "some_plugin", "")
    plugins = load_plugins(["some_plugin"])
    with pytest.raises(AasError, match="two plugins are called 'some_plugin'"):
        plugins.load("some_plugin", object(), "elsewhere")


def test_tracing_names_hook_and_plugins():
    code = "from aas_plugin.plugins.manager import load_plugins; load_plugins()"
    environment = {"AAS_TRACE_PLUGINS": "1", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert "[aas hook] aas_register -> spcl" in done.stderr


def test_import_and_help_load_nothing_heavy():
    code = (
        "import sys, aas_plugin, aas_plugin.cli\n"
        "from typer.testing import CliRunner\n"
        "assert CliRunner().invoke(aas_plugin.cli.app, ['--help']).exit_code == 0\n"
        "assert CliRunner().invoke(aas_plugin.cli.app, ['plugins']).exit_code == 0\n"
        "print([name for name in ('torch', 'mlflow', 'faiss') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
