"""Sums over columns as long as a table, in memory for one block at a time.

A column of one block gives the same bits as one call of NumPy.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Longs

BLOCK = 1 << 22


def counts_by(index: NDArray[np.integer], n: int) -> Longs:
    """How often each index occurs, (n,)."""
    counts = np.zeros(n, np.int64)
    for start in range(0, len(index), BLOCK):
        of_block = np.bincount(index[start : start + BLOCK])
        counts[: len(of_block)] += of_block
    return counts


def sums_by(index: NDArray[np.integer], value: NDArray[np.floating], n: int) -> Doubles:
    """The sum of the values at each index, (n,)."""
    sums = np.zeros(n)
    if len(value) <= BLOCK:
        return np.bincount(index, value, minlength=n).astype(np.float64)
    for start in range(0, len(value), BLOCK):
        at = slice(start, start + BLOCK)
        of_block = np.bincount(index[at], value[at])
        sums[: len(of_block)] += of_block
    return sums


def deviation(value: NDArray[np.floating]) -> float:
    """The standard deviation."""
    if len(value) <= BLOCK:
        return float(value.std(dtype=np.float64))
    mean, total = value.mean(dtype=np.float64), 0.0
    for start in range(0, len(value), BLOCK):
        total += float(np.square(value[start : start + BLOCK] - mean).sum())
    return float(np.sqrt(total / len(value)))


def row_sums(
    value: NDArray[np.floating],
    indptr: Longs,
    of: Callable[[NDArray[np.floating]], NDArray[np.generic]] = np.asarray,
) -> Doubles:
    """The sum of each run indptr[r]:indptr[r + 1] of the values, (R,), or of a function of them."""
    at_ends = np.zeros(len(indptr))
    total = 0.0
    for start in range(0, len(value), BLOCK):
        block = of(value[start : start + BLOCK]).astype(np.float64)
        sums = np.cumsum(np.append(total, block))[1:]
        first, stop = np.searchsorted(indptr, [start + 1, start + len(block) + 1])
        at_ends[first:stop] = sums[indptr[first:stop] - start - 1]
        total = float(sums[-1])
    return np.diff(at_ends)
