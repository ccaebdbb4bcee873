"""The import graph: no circles, also for types alone; arrows go down; what is light stays light."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {"aas_plugin": ROOT / "aas_plugin", "aas_adapters": ROOT / "adapters"}
LOOSE = {"__main__", "cli", "errors", "files", "hookspecs"}
# `testing` makes whole runs for tests, and may import anything.
BELOW = (
    "active", "clustering", "constraints", "data", "evaluation", "models", "oracles", "report", "sampling", "settings",
    "training",
)  # fmt: skip


def modules():
    for package, folder in PACKAGES.items():
        for path in folder.rglob("*.py"):
            parts = [package, *path.relative_to(folder).with_suffix("").parts]
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(modules())


def imported_by(module):
    """Modules of ours that a file names in any import, also inside functions and under TYPE_CHECKING."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        for name in names:
            while name and name not in MODULES:
                name = name.rpartition(".")[0]
            if name and name not in (module, *PACKAGES):
                yield name


GRAPH = nx.DiGraph((module, other) for module in MODULES for other in imported_by(module))


def test_no_two_files_import_each_other_by_any_way_round():
    circles = [sorted(group) for group in nx.strongly_connected_components(GRAPH) if len(group) > 1]
    assert circles == []


def test_every_folder_of_code_is_installed():
    installed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    assert installed == {module for module, path in MODULES.items() if path.name == "__init__.py"}


def test_nothing_lies_loose_beside_the_rooms():
    found = {path.stem for path in PACKAGES["aas_plugin"].glob("*.py")} - {"__init__"}
    assert found == LOOSE


def test_the_step_and_all_below_know_no_plugin_manager_and_active_knows_no_run():
    for module, other in GRAPH.edges:
        room = module.split(".")[1] if module.startswith("aas_plugin.") else ""
        if room in BELOW and module != "aas_plugin.settings.resolving":
            assert other != "aas_plugin.plugins.manager", f"{module} imports {other}"
        if room == "active":
            assert not other.startswith(("aas_plugin.runs", "aas_plugin.hookspecs")), f"{module} imports {other}"


def test_nothing_but_tests_and_plugins_knows_the_adapters():
    known = [(module, other) for module, other in GRAPH.edges if other.startswith("aas_adapters")]
    assert all(module.startswith("aas_adapters") for module, _ in known)


@pytest.mark.parametrize(
    ("imported", "absent"),
    [
        (
            "from aas_plugin import ActiveLearner",
            ("pluggy", "torch", "mlflow", "faiss", "typer", "starlette", "uvicorn"),
        ),
        ("import aas_plugin", ("pluggy", "torch", "mlflow", "faiss", "numpy", "pandas")),
        ("import aas_plugin.cli", ("torch", "mlflow", "faiss", "pandas", "starlette", "uvicorn", "PIL")),
    ],
)
def test_what_is_light_stays_light(imported, absent):
    code = f"import sys; {imported}; print([name for name in {absent!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_simulation_of_given_features_needs_no_torch(tmp_path):
    arguments = ["simulate", "--features", "synthetic:1.0", "--samplers", "aas,cal", "--refiners", "np3,cal"]
    code = f"""
import sys
from aas_plugin.cli import main
sys.argv = ["aas", *{arguments!r}, "--cycles", "1", "--budget", "20"]
try:
    main()
except SystemExit as ended:
    print("code", ended.code)
print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "code 0" in done.stdout
    assert done.stdout.split()[-1] == "False"
