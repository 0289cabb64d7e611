"""Numba kernels: arrays in, arrays out. No ids, no files, no printing, no global state.

A kernel is compiled when it is first called, and cached beside the source or in
NUMBA_CACHE_DIR. All kernels release the interpreter lock, so that threads run them in
parallel. Division by zero gives infinity, as in NumPy: Python's check would prevent
vectorization (Adam's loop takes six times as long with it).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)
Function = TypeVar("Function", bound=Callable[..., object])


def kernel(*, fastmath: bool = False, is_inlined: bool = False) -> Callable[[Function], Function]:
    """Numba's decorator with the settings that all kernels share; it keeps the function's
    types.

    Args:
        fastmath: allow sums in another order, so that loops can be vectorized.
        is_inlined: make the function a part of each kernel that calls it. A function with
            `fastmath` that is called needs it: otherwise it is compiled by itself and within
            its caller, with sums in different orders, and whether the caller comes from the
            cache decides which of the two runs.
    """
    inline: Literal["always", "never"] = "never"
    if is_inlined:
        inline = "always"
    return cast(
        Callable[[Function], Function],
        njit(cache=True, nogil=True, error_model="numpy", fastmath=fastmath, inline=inline),
    )


def read_only(array: NDArray[Number]) -> NDArray[Number]:
    """A view that cannot be written to, as the arrays of `Ratings` are.

    Numba compiles a kernel again for arrays that can be written to, which takes seconds.
    """
    view = array.view()
    view.setflags(write=False)
    return view


def kernel_cache() -> Path:
    """The folder of the compiled kernels."""
    from matinee.kernels import sgd

    return Path(cast(Any, sgd.sweep).stats.cache_path)


def are_compiled() -> bool:
    """Whether a compiled sweep is in the cache."""
    return any(kernel_cache().glob("sgd.sweep-*.nbi"))
