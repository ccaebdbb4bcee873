"""What old scripts need on modern libraries, and on a machine without a GPU: small, named, undone afterwards."""

from __future__ import annotations

import inspect
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, wraps
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from aas_plugin.codebases.script import Script


@dataclass(frozen=True)
class Shim:
    """One incompatibility and its smallest remedy.

    Attributes:
        name: what it is called in the log.
        kind: "modern" for libraries newer than the script, "cpu" for a machine without a GPU.
        why: what would happen without it.
        moment: "before" the script's imports, or "after" them.
        needed: tells whether this run needs it, from the script and whether there is a GPU.
        apply: a context in which it is in force.
    """

    name: str
    kind: Literal["modern", "cpu"]
    why: str
    moment: Literal["before", "after"]
    needed: Callable[[Script, bool], bool]
    apply: Callable[[Script], AbstractContextManager[None]]


@contextmanager
def shims_of(script: Script, gpu: bool, moment: Literal["before", "after"]) -> Iterator[list[str]]:
    """Apply, inside the block, the shims that a run needs at one moment.

    Args:
        script: the training script.
        gpu: whether there is a GPU.
        moment: "before" the script's imports, or "after" them.

    Yields:
        Names of the shims that are applied.
    """
    with ExitStack() as stack:
        applied = []
        for shim in SHIMS:
            if shim.moment == moment and shim.needed(script, gpu):
                stack.enter_context(shim.apply(script))
                applied.append(shim.name)
        yield applied


def _mentions(script: Script, text: str) -> bool:
    return any(text in source for source in _sources(script.checkout))


@cache
def _sources(checkout: Path) -> tuple[str, ...]:
    return tuple(path.read_text(encoding="utf-8", errors="ignore") for path in sorted(checkout.rglob("*.py")))


@contextmanager
def _attribute(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Set an attribute inside the block; afterwards remove it, or put the old value back."""
    had, old = name in vars(owner), vars(owner).get(name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if had:
            setattr(owner, name, old)
        else:
            delattr(owner, name)


@contextmanager
def _global(script: Script, name: str, value: Any) -> Iterator[None]:
    old = script.names[name]
    script.names[name] = value
    try:
        yield
    finally:
        script.names[name] = old


def _needs_long_pointer(script: Script, gpu: bool) -> bool:
    import faiss

    return gpu and not hasattr(faiss, "cast_integer_to_long_ptr") and _mentions(script, "cast_integer_to_long_ptr")


def _long_pointer(script: Script) -> AbstractContextManager[None]:
    import faiss

    return _attribute(faiss, "cast_integer_to_long_ptr", faiss.cast_integer_to_idx_t_ptr)


def _needs_sampler(script: Script, gpu: bool) -> bool:
    takes_none = torch.utils.data.Sampler.__init__ is object.__init__
    return takes_none and _mentions(script, "__init__(data_source)")


def _sampler(script: Script) -> AbstractContextManager[None]:
    def initialise(self: Any, data_source: Any = None) -> None:
        """Take what samplers of old releases were given."""

    return _attribute(torch.utils.data.Sampler, "__init__", initialise)


@contextmanager
def _logger(script: Script) -> Iterator[None]:
    loggers: list[Any] = []

    class Logger(script.names["Logger"]):  # type: ignore[misc, name-defined]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            loggers.append(self)

        def close(self: Any) -> None:
            """Close the log, and not the console."""
            if self.file is not None:
                self.file.close()
                self.file = None

    with _global(script, "Logger", Logger):
        try:
            yield
        finally:
            # Closing writes the whole log to the disk before the run is over.
            for logger in loggers:
                logger.close()


def _plain_map(script: Script) -> AbstractContextManager[None]:
    class Evaluator(script.names["Evaluator"]):  # type: ignore[misc, name-defined]
        def evaluate(self, *arguments: Any, **options: Any) -> Any:
            """Give mAP as a plain number."""
            result = super().evaluate(*arguments, **options)
            if isinstance(result, tuple):
                return (*result[:-1], _plain(result[-1]))
            return _plain(result)

    return _global(script, "Evaluator", Evaluator)


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, np.generic) else value


SEARCHES = ("compute_jaccard_distance", "compute_ranked_list")


def _searches(script: Script) -> list[str]:
    functions = {name: script.names.get(name) for name in SEARCHES}
    return [
        name
        for name, function in functions.items()
        if callable(function) and "search_option" in inspect.signature(function).parameters
    ]


def _needs_cpu_search(script: Script, gpu: bool) -> bool:
    return bool(_searches(script)) and not (gpu and _faiss_finds_the_gpu())


@cache
def _faiss_finds_the_gpu() -> bool:
    """Whether faiss searches on the GPU. Tried in a process of its own, as a failure aborts the process."""
    code = (
        "import faiss, numpy as np; index = faiss.GpuIndexFlatL2(faiss.StandardGpuResources(), 8); "
        "index.add(np.eye(8, dtype='float32')); index.search(np.eye(8, dtype='float32'), 2)"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


@contextmanager
def _cpu_search(script: Script) -> Iterator[None]:
    with ExitStack() as stack:
        for name in _searches(script):
            stack.enter_context(_global(script, name, _on_cpu(script.names[name])))
        yield


def _on_cpu(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def search(*arguments: Any, **options: Any) -> Any:
        options["search_option"] = 3
        return function(*arguments, **options)

    return search


class _OnCpu(TorchFunctionMode):
    """Lets what is sent to a GPU stay where it is."""

    def __torch_function__(self, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        options = dict(options or {})
        if function is torch.Tensor.cuda:
            return arguments[0]
        if _is_cuda(options.get("device")):
            options["device"] = "cpu"
        if function is torch.Tensor.to:
            arguments = tuple("cpu" if _is_cuda(argument) else argument for argument in arguments)
        return function(*arguments, **options)


def _is_cuda(device: Any) -> bool:
    return isinstance(device, (str, torch.device)) and str(device).startswith("cuda")


@contextmanager
def _cpu_tensors(script: Script) -> Iterator[None]:
    with _OnCpu(), warnings.catch_warnings():
        # Every data loader would warn that its memory is not pinned.
        warnings.filterwarnings("ignore", message="'pin_memory' argument is set")
        yield


SHIMS = (
    Shim(
        "faiss-long-pointer",
        "modern",
        "faiss renamed cast_integer_to_long_ptr, which the scripts' GPU search calls",
        "before",
        _needs_long_pointer,
        _long_pointer,
    ),
    Shim(
        "sampler-argument",
        "modern",
        "torch's Sampler takes no data source any more, and the scripts' samplers pass one",
        "before",
        _needs_sampler,
        _sampler,
    ),
    Shim(
        "console-stays-open",
        "modern",
        "the scripts' Logger closes the console when it is collected",
        "after",
        lambda script, gpu: hasattr(script.names.get("Logger"), "close"),
        _logger,
    ),
    Shim(
        "plain-map",
        "modern",
        "torch.load refuses the numpy number that scripts save as best mAP, after the last epoch",
        "after",
        lambda script, gpu: "save_checkpoint" in script.names,
        _plain_map,
    ),
    Shim(
        "cpu-search",
        "cpu",
        "faiss ends the process when it is called for a GPU that it cannot use",
        "after",
        _needs_cpu_search,
        _cpu_search,
    ),
    Shim(
        "cpu-tensors",
        "cpu",
        "the scripts send models and tensors to a GPU without asking",
        "before",
        lambda script, gpu: not gpu,
        _cpu_tensors,
    ),
)
