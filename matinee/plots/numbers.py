"""What is computed before it is drawn: checked arrays, and means with intervals within bins."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matinee.errors import DataError

Numbers = NDArray[np.float64]


def checked_numbers(values: ArrayLike, what: str) -> Numbers:
    """One row of finite numbers.

    Raises:
        DataError: there are none, some are not finite, or the array has more than one dimension.
    """
    found = np.asarray(values, np.float64)
    if found.ndim != 1:
        raise DataError(f"The {what} to draw are an array of shape {found.shape}; one row of numbers is needed.")
    if len(found) == 0:
        raise DataError(f"There are no {what} to draw.")
    bad = np.flatnonzero(~np.isfinite(found))
    if len(bad):
        raise DataError(
            f"{len(bad):,} of the {len(found):,} {what} to draw are not finite numbers; "
            f"the first is number {bad[0] + 1:,}: {found[bad[0]]}. Leave them out."
        )
    return found


def checked_pairs(first: ArrayLike, second: ArrayLike, what: tuple[str, str]) -> tuple[Numbers, Numbers]:
    """Two rows of finite numbers of the same length; raises DataError like `checked_numbers`."""
    pair = checked_numbers(first, what[0]), checked_numbers(second, what[1])
    if len(pair[0]) != len(pair[1]):
        raise DataError(f"There are {len(pair[0]):,} {what[0]} and {len(pair[1]):,} {what[1]}; one for each is needed.")
    return pair


def counted(n: int, thing: str) -> str:
    """ "1 rating", "2,000 ratings"."""
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"


class Binned(NamedTuple):
    """A mean in each of B bins, all (B,): centre on the horizontal axis, mean, half of its 95% interval, number."""

    x: Numbers
    mean: Numbers
    half: Numbers
    n: NDArray[np.int64]


def binned_means(bins: NDArray[np.int64], x: Numbers, y: Numbers) -> Binned:
    """The mean of y in each bin that occurs, at the mean of x in it.

    The interval comes from the central limit theorem; a single value has none: NaN.

    Args:
        bins: (N,), the bin of each value.
    """
    _, bins, n = np.unique(bins, return_inverse=True, return_counts=True)
    mean = np.bincount(bins, y) / n
    squares = np.bincount(bins, (y - mean[bins]) ** 2)
    half = 1.96 * np.sqrt(squares / np.where(n > 1, n - 1, np.nan) / n)
    return Binned(np.bincount(bins, x) / n, mean, half, n)


def merged_bins(bins: NDArray[np.int64], at_least: int) -> NDArray[np.int64]:
    """Bins with neighbours joined, from the left, until each holds so many values; the last joins the one before.

    Args:
        bins: (N,), numbered from left to right.
    """
    distinct, index, n = np.unique(bins, return_inverse=True, return_counts=True)
    joined = np.zeros(len(distinct), np.int64)
    held = 0
    for place in range(len(distinct)):
        if held >= at_least and n[place:].sum() >= at_least:
            held, joined[place:] = 0, joined[place] + 1
        held += int(n[place])
    return joined[index]
