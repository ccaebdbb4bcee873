"""What `aas run` and `aas drive` share: from what the command line says to a run at work."""

from __future__ import annotations

import signal
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aas_plugin.commands.common import (
    loaded,
    loads_of,
    params_layer,
    read_layer,
    run_folder,
    valid_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from aas_plugin.plugins.manager import Plugins
    from aas_plugin.settings.models import DrivenSettings, RunSettings


@dataclass(frozen=True)
class PageAt:
    """Where a run shows its questions to people while it waits.

    Attributes:
        host: address to listen at.
        port: to listen at; None for the first that is free.
        browser: whether to open the page here.
        finish: whether people may end the run there; where a machine answers, such a run shows no page.
    """

    host: str
    port: int | None
    browser: bool
    finish: bool = False


@dataclass(frozen=True)
class Given:
    """What the command line says of a run, whoever trains in it.

    Attributes:
        flags: layers of settings, weakest first.
        params: file of settings.
        run_name: folder under runs/.
        resume: whether to go on with a run, the last one without a name.
        modules: plugins to load, by dotted names.
        command: what goes on with the run, without the name of the run.
        page: where people answer while the run waits; None to end it there.
        terminal: what the run shows in a terminal, in the place of `Terminal`: made of the same arguments.
    """

    flags: list[dict[str, Any]] = field(default_factory=list)
    params: Path | None = None
    run_name: str | None = None
    resume: bool = False
    modules: list[str] | None = None
    command: str = "aas run --resume"
    page: PageAt | None = None
    terminal: Callable[[Console, Callable[[], str] | None, str], object] | None = None

    def __post_init__(self) -> None:
        # Before anything that takes seconds is loaded.
        if self.run_name is not None:
            valid_name(self.run_name)

    def folder(self) -> Path | None:
        """The folder of the run to go on with, None for a new one.

        Raises:
            AasError: there is no run to go on with.
        """
        return run_folder(self.run_name) if self.resume else None

    def saved(self) -> dict[str, Any]:
        """The settings of the run to go on with, empty for a new one.

        Raises:
            AasError: there is no run to go on with.
        """
        from aas_plugin.runs.folder import saved_settings

        folder = self.folder()
        return {} if folder is None else saved_settings(folder)

    def layers(self) -> list[dict[str, Any]]:
        """All layers of settings, weakest first."""
        if not self.resume:
            return [params_layer(self.params), *self.flags]
        explicit = [read_layer(self.params)] if self.params is not None else []
        return [self.saved(), *explicit, *self.flags]

    def new_folder(self, settings: RunSettings | DrivenSettings, runs: Path) -> Path:
        """The folder of a new run, by its name or by one that says what is run; of that name it is made, empty.

        Of several processes that begin at once, such as experiments of DVC, each gets one of its own.
        """
        from aas_plugin.runs.folder import default_name

        if self.run_name is not None:
            return runs / self.run_name
        while True:
            folder = runs / default_name(settings, runs)
            try:
                folder.mkdir(parents=True)
            except FileExistsError:
                continue
            return folder


def train(given: Given, data: Path | None = None, results: Path | None = None, each: bool = False) -> None:
    """Run a native method, or go on with it.

    Args:
        given: on the command line.
        data: packed data set in the place of the settings'.
        results: folder to copy results into; what was broken off on the way there goes on.
        each: whether to run each subset of the data set.

    Raises:
        AasError: something is wrong with settings, data or folders, or people have to answer before there are results.
    """
    console = _console()
    from aas_plugin.errors import AasError
    from aas_plugin.models import refuse_frozen
    from aas_plugin.runs.code import code_hash
    from aas_plugin.runs.data import RunData, read_data
    from aas_plugin.runs.engine import Engine
    from aas_plugin.runs.folder import lock, runs_folder
    from aas_plugin.runs.results import broken_off, check_results, copy_results
    from aas_plugin.runs.setting_up import set_up
    from aas_plugin.settings.resolving import resolve

    plugins = loaded(given.modules)
    settings = resolve(plugins, given.layers())
    refuse_frozen(plugins.component("backbone", settings.backbone.name), settings.training.freeze)
    if each:
        from aas_plugin.commands.sweep import sweep

        others = {"--run-name": given.run_name, "--resume": given.resume, "--results": results, "--data": data}
        sweep(plugins, settings, others)
        return
    runs = runs_folder()
    if results is not None:
        check_results(results, runs)
    _observe(plugins, settings, console, given)
    folder, resume = given.folder(), given.resume
    found: RunData | None = None
    if results is not None and folder is None:
        found = read_data(plugins, settings, data)
        folder = broken_off(runs, settings, found, code_hash(plugins))
        resume = folder is not None
    folder = folder or given.new_folder(settings, runs)
    with lock(folder):
        found = found or read_data(plugins, settings, data)
        outcome = Engine(set_up(plugins, settings, folder, resume=resume, data=found)).execute()
    if results is not None and outcome == "finished":
        copy_results(folder, results)
    elif results is not None:
        raise AasError(f"no results yet: answer the questions in {folder / 'pending.jsonl'} and run this again")


def drive(given: Given, checkout: Path | None, arguments: list[str], fast_jaccard: bool) -> None:
    """Drive the script of a checkout, or go on with a run that does.

    Args:
        given: on the command line.
        checkout: its folder; None for that of the run to go on with.
        arguments: the script's own flags; none for those of the run to go on with.
        fast_jaccard: whether our sparse distance takes the place of the script's.

    Raises:
        AasError: something is wrong with settings, checkout or folders.
    """
    console = _console()
    from aas_plugin.codebases.driver import Driver
    from aas_plugin.codebases.recipes import recipe_of
    from aas_plugin.runs.folder import lock, runs_folder
    from aas_plugin.settings.layers import Layer
    from aas_plugin.settings.resolving import resolve_driven

    plugins = loaded(given.modules)
    codebase: dict[str, Any] = {"path": str(checkout.resolve())} if checkout is not None else {}
    if fast_jaccard:
        codebase["fast_jaccard"] = True
    if arguments:
        codebase["arguments"] = arguments
    settings = resolve_driven(plugins, [*given.layers(), Layer({"codebase": codebase}, "the checkout's flags")])
    recipe = recipe_of(plugins, settings)
    _observe(plugins, settings, console, given)
    folder = given.folder() or given.new_folder(settings, runs_folder())
    with lock(folder):
        Driver(plugins, settings, recipe, folder, given.resume).execute()


def _console() -> Console:
    """A console, once what takes seconds to load is loaded."""
    from rich.console import Console

    # The script of a checkout puts something of its own in the place of stdout.
    console = Console(highlight=False, file=sys.stdout)
    with console.status("loading"):
        import torch  # noqa: F401 - here, where it is seen that something happens

        import aas_plugin.runs.setting_up
        import aas_plugin.tracking.mlflow_observer  # noqa: F401
    return console


def _observe(plugins: Plugins, settings: RunSettings | DrivenSettings, console: Console, given: Given) -> None:
    """Load the observers of a run: the terminal, and MLflow unless it is turned off.

    From here on a run that is told to end, by a scheduler or `kill`, says so to them as after Ctrl-C.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)
    from aas_plugin.errors import AasError
    from aas_plugin.runs.folder import project_root
    from aas_plugin.tracking.mlflow_observer import MlflowObserver
    from aas_plugin.tracking.terminal import Terminal

    page = given.page
    if page is not None and page.finish and settings.oracle.name != "people":
        page = None
    loads = loads_of(given.modules)
    observer = MlflowObserver(project_root(Path.cwd()), loads) if settings.tracking.mlflow else None
    look = observer.where_to_look if observer is not None else None
    go_on = given.command + loads + (" --serve" if page is not None and not page.finish else "")
    plugins.load("terminal", (given.terminal or Terminal)(console, look, go_on), "built in")
    if page is not None:
        if settings.oracle.name != "people":
            raise AasError(
                f"--serve shows questions to people, and {settings.oracle.name!r} answers them; "
                "give --oracle people, too"
            )
        from aas_plugin.annotator.in_run import PageOfRun

        plugins.load("page", PageOfRun(console, page.host, page.port, page.browser, page.finish), "built in")
    if observer is not None:
        plugins.load("mlflow", observer, "built in")


def _interrupt(*_: object) -> None:
    # The second time it ends at once.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise KeyboardInterrupt
