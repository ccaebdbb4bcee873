"""Plugins are found, refused when they do not fit, and listed."""

import subprocess
import sys
from dataclasses import dataclass, field

import pytest

from aas_plugin.errors import AasError
from aas_plugin.hookspecs import hookimpl
from aas_plugin.plugins.manager import load_plugins


def write_module(folder, monkeypatch, name, text):
    (folder / f"{name}.py").write_text("from aas_plugin.hookspecs import hookimpl\n" + text)
    monkeypatch.chdir(folder)
    monkeypatch.delitem(sys.modules, name, raising=False)


def make_distribution(folder, monkeypatch, name, module, plugin=None):
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[aas_plugin]\n{plugin or name} = {module}\n")
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
    assert {"aas", "mine", "none", "random"} <= set(plugins.registry.names("sampler"))
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
    with pytest.raises(AasError, match="there are: aas, cal, full, gbas"):
        plugins.component("sampler", "xyzzy")


def test_two_plugins_of_one_name_are_an_error(tmp_path, monkeypatch):
    write_module(tmp_path, monkeypatch, "some_plugin", "")
    plugins = load_plugins(["some_plugin"])
    with pytest.raises(AasError, match="two plugins are called 'some_plugin'"):
        plugins.load("some_plugin", object(), "elsewhere")


def components(plugins):
    return {(row["name"], component) for row in plugins.describe() for component in row["components"]}


@pytest.mark.parametrize(
    "ending",
    [
        "raise ValueError('no licence')",
        "registry.register('sampler', 'aas', None)",
        "registry.register('colour', 'x', None)",
        "raise SystemExit('no licence')",
        "raise KeyboardInterrupt",
    ],
)
def test_a_plugin_that_fails_half_way_leaves_nothing(ending):
    class Half:
        @hookimpl
        def aas_register(self, registry):
            registry.register("sampler", "half", None)
            exec(ending)

        @hookimpl
        def aas_run_started(self, run): ...

    plugins = load_plugins()
    before = plugins.describe(), plugins.manager.get_plugins()
    with pytest.raises(BaseException, match=r"no licence|both register|kinds are|^$"):
        plugins.load("half", Half(), "tests")
    assert (plugins.describe(), plugins.manager.get_plugins()) == before
    assert "half" not in plugins.registry.names("sampler")
    assert not plugins.manager.hook.aas_run_started.get_hookimpls()
    plugins.registry.register("sampler", "half", None)
    assert plugins.registry.get("sampler", "half").plugin == ""


def test_a_broken_entry_point_leaves_nothing_and_its_components_are_free_for_another(tmp_path, monkeypatch):
    write_module(tmp_path, monkeypatch, "bad_plugin", GOOD + "    raise RuntimeError('no licence')")
    write_module(tmp_path, monkeypatch, "good_plugin", GOOD)
    make_distribution(tmp_path, monkeypatch, "a_bad", "bad_plugin")
    make_distribution(tmp_path, monkeypatch, "good", "good_plugin")
    with pytest.warns(UserWarning, match=r"'a_bad'.*no licence"):
        plugins = load_plugins()
    assert {found for found in components(plugins) if found[1] == "sampler mine"} == {("good", "sampler mine")}


@pytest.mark.parametrize("text", ["import sys\nsys.exit(3)", "class Panic(BaseException): ...\nraise Panic('3')"])
def test_a_module_that_ends_the_process_ends_no_command(tmp_path, monkeypatch, text):
    write_module(tmp_path, monkeypatch, "script_plugin", text)
    make_distribution(tmp_path, monkeypatch, "script", "script_plugin")
    with pytest.warns(UserWarning, match=r"'script'.*(SystemExit|Panic) 3"):
        plugins = load_plugins()
    assert set(plugins.broken) == {"script"}
    with pytest.warns(UserWarning), pytest.raises(AasError, match=r"importing it failed: (SystemExit|Panic): 3"):
        load_plugins(["script_plugin"])


def test_a_hook_is_checked_by_the_name_that_it_is_called_by(tmp_path, monkeypatch):
    misspelt = "@hookimpl(specname='aas_featurs')\ndef aas_features(run): ..."
    write_module(tmp_path, monkeypatch, "misspelt_plugin", misspelt)
    make_distribution(tmp_path, monkeypatch, "misspelt", "misspelt_plugin")
    with pytest.warns(UserWarning, match=r"'misspelt'.*did you mean 'aas_features'"):
        plugins = load_plugins()
    assert "misspelt" not in plugins.origins

    class Renamed:
        @hookimpl(specname="aas_register")
        def components_of_mine(self, registry):
            registry.register("sampler", "mine", None)

    plugins.load("renamed", Renamed(), "tests")
    assert ("renamed", "sampler mine") in components(plugins)


def test_a_failing_module_that_was_asked_for_says_what_failed(tmp_path, monkeypatch):
    write_module(tmp_path, monkeypatch, "odd_plugin", GOOD + "    1 / 0")
    with pytest.raises(AasError, match="-p odd_plugin: registering its components failed: ZeroDivisionError"):
        load_plugins(["odd_plugin"])


def test_a_missing_module_is_not_taken_for_one_whose_name_begins_alike(tmp_path, monkeypatch):
    write_module(tmp_path, monkeypatch, "torchy_plugin", "import torchy")
    with pytest.raises(AasError, match="needs the module 'torchy'"):
        load_plugins(["torchy_plugin"])


@dataclass
class Plain:
    scale: float = 1.0

    @hookimpl
    def aas_run_started(self, run): ...


@dataclass(frozen=True)
class Frozen:
    scale: float = 1.0
    seen: list = field(default_factory=list)


@dataclass(frozen=True)
class Equal:
    scale: float = 1.0


@dataclass(eq=False)
class ByIdentity:
    scale: float = 1.0


@pytest.mark.parametrize("plugin", [Plain(), Frozen()])
def test_a_plugin_that_cannot_be_hashed_is_refused_with_the_way_out(plugin):
    plugins = load_plugins()
    kind = type(plugin).__qualname__
    with pytest.raises(AasError, match=rf"'mine' from tests .* type '{kind}'.*@dataclass\(eq=False\)"):
        plugins.load("mine", plugin, "tests")
    assert "mine" not in plugins.origins and not plugins.manager.has_plugin("mine")


def test_dataclasses_that_compare_by_identity_are_plugins():
    plugins = load_plugins()
    plugins.load("one", ByIdentity(), "tests")
    plugins.load("two", ByIdentity(), "tests")
    plugins.load("frozen", Equal(), "tests")
    with pytest.raises(AasError, match=r"'other' from tests equals plugin 'frozen'.*eq=False"):
        plugins.load("other", Equal(), "tests")
    assert {"one", "two", "frozen"} <= set(plugins.origins)


def test_one_object_under_two_names_and_a_taken_name_are_refused_and_the_first_stays():
    class Offers:
        @hookimpl
        def aas_register(self, registry):
            registry.register("sampler", "mine", None)

    plugins, offers = load_plugins(), Offers()
    plugins.load("one", offers, "tests")
    with pytest.raises(AasError, match="'two' from elsewhere is loaded already, as 'one'"):
        plugins.load("two", offers, "elsewhere")
    with pytest.raises(AasError, match="two plugins are called 'one'"):
        plugins.load("one", Offers(), "elsewhere")
    with pytest.raises(AasError, match="both register the sampler 'mine'"):
        plugins.load("two", Offers(), "elsewhere")
    plugins.manager.register(object(), name="by hand")
    with pytest.raises(AasError, match="two plugins are called 'by hand'"):
        plugins.load("by hand", Offers(), "elsewhere")
    assert plugins.registry.get("sampler", "mine").plugin == "one"
    assert plugins.manager.get_name(offers) == "one"


@pytest.mark.parametrize(
    ("factory", "message"),
    [(lambda options: Plain(), "cannot be hashed"), (lambda options: None, r"'odd \(sampler\)'.* is None")],
)
def test_what_a_factory_makes_is_checked_before_the_run_begins(ready, factory, message):
    with pytest.raises(AasError, match=message):
        ready.engine({"sampler": "odd"}, components=(("sampler", "odd", factory),))


def test_a_broken_plugin_that_loads_when_asked_for_is_broken_no_longer(tmp_path, monkeypatch):
    for number in ("1", "2"):
        write_module(tmp_path, monkeypatch, f"same_plugin_{number}", "")
        make_distribution(tmp_path, monkeypatch, f"same_{number}", f"same_plugin_{number}", plugin="same")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.warns(UserWarning, match="two plugins are called 'same'"):
        plugins = load_plugins()
    left_out = "same_plugin_2" if plugins.origins["same"].startswith("same_plugin_1") else "same_plugin_1"
    assert set(plugins.broken) == {"same"}
    with pytest.warns(UserWarning):
        again = load_plugins([left_out])
    assert not again.broken
    assert {"same", left_out} <= set(again.origins)


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
