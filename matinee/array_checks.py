"""Checks of arrays that come from files, before compiled code uses them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee._types import Indices
from matinee.errors import DataError

LARGEST = 1e12
"""The largest magnitude of a learned number, unless it is declared otherwise: products of three
are still single-precision numbers."""


def check_magnitude(name: str, array: NDArray[Any], most: float = LARGEST) -> None:
    """Raises DataError unless all numbers are finite and none is larger than `most`."""
    if array.size == 0:
        return
    largest = max(-float(array.min()), float(array.max()))  # NaN if there is one
    if not largest < np.inf:
        raise DataError(f"{name} holds a number that is not finite; training may have diverged")
    if largest > most:
        raise DataError(
            f"{name} holds a number of size {largest:g}, but at most {most:g} is usual; training "
            "may have diverged"
        )


def check_indices(name: str, index: Indices, n: int) -> None:
    """Raises DataError unless all values are row numbers from 0 to n - 1."""
    if index.size and not (index.min() >= 0 and index.max() < n):
        raise DataError(f"{name} holds an index outside 0 to {n - 1}")


def check_indptr(name: str, indptr: Indices, n: int) -> None:
    """Raises DataError unless the values ascend from 0 to n."""
    if indptr[0] != 0 or indptr[-1] != n or (indptr[1:] < indptr[:-1]).any():
        raise DataError(f"{name} does not ascend from 0 to {n}")
