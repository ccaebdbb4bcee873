"""How inner loops are compiled."""

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile a function over arrays when it is first called, and keep the code on disk where there is a place.

    The compiled function lets other threads run, and works in the thread that calls it alone.
    """
    try:
        return cast(Function, njit(cache=True, nogil=True)(function))
    except RuntimeError:
        # Neither the package's folder nor the user's cache can be written: it compiles anew in each process.
        return cast(Function, njit(nogil=True)(function))
