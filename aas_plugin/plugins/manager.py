"""The plugin manager: built-in plugins, entry points, modules asked for by name; tracing and listing."""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
import inspect
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pluggy

from aas_plugin import hookspecs
from aas_plugin.errors import AasError
from aas_plugin.plugins.notify import notify
from aas_plugin.plugins.registry import Component, Kind, Progress, Registry

GROUP = "aas_plugin"
BUILT_IN = ("aas_plugin.plugins.default",)


@dataclass
class Plugins:
    """Loaded plugins: the pluggy `manager`, what they registered, where each is from and which are broken."""

    manager: pluggy.PluginManager
    registry: Registry
    origins: dict[str, str] = field(default_factory=dict)
    broken: dict[str, BaseException] = field(default_factory=dict)

    def component(self, kind: Kind, name: str) -> Component:
        """Look up a component; when the plugin of that very name is broken, its own error is the cause."""
        try:
            return self.registry.get(kind, name)
        except AasError as error:
            if name in self.broken:
                raise AasError(f"the plugin {name!r} cannot be loaded: {_reason(self.broken[name])}") from self.broken[
                    name
                ]
            raise error

    def load(self, name: str, plugin: object, origin: str) -> None:
        """Load one plugin whole or not at all.

        Args:
            name: The plugin's name, which no other has.
            plugin: A module, or an object with hook implementations.
            origin: Where it is from, for messages and for `aas plugins`.

        Raises:
            AasError: The name is taken, the plugin is loaded already, it cannot be hashed, or one of its hooks does
                not exist or takes other arguments.
            BaseException: Whatever the plugin itself raises while it registers its components.
        """
        if self.manager.has_plugin(name):
            other = self.origins.get(name, "this package")
            raise AasError(f"two plugins are called {name!r} ({other} and {origin}); rename one of them")
        self._refuse_object(name, plugin, origin)
        self._refuse_unknown_hooks(name, plugin)
        try:
            self.manager.register(plugin, name=name)
        except pluggy.PluginValidationError as error:
            raise AasError(f"plugin {name!r} from {origin} does not fit: {error}") from error
        self.origins[name] = origin
        before = self.registry.current_plugin
        self.registry.current_plugin = name
        try:
            if any(found.plugin is plugin for found in self.manager.hook.aas_register.get_hookimpls()):
                others = [other for other in self.manager.get_plugins() if other is not plugin]
                self.manager.subset_hook_caller("aas_register", others)(registry=self.registry)
        except BaseException:
            self.registry.withdraw(name)
            self.manager.unregister(name=name)
            del self.origins[name]
            raise
        finally:
            self.registry.current_plugin = before

    def _refuse_object(self, name: str, plugin: object, origin: str) -> None:
        """Refuse what pluggy would take, and stumble over later."""
        if plugin is None:
            raise AasError(f"plugin {name!r} from {origin} is None; return an object with hook implementations")
        kind = type(plugin).__qualname__
        try:
            hash(plugin)
        except Exception as error:
            raise AasError(
                f"plugin {name!r} from {origin} is an object of type {kind!r}, which cannot be hashed ({error}); "
                "write @dataclass(eq=False) above its class, or give the class a __hash__"
            ) from error
        for other, loaded in self.manager.list_name_plugin():
            if loaded is plugin:
                raise AasError(
                    f"plugin {name!r} from {origin} is loaded already, as {other!r}; load it once, or let the factory "
                    "make a new object"
                )
            if loaded == plugin:
                raise AasError(
                    f"plugin {name!r} from {origin} equals plugin {other!r}, both objects of type {kind!r}; write "
                    "@dataclass(eq=False) above their class"
                )

    def _refuse_unknown_hooks(self, name: str, plugin: object) -> None:
        known = hook_functions()
        for attribute in dir(plugin):
            options = self.manager.parse_hookimpl_opts(plugin, attribute)
            hook = options and (options.get("specname") or attribute)
            if hook and hook not in known:
                near = difflib.get_close_matches(hook, known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; hooks are: {', '.join(sorted(known))}"
                raise AasError(f"plugin {name!r} implements a hook that does not exist, {hook!r}{hint}")

    def progress(self, task: str) -> Progress:
        """A callback `(done, total)` that tells observers how far a task is, before there is a run."""

        def tell(done: int, total: int) -> None:
            notify(self.manager, "aas_progress", run=None, task=task, done=done, total=total)

        return tell

    def describe(self) -> list[dict[str, Any]]:
        """One row a plugin: name, origin, its hooks, its components; broken ones with their error."""
        rows: list[dict[str, Any]] = []
        for name, origin in self.origins.items():
            callers = self.manager.get_hookcallers(self.manager.get_plugin(name)) or []
            rows.append(
                {
                    "name": name,
                    "from": origin,
                    "hooks": sorted(caller.name for caller in callers),
                    "components": [f"{found.kind} {found.name}" for found in self.registry.by_plugin(name)],
                    "error": None,
                }
            )
        for name, error in self.broken.items():
            rows.append({"name": name, "from": "entry point", "hooks": [], "components": [], "error": _reason(error)})
        return rows


def load_plugins(modules: Sequence[str] = ()) -> Plugins:
    """Build a manager with the built-in plugins, installed entry points and `modules` (dotted names).

    A broken entry point is a warning with its name; a broken module that was asked for is an `AasError`.
    `AAS_TRACE_PLUGINS=1` in the environment prints every hook call to stderr.
    """
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    plugins = Plugins(manager, Registry())
    if os.environ.get("AAS_TRACE_PLUGINS", "0") not in ("", "0"):
        _trace(manager)
    for module in BUILT_IN:
        plugins.load(module.rpartition(".")[2], importlib.import_module(module), module)
    failed: dict[str, str] = {}
    for entry in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda entry: entry.name):
        origin = f"{entry.value} ({entry.dist.name} {entry.dist.version})" if entry.dist else entry.value
        try:
            plugins.load(entry.name, entry.load(), origin)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # also SystemExit, of a script that is no plugin
            plugins.broken[entry.name] = error
            if not entry.attr:
                failed[entry.module] = entry.name
            warnings.warn(f"plugin {entry.name!r} ({origin}) is broken and left out: {_reason(error)}", stacklevel=2)
    for module in modules:
        if module in plugins.origins:
            continue
        if module in plugins.broken:
            cause = plugins.broken[module]
            raise AasError(f"the plugin {module!r} cannot be loaded: {_reason(cause)}") from cause
        plugin = _import(module)
        # An installed plugin was found by its entry point, under the name it has there.
        if not any(loaded is plugin for loaded in manager.get_plugins()):
            _load_module(plugins, module, plugin)
            plugins.broken.pop(failed.get(module, ""), None)
    manager.check_pending()
    return plugins


def _load_module(plugins: Plugins, module: str, plugin: object) -> None:
    try:
        plugins.load(module, plugin, f"-p {module}")
    except (AasError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise AasError(f"-p {module}: registering its components failed: {type(error).__name__}: {error}") from error


def _import(module: str) -> object:
    # A researcher's own plugin lies beside their data, not in site-packages.
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and (module + ".").startswith(error.name + "."):
            raise AasError(
                f"-p {module}: no such module; give its dotted name, from this folder or installed"
            ) from error
        raise AasError(f"-p {module}: it needs the module {error.name!r}, which is not installed") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise AasError(f"-p {module}: importing it failed: {type(error).__name__}: {error}") from error


def _reason(error: BaseException) -> str:
    """The error's own words; its type where they say nothing."""
    text = str(error)
    return text if text and isinstance(error, Exception) else f"{type(error).__name__} {text}".strip()


def _trace(manager: pluggy.PluginManager) -> None:
    started: list[float] = []

    def before(hook_name: str, hook_impls: Sequence[pluggy.HookImpl], kwargs: Mapping[str, Any]) -> None:
        started.append(time.perf_counter())

    def after(outcome: Any, hook_name: str, hook_impls: Sequence[pluggy.HookImpl], kwargs: Mapping[str, Any]) -> None:
        seconds = time.perf_counter() - started.pop()
        names = ", ".join(implementation.plugin_name for implementation in reversed(hook_impls)) or "nobody"
        print(f"[aas hook] {hook_name} -> {names} ({seconds * 1000:.1f} ms)", file=sys.stderr)

    manager.add_hookcall_monitoring(before, after)


def hook_functions() -> dict[str, Callable[..., Any]]:
    """Every hook specification by name, in the order it is declared."""
    return {
        name: function
        for name, function in vars(hookspecs).items()
        if name.startswith("aas_") and inspect.isfunction(function)
    }
