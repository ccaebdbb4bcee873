"""How inner loops are compiled."""

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile a function over arrays when it is first called.

    The compiled code is kept on disk where a folder can be written. While the function runs, other threads can run
    too; the function itself uses only the thread that calls it.

    Args:
        function: takes and returns arrays and numbers, in the part of Python that numba knows.

    Returns:
        The compiled function, called like the one that was given.
    """
    try:
        return cast(Function, njit(cache=True, nogil=True)(function))
    except RuntimeError:
        # Neither the package's folder nor the user's cache can be written: each process compiles anew.
        return cast(Function, njit(nogil=True)(function))
