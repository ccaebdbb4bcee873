"""Which code a run was made by: this package, and every plugin that is loaded."""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from aas_plugin.plugins.manager import Plugins

INSTALLED = ("site-packages", "dist-packages")


def code_hash(plugins: Plugins) -> str:
    """Hash the code of this package and of all plugins, by their contents, wherever they lie.

    A plugin in a package counts with all of that package, one in a single file with the files beside it that it
    imports, directly or through others. Plugins without a source file are left out.

    Args:
        plugins: those that are loaded.

    Returns:
        16 hexadecimal digits.
    """
    import aas_plugin

    modules = [aas_plugin, *map(_module_of, plugins.manager.get_plugins())]
    sources = {source for module in modules if module is not None for source in _sources(module)}
    digest = hashlib.sha256()
    for name, path in sorted(sources):
        content = path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def _module_of(plugin: object) -> ModuleType | None:
    return plugin if isinstance(plugin, ModuleType) else sys.modules.get(type(plugin).__module__)


def _sources(module: ModuleType) -> Iterator[tuple[str, Path]]:
    """Name and file of each source that a module is made of."""
    parts = module.__name__.split(".")
    for length in range(1, len(parts) + 1):
        package = sys.modules.get(".".join(parts[:length]))
        # The top of a namespace has no file of its own.
        if package is not None and getattr(package, "__file__", None) and hasattr(package, "__path__"):
            root = Path(str(package.__file__)).parent
            yield from (
                (f"{package.__name__}/{path.relative_to(root).as_posix()}", path) for path in root.rglob("*.py")
            )
            return
    try:
        file = inspect.getsourcefile(module)
    except TypeError:
        return
    if file is not None and Path(file).is_file():
        yield from _with_neighbours(Path(file))


def _with_neighbours(first: Path) -> Iterator[tuple[str, Path]]:
    """A single file, and what it imports of the folder that it lies in."""
    folder, seen, waiting = first.parent, set[Path](), [first]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        yield path.relative_to(folder).as_posix(), path
        if folder.name in INSTALLED:
            # Beside an installed module lies everything else that is installed.
            return
        for name in _imported(path):
            beside = folder / f"{name}.py"
            if beside.is_file():
                waiting.append(beside)
            elif (folder / name / "__init__.py").is_file():
                # A folder that only has the name of an installed package, such as its logs, is no code.
                waiting += sorted((folder / name).rglob("*.py"))


def _imported(path: Path) -> set[str]:
    """First parts of the names that a file imports; none where it cannot be parsed."""
    try:
        nodes = list(ast.walk(ast.parse(path.read_bytes())))
    except (SyntaxError, ValueError):
        return set()
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    return {name.split(".")[0] for name in names}
