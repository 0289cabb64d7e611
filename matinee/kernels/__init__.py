"""Numba kernels: arrays in, arrays out. No ids, no files, no printing, no global state.

They are compiled when first called and cached beside the source (or where NUMBA_CACHE_DIR says). All release the
interpreter lock, so that threads run them side by side.
"""

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])


def kernel(*, fastmath: bool = False) -> Callable[[Function], Function]:
    """Numba's decorator with the settings that all kernels share, and with the function's own types.

    Args:
        fastmath: sums may be taken in another order, so that they fill vector registers.
    """
    return cast(Callable[[Function], Function], njit(cache=True, nogil=True, fastmath=fastmath))
