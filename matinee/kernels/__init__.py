"""Numba kernels: arrays in, arrays out. No ids, no files, no printing, no global state.

They are compiled when first called and cached beside the source (or where NUMBA_CACHE_DIR says). All release the
interpreter lock, so that threads run them side by side. Dividing by zero gives infinity, as in NumPy: the check that
Python makes would keep loops from filling vector registers (Adam's takes six times as long with it).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])


def kernel(*, fastmath: bool = False) -> Callable[[Function], Function]:
    """Numba's decorator with the settings that all kernels share, and with the function's own types.

    Args:
        fastmath: sums may be taken in another order, so that they fill vector registers.
    """
    return cast(Callable[[Function], Function], njit(cache=True, nogil=True, error_model="numpy", fastmath=fastmath))


def kernel_cache() -> Path:
    """The folder in which compiled kernels are kept."""
    from matinee.kernels import sgd

    return Path(cast(Any, sgd.sweep).stats.cache_path)


def are_compiled() -> bool:
    """Whether a compiled sweep is in the cache, so that calling it takes no compiling."""
    return any(kernel_cache().glob("sgd.sweep-*.nbi"))
